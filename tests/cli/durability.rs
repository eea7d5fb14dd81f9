//! What survives a power loss: seen from outside, in the order of the system calls.

use std::{fs, path::Path};

use tuf_notary::testkit::Forge;

use crate::{
    common::{process, programs, static_server::StaticServer},
    lab::*,
};

/// A step of the program under test, with the path it is about.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Sync(String),
    Rename(String, String),
}

/// Reads `strace -y`: `fsync(5</path>) = 0`, `renameat(…, "/old", …, "/new") = 0`.
fn step(line: &str) -> Option<Step> {
    let call = line.trim_end().strip_suffix("= 0")?;
    if call.contains("fsync(") || call.contains("fdatasync(") {
        let (_, rest) = call.split_once('<')?;
        return Some(Step::Sync(rest.split_once('>')?.0.to_owned()));
    }
    let mut quoted = call.split('"').skip(1).step_by(2).map(str::to_owned);
    Some(Step::Rename(quoted.next()?, quoted.next()?))
}

#[test]
fn cr_06_a_file_is_synced_before_its_rename_and_its_folder_after() {
    let test = "cr_06_a_file_is_synced_before_its_rename_and_its_folder_after";
    let Some(strace) = programs::find(test, "strace") else { return };
    let server = StaticServer::start(&Forge::new(GUN).build());
    let (user, url, image) = (User::new(), server.url(), format!("{GUN}:v1"));
    let log = user.home().join("calls");
    let mut command = process::command(&strace, user.home());
    command
        .args(["-f", "-y", "-e", "trace=/fsync|fdatasync|rename.*", "-o"])
        .arg(&log)
        .arg(program("verify_tag"));
    command.args(["--plain-http", "--server", &url, "--clock", NOW, &image]);
    process::run(command, b"", process::LONGEST).ok();

    let log = fs::read_to_string(log).unwrap();
    let steps: Vec<_> = log.lines().filter_map(step).collect();
    let mut renamed = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Step::Rename(old, new) = step else { continue };
        let folder = Path::new(new).parent().unwrap().to_str().unwrap().to_owned();
        assert!(at > 0 && steps[at - 1] == Step::Sync(old.clone()), "{new}: {log}");
        assert_eq!(steps.get(at + 1), Some(&Step::Sync(folder)), "{new}: {log}");
        renamed.push(Path::new(new).file_name().unwrap().to_str().unwrap().to_owned());
    }
    for role in ["root", "timestamp", "snapshot", "targets"] {
        assert!(renamed.contains(&format!("{role}.json")), "{role}: {log}");
    }
}
