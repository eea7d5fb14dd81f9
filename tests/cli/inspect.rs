//! `inspect`, held to what `docker trust inspect` prints for the same metadata.

use std::fs;

use serde_json::{Value, json};
use tuf_notary::testkit::{Forge, ForgeKey};

use crate::{
    common::{
        certificates::{self, Tls},
        docker::Docker,
        fixture,
        notary_cli::NotaryCli,
        notary_server::NotaryServer,
        static_server::StaticServer,
    },
    lab::*,
};

fn inspect(user: &User, server: &StaticServer, more: &[&str]) -> Outcome {
    let url = server.url();
    let mut arguments = vec!["--plain-http", "--server", &url, "--clock", NOW];
    arguments.extend(more);
    user.run("inspect", arguments)
}

fn as_json(outcome: Outcome) -> Value {
    serde_json::from_str(&outcome.0.ok().stdout).unwrap()
}

#[test]
fn json_is_what_docker_prints() {
    let folder = fixture("notary/docker-trust");
    let gun = fs::read_to_string(folder.join("gun.txt")).unwrap().trim().to_owned();
    let server = StaticServer::empty(&gun);
    server.serve_folder(&folder.join("served"));
    let expected = fs::read_to_string(folder.join("inspect.json")).unwrap();
    let outcome = inspect(&User::new(), &server, &["--json", &gun]);
    assert_eq!(outcome.0.ok().stdout.trim_end(), expected.trim_end());

    let tagged = format!("{gun}:v2");
    let one = as_json(inspect(&User::new(), &server, &["--json", &tagged]));
    let all: Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(one[0]["Name"], tagged);
    assert_eq!(one[0]["SignedTags"], json!([all[0]["SignedTags"][1]]));
    assert_eq!(one[0]["AdministrativeKeys"], all[0]["AdministrativeKeys"]);
    let none = as_json(inspect(&User::new(), &server, &["--json", &format!("{gun}:v3")]));
    assert_eq!(none[0]["SignedTags"], json!([]));

    let text = inspect(&User::new(), &server, &[&gun]).0.ok().stdout;
    let first = all[0]["SignedTags"][0]["Digest"].as_str().unwrap();
    assert!(text.contains(&format!("v1  sha256:{first}  alice")), "{text}");
    let key = all[0]["Signers"][0]["Keys"][0]["ID"].as_str().unwrap();
    assert!(text.contains(&format!("alice  {key}")), "{text}");
    for role in ["root", "timestamp", "snapshot", "targets", "targets/alice", "targets/releases"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("  {role}  version "))), "{role}: {text}");
    }
}

#[test]
fn tags_are_in_natural_order_and_signers_descend() {
    let mut forge = Forge::new(GUN);
    for (number, tag) in [(9, "v9"), (10, "v10"), (11, "v1.10"), (12, "v1.9"), (13, "latest"), (14, "v-1")] {
        forge.add_tag("targets", tag, number, 1);
    }
    for signer in ["targets/alice", "targets/bob"] {
        forge.delegate("targets", signer, &[ForgeKey::ecdsa()], 1, &[""]);
        forge.add_tag(signer, "v9", 9, 1);
        forge.add_tag(signer, "v10", 99, 1);
    }
    let server = StaticServer::start(&forge.build());
    let answer = as_json(inspect(&User::new(), &server, &["--json", GUN]));
    let texts = |value: &Value, member: &str| -> Vec<String> {
        value.as_array().unwrap().iter().map(|it| it[member].as_str().unwrap().to_owned()).collect()
    };
    let tags = texts(&answer[0]["SignedTags"], "SignedTag");
    assert_eq!(tags, ["latest", "v1", "v1.9", "v1.10", "v9", "v10", "v-1"]);
    assert_eq!(answer[0]["SignedTags"][4]["Signers"], json!(["alice", "bob"]));
    assert_eq!(answer[0]["SignedTags"][5]["Signers"], json!(["Repo Admin"]), "of another digest");
    assert_eq!(texts(&answer[0]["Signers"], "Name"), ["bob", "alice"]);
}

