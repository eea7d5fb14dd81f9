//! `notary_to_tuf`: what a Notary collection signs becomes a TUF 1.0 repository, digest by digest.

use std::fs;

use serde_json::{Value, json};
use tuf_notary::{
    Repository,
    name::TargetName,
    testkit::{Forge, ForgeKey},
    transport::RepositoryDirectory,
    view::FoundTarget,
};

use crate::{common::static_server::StaticServer, lab::*};

fn migrate(user: &User, server: &StaticServer, more: &[&str]) -> Outcome {
    let url = server.url();
    let mut arguments = vec!["--plain-http", "--server", &url, "--clock", NOW];
    arguments.extend(more);
    arguments.push(GUN);
    user.run("notary_to_tuf", arguments)
}

/// What a client that knows the first root finds.
fn find(user: &User, name: &str) -> Option<FoundTarget> {
    let folder = user.home().join("repository");
    let root = fs::read(folder.join("metadata/1.root.json")).unwrap();
    let repository = Repository::builder(root).transport(RepositoryDirectory::new(&folder)).build();
    repository.find(&TargetName::new(name).unwrap()).unwrap()
}

fn origin(target: &FoundTarget) -> Value {
    serde_json::from_str::<Value>(target.info().custom.as_deref().unwrap()).unwrap()["notary"].clone()
}

#[test]
fn each_tag_keeps_its_digests_and_says_where_it_came_from() {
    let (user, mut forge) = (User::new(), Forge::new(GUN));
    forge.add_tag("targets", "v1", 1, 11);
    forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.add_tag("targets/releases", "v1", 7, 17);
    forge.add_tag("targets/releases", "v2", 2, 22);
    forge.doc("targets/releases")["targets"]["v2"]["custom"] = json!({ "build": 5 });
    let server = StaticServer::start(&forge.build());
    migrate(&user, &server, &[]).says("2 targets");

    let v1 = find(&user, "v1").expect("v1");
    assert_eq!(
        (v1.hashes().sha256, v1.length()),
        (Some([7; 32]), 17),
        "what Docker takes, not targets' entry"
    );
    let v2 = find(&user, "v2").expect("v2");
    assert_eq!(v2.hashes().sha256, Some([2; 32]));
    let origin = origin(&v2);
    assert_eq!((&origin["collection"], &origin["role"]), (&json!(GUN), &json!("targets/releases")));
    assert_eq!((&origin["version"], &origin["custom"]), (&json!(1), &json!({ "build": 5 })));
    assert_eq!(origin["keys"].as_array().unwrap().len(), 1);
    assert_eq!(find(&user, "v3"), None);
}

#[test]
fn a_second_run_takes_over_what_has_changed_and_nothing_else() {
    let (user, mut forge) = (User::new(), Forge::new(GUN));
    forge.add_tag("targets", "v1", 1, 11);
    forge.add_tag("targets", "v2", 2, 22);
    let server = StaticServer::start(&forge.build());
    migrate(&user, &server, &["--prefix", "team"]).says("2 targets");
    let file = user.write("tool", "content");
    user.run("tuf_repository", ["add", "targets", "tool", &file]).says("timestamp.json");
    let unchanged = fs::read(user.home().join("repository/metadata/timestamp.json")).unwrap();
    migrate(&user, &server, &["--prefix", "team"]).says("0 dropped");
    assert_eq!(fs::read(user.home().join("repository/metadata/timestamp.json")).unwrap(), unchanged);

    forge.doc("targets")["targets"].as_object_mut().unwrap().remove("v1");
    forge.add_tag("targets", "v2", 3, 33);
    forge.bump("targets");
    server.serve(&forge.build());
    migrate(&user, &server, &["--prefix", "team"]).says("1 dropped");
    assert_eq!(find(&user, "team/v1"), None);
    let v2 = find(&user, "team/v2").expect("v2");
    assert_eq!((v2.hashes().sha256, &origin(&v2)["version"]), (Some([3; 32]), &json!(2)));
    assert_eq!(find(&user, "tool").expect("of another origin").length(), 7);
}

#[test]
fn what_does_not_hold_is_not_taken_over() {
    let (user, mut forge) = (User::new(), Forge::new(GUN));
    forge.add_tag("targets", "v1", 1, 11);
    forge.expires("timestamp", "2026-11-24T11:00:00Z");
    let server = StaticServer::start(&forge.build());
    migrate(&user, &server, &[]).fails(1, "EXPIRED");
    assert!(!user.home().join("repository").exists());
}
