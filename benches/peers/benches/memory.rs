//! Peak resident memory of a whole process that goes from a trusted root to one target of 100,000,
//! beside the size of the targets file and above a process that does nothing. Linux only: it reads
//! /proc. The files lie in a folder, so that no client's transport holds them.

use std::{env, fs, path::Path, process::Command};

use tuf_notary_peers::{clients, files::Files};

const FOLDER: &str = "TUF_NOTARY_PEERS_FOLDER";
const TARGETS: usize = 100_000;
const MOST: f64 = 3.0;

fn main() {
    match env::args().collect::<Vec<_>>().as_slice() {
        [_, client, target] if env::var_os(FOLDER).is_some() => look_up(client, target),
        _ => measure(),
    }
}

/// The parent writes the files and starts fresh processes, which owe nothing to their making.
fn measure() {
    let (files, folder) = (Files::write(TARGETS), tempfile::tempdir().expect("a folder"));
    files.save(folder.path());
    let itself = env::current_exe().expect("a path");
    let run = |client: &str| {
        let mut command = Command::new(&itself);
        command.args([client, &files.target]).env(FOLDER, folder.path());
        let output = command.output().expect("started");
        String::from_utf8_lossy(&output.stdout).trim().parse::<usize>().expect("kilobytes") * 1024
    };
    let (size, idle) = (files.size(), run("none"));
    println!("targets file {size} bytes, idle process {idle} bytes");
    for client in ["ours", "ours in memory", "sigstore-tuf", "tough", "rust-tuf"] {
        let above = run(client) - idle;
        let ratio = above as f64 / size as f64;
        let verdict = match client {
            "ours" if ratio <= MOST => format!(", goal {MOST}: met"),
            "ours" => format!(", goal {MOST}: MISSED"),
            _ => String::new(),
        };
        println!(
            "{client:>15}: {:.1} MiB above idle, {ratio:.2} files{verdict}",
            above as f64 / f64::from(1 << 20)
        );
    }
}

fn look_up(client: &str, target: &str) {
    let folder = env::var(FOLDER).expect("a folder");
    let length = clients::run(client, Path::new(&folder), target);
    assert!(length > 0 || client == "none");
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    println!("{}", peak.trim().trim_end_matches(" kB"));
}
