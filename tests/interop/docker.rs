//! What we publish, `docker trust inspect` prints.

use std::{env, fs, path::Path};

use serde_json::{Value, json};
use tuf_notary::blocking::{Initialise, SnapshotKey};

use crate::{
    common::{certificates, certificates::Tls, process, programs},
    lab::*,
};

/// Docker is skipped wherever it is missing, with a loud note: it shares Notary's client code, and
/// its package weighs more than this proof.
fn docker(test: &str) -> Option<std::path::PathBuf> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join("docker")).find(|file| file.is_file());
    programs::decide(found, false, test, "docker")
}

fn inspect(program: &Path, home: &Path, server: &str, authority: &Path) -> Value {
    let config = home.join("docker-config");
    let host = server.trim_start_matches("https://");
    fs::create_dir_all(config.join("tls").join(host)).unwrap();
    fs::copy(authority, config.join("tls").join(host).join("ca.crt")).unwrap();
    let mut command = process::command(program, home);
    command.env("DOCKER_CONFIG", &config).env("DOCKER_CONTENT_TRUST_SERVER", server);
    command.args(["trust", "inspect", GUN]);
    let answer = process::run(command, b"", process::LONGEST).ok();
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn docker_inspects_what_we_sign() {
    let test = "docker_inspects_what_we_sign";
    let Some(program) = docker(test) else { return };
    let Some((server, notary)) = start_as(test, Some(Tls::Authority)) else { return };
    let home = tempfile::tempdir().unwrap();
    let notary = notary.with_trust_dir(home.path());
    let ours = ours(&server, home.path());
    let plan = Initialise::new().snapshot_key(SnapshotKey::Server);
    ours.initialise(&plan.changes(signing([("v9", &b"nine"[..]), ("v10", b"ten")]))).unwrap();
    let alice = certificates::delegation(notary.home(), "alice");
    notary.key_import(&alice.key, "alice").ok();
    for role in ["targets/alice", "targets/releases"] {
        notary.delegation_add(GUN, role, &alice.certificate, &[]).ok();
    }
    notary.publish(GUN).ok();
    let view = ours.publish(&signing([("v11", &b"eleven"[..])])).unwrap();

    let answer = inspect(&program, notary.home(), &server.url(), server.authority().unwrap());
    let tag = |name: &str, content: &[u8], signer: &str| json!({ "SignedTag": name, "Digest": sha256(content), "Signers": [signer] });
    let tags = json!([
        tag("v9", b"nine", "Repo Admin"),
        tag("v10", b"ten", "Repo Admin"),
        tag("v11", b"eleven", "alice"),
    ]);
    assert_eq!(answer[0]["SignedTags"], tags);
    let alice = &key_ids(&view, "targets/alice")[0];
    assert_eq!(answer[0]["Signers"], json!([{ "Name": "alice", "Keys": [{ "ID": alice }] }]));
}
