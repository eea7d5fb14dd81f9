//! `rotate_keys`.

use std::fs;

use crate::{
    common::{notary_cli::NotaryCli, notary_server::NotaryServer},
    lab::*,
};

struct Desk {
    url: String,
    owner: User,
}

impl Desk {
    #[track_caller]
    fn rotate(&self, roles: &[&str]) -> Outcome {
        let arguments = [&["--plain-http", "--server", &self.url], roles, &[GUN]].concat();
        self.owner.run("rotate_keys", arguments)
    }

    #[track_caller]
    fn sign(&self, tag: &str) {
        let (digest, image) = ("ab".repeat(32), format!("{GUN}:{tag}"));
        let arguments = ["--plain-http", "--server", &self.url, "--sha256", &digest, "--size", "528", &image];
        self.owner.run("push_sign", arguments).prints(&format!("{GUN}@sha256:{digest}"));
    }
}

/// Key ids by role, in the order of the lines.
#[track_caller]
fn keys(outcome: &Outcome) -> Vec<(String, String)> {
    assert_eq!((outcome.0.status, outcome.0.stderr.as_str()), (Some(0), ""), "{outcome:#?}");
    let pair = |line: &str| line.split_once(' ').map(|(role, ids)| (role.to_owned(), ids.to_owned()));
    outcome.0.stdout.lines().map(|line| pair(line).unwrap()).collect()
}

#[test]
fn every_role_s_key_is_replaced_and_clients_follow() {
    let test = "every_role_s_key_is_replaced_and_clients_follow";
    let Some(server) = NotaryServer::start(test) else { return };
    let Some(notary) = NotaryCli::new(test, &server) else { return };
    let desk = Desk { url: server.url(), owner: User::new() };
    desk.sign("v0");
    let mut known = keys(&desk.rotate(&["targets"]));
    notary.lookup(GUN, "v0").ok();
    for roles in [&["root"][..], &["snapshot=server"], &["timestamp"], &["snapshot"], &["root", "targets"]] {
        let now = keys(&desk.rotate(roles));
        for ((role, before), (_, after)) in known.iter().zip(&now) {
            let named = roles.iter().any(|it| it.split('=').next() == Some(role));
            assert_eq!(before != after, named, "{role} after {roles:?}");
        }
        let tag = format!("after-{}", roles.join("-").replace('=', "-"));
        desk.sign(&tag);
        notary.lookup(GUN, &tag).ok();
        known = now;
    }
    let files = fs::read_dir(desk.owner.trust_dir().join("private")).unwrap().count();
    assert_eq!(files, 5, "three roots, one targets, one snapshot");
}

#[test]
fn what_can_t_be_rotated_is_refused_before_anything_is_asked() {
    let desk = Desk { url: "http://127.0.0.1:9".to_owned(), owner: User::new() };
    for roles in [
        &[][..],
        &["root=server"],
        &["targets=server"],
        &["timestamp=abc"],
        &["targets/a"],
        &["root", "root"],
        &["snapshot", "snapshot=server"],
        &["--legacy", "x", "root"],
    ] {
        desk.rotate(roles).fails(2, "USAGE");
    }
}
