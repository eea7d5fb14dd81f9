//! What was trusted before, damaged or lost.

use std::fs;

use tuf_notary::testkit::Forge;

use crate::{common::static_server::StaticServer, lab::*};

fn trusting() -> (StaticServer, User) {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    (server, user)
}

#[test]
fn a_damaged_empty_or_lost_root_is_no_first_use() {
    type Damage = fn(&std::path::Path);
    let damages: [Damage; 5] = [
        |root| fs::write(root, b"").unwrap(),
        |root| fs::write(root, b"{").unwrap(),
        |root| fs::write(root, [fs::read(root).unwrap(), b"x".to_vec()].concat()).unwrap(),
        |root| fs::remove_file(root).unwrap(),
        |root| {
            fs::remove_file(root).unwrap();
            fs::create_dir(root).unwrap();
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let (server, user) = trusting();
        let root = user.metadata("root.json");
        damage(&root);
        user.verify(&server, &[], "v1").fails(1, "LOCAL_STATE");
        user.verify(&server, &[], "v1").fails(1, "LOCAL_STATE");
        if number < 4 {
            user.verify(&server, &["--reset-trust"], "v1").verifies(1);
            user.verify(&server, &[], "v1").verifies(1);
        }
    }
}

#[test]
fn a_damaged_record_is_no_first_use() {
    let (server, user) = trusting();
    let own = user.trust_dir().join("tuf-notary");
    let records: Vec<_> = fs::read_dir(&own)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    assert_eq!(records.len(), 1);
    for content in [&b""[..], b"{", b"{}"] {
        fs::write(&records[0], content).unwrap();
        user.verify(&server, &[], "v1").fails(1, "LOCAL_STATE");
    }
    user.verify(&server, &["--reset-trust"], "v1").verifies(1);
}

#[test]
fn other_cached_files_are_fetched_again() {
    let (server, user) = trusting();
    for file in ["timestamp.json", "snapshot.json", "targets.json"] {
        fs::write(user.metadata(file), b"").unwrap();
        user.verify(&server, &[], "v1").verifies(1);
    }
}

#[test]
fn a_reset_forgets_the_floors_too() {
    let mut forge = Forge::new(GUN);
    let old = forge.build();
    forge.bump("targets");
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    server.serve(&old);
    user.verify(&server, &[], "v1").fails(1, "ROLLBACK");
    user.verify(&server, &["--reset-trust"], "v1").verifies(1);
}

#[test]
#[cfg(unix)]
fn everything_that_is_written_lies_below_the_trust_folder() {
    let (server, user) = trusting();
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(user.home()), [".docker"]);
    assert_eq!(names(&user.home().join(".docker")), ["trust"]);
    assert_eq!(names(&user.trust_dir()), ["tuf", "tuf-notary"], "no folder for keys");
    assert_eq!(mode(&user.trust_dir()), 0o700);
    assert_eq!(mode(&user.metadata("root.json")), 0o600);

    let user = User::new();
    let dir = user.home().join("elsewhere");
    user.verify(&server, &["--trust-dir", dir.to_str().unwrap()], "v1").verifies(1);
    assert_eq!(names(user.home()), ["elsewhere"]);

    let mut user = User::new();
    user.environment.push(("DOCKER_CONFIG", user.home().join("config").to_str().unwrap().to_owned()));
    user.verify(&server, &[], "v1").verifies(1);
    assert_eq!(names(user.home()), ["config"]);
    assert_eq!(names(&user.home().join("config")), ["trust"]);
}

/// Nothing can be written there, whoever the user is.
#[test]
#[cfg(target_os = "linux")]
fn trust_that_can_not_be_remembered_is_warned_about() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let outcome = User::new().verify(&server, &["--trust-dir", "/proc/tuf-notary"], "v1");
    assert_eq!(outcome.0.status, Some(0), "{outcome:#?}");
    assert!(outcome.0.stderr.starts_with("warning: what is trusted is not remembered: "), "{outcome:#?}");
    assert_eq!(outcome.0.stdout.lines().count(), 1);
}