/// Docker sorts by tag alone: two digests of one tag come in any order.
fn with_pairs_in_order(text: &str) -> Value {
    let mut answer: Value = serde_json::from_str(text).unwrap();
    let tags = answer[0]["SignedTags"].as_array_mut().unwrap();
    for first in 1..tags.len() {
        let (a, b) = (&tags[first - 1], &tags[first]);
        if a["SignedTag"] == b["SignedTag"] && a["Digest"].as_str() > b["Digest"].as_str() {
            tags.swap(first - 1, first);
        }
    }
    answer
}

/// What we sign, initialised by us and with signers added by `notary`, as both programs print it.
#[test]
fn json_of_what_we_sign_is_what_docker_prints() {
    let test = "json_of_what_we_sign_is_what_docker_prints";
    let Some(server) = NotaryServer::start_tls(test, Tls::Authority) else { return };
    let user = User::new();
    let Some(docker) = Docker::new(test, user.home(), &server) else { return };
    let Some(mut notary) = NotaryCli::new(test, &server) else { return };
    notary.trust_dir = user.trust_dir();
    notary.environment =
        user.environment.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let (url, ca) = (server.url(), server.authority().unwrap().to_str().unwrap());
    let sign = |byte: &str, tag: &str| {
        let (image, digest) = (format!("{GUN}:{tag}"), byte.repeat(32));
        let more = ["--server-snapshot", "--sha256", &digest, "--size", "528", &image];
        user.run("push_sign", ["--server", &url, "--tls-ca", ca].iter().chain(&more)).0.ok();
    };
    let same = |image: &str| {
        let ours = user.run("inspect", ["--server", &url, "--tls-ca", ca, "--json", image]).0.ok().stdout;
        let dockers = docker.trust(&server, &["inspect", image]).ok().stdout;
        assert_eq!(with_pairs_in_order(&ours), with_pairs_in_order(&dockers));
        ours
    };
    for (byte, tag) in [
        ("a9", "v9"),
        ("aa", "v10"),
        ("ab", "latest"),
        ("ac", "v1.10"),
        ("ad", "v1.9"),
        ("ae", "v-1"),
        ("af", "v01"),
        ("a1", "v1"),
        ("a2", "1"),
    ] {
        sign(byte, tag);
    }
    same(GUN);
    for signer in ["alice", "bob"] {
        let certified = certificates::delegation(notary.home(), signer);
        notary.key_import(&certified.key, signer).ok();
        for role in [format!("targets/{signer}"), "targets/releases".to_owned()] {
            notary.delegation_add(GUN, &role, &certified.certificate, &[]).ok();
        }
    }
    notary.publish(GUN).ok();
    // Signed by both signers and released; v9 as another image than targets says.
    sign("b1", "v11");
    sign("b9", "v9");
    sign("aa", "v10");
    let text = same(GUN);
    assert!(text.contains("alice") && text.contains("Repo Admin"), "{text}");
    assert!(text.contains(&"a9".repeat(32)) && text.contains(&"b9".repeat(32)), "{text}");
    for tag in ["v9", "v10", "v11", "latest", "none"] {
        same(&format!("{GUN}:{tag}"));
    }
}

#[test]
fn what_can_not_be_trusted_is_not_inspected() {
    let user = User::new();
    inspect(&user, &StaticServer::empty(GUN), &["--json", GUN]).fails(1, "NOT_SIGNED");
    let server = StaticServer::start(&Forge::new(GUN).build());
    inspect(&user, &server, &["--root-key", &"ab".repeat(32), GUN]).fails(1, "PIN_MISMATCH");
    inspect(&user, &server, &["--at", "2027-01-01T00:00:00Z", GUN]).fails(1, "EXPIRED");
}

#[test]
fn texts_of_a_server_do_not_reach_the_terminal_as_they_are() {
    let mut forge = Forge::new(GUN);
    forge.add_tag("targets", "x\u{9b}2J\u{85}y", 2, 2);
    let server = StaticServer::start(&forge.build());
    let text = inspect(&User::new(), &server, &[GUN]).0.ok().stdout;
    assert!(text.contains("x\\u{9b}2J\\u{85}y"), "{text}");
    assert!(!text.replace('\n', "").contains(char::is_control), "{text}");
}
