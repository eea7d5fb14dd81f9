//! Answers of a server that does answer: verified, or exit code 1.

use tuf_notary::testkit::{Forge, ForgeKey};

use crate::{
    common::{
        process,
        static_server::{Fault, StaticServer},
    },
    lab::*,
};

#[test]
fn a_signed_tag_is_one_line() {
    let mut forge = Forge::new(GUN);
    forge.add_tag("targets", "latest", 7, 70);
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    user.verify(&server, &[], "v1").verifies(1);
    let url = server.url();
    user.run("verify_tag", ["--plain-http", "--server", &url, "--clock", NOW, GUN]).verifies(7);
    // The same, with a server below a path and options behind the image.
    user.run("verify_tag", [&format!("{GUN}:v1"), "--clock", NOW, "--plain-http", "--server", &url])
        .verifies(1);
}

#[test]
fn what_is_not_signed_ends_with_1() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    User::new().verify(&server, &[], "v2").fails(1, "NOT_SIGNED");
    let unknown = User::new().verify(&StaticServer::empty(GUN), &[], "v1");
    unknown.fails(1, "NOT_SIGNED");
    unknown.says(GUN);
}

#[test]
fn a_collection_that_is_gone_is_not_taken_from_the_cache() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    user.verify(&StaticServer::empty(GUN), &[], "v1").fails(1, "MISSING");
    user.verify(&server, &[], "v1").verifies(1);
}

#[test]
fn expired_metadata_ends_with_1_and_the_cache_stays() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    user.verify_at(&server, "2040-01-01T00:00:00Z", &[], "v1").fails(1, "EXPIRED");
    user.verify(&server, &[], "v1").verifies(1);
    user.verify_at(&server, "2026-12-09T00:00:00Z", &[], "v1").fails(1, "EXPIRED");
    user.verify(&server, &[], "v1").verifies(1);
}

#[test]
fn a_roll_back_ends_with_1() {
    let mut forge = Forge::new(GUN);
    let old = forge.build();
    forge.add_tag("targets", "v1", 2, 2);
    forge.bump("targets");
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(2);
    server.serve(&old);
    let outcome = user.verify(&server, &[], "v1");
    outcome.fails(1, "ROLLBACK");
    outcome.says("timestamp was rolled back: trusted version 2, offered 1");
    server.serve(&forge.build());
    user.verify(&server, &[], "v1").verifies(2);
}

#[test]
fn another_root_ends_with_1() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    let mut stranger = Forge::new(GUN);
    stranger.add_tag("targets", "v1", 6, 6);
    stranger.bump("root");
    stranger.bump("snapshot");
    server.serve(&stranger.build());
    user.verify(&server, &[], "v1").fails(1, "ROOT_CHANGED");
    user.verify(&server, &[], "v1").fails(1, "ROOT_CHANGED");
    // Only the explicit reset gives in.
    user.verify(&server, &["--reset-trust"], "v1").verifies(6);
    user.verify(&server, &[], "v1").verifies(6);
}

#[test]
fn a_collection_that_was_begun_anew_has_another_root() {
    let forge = || {
        let mut forge = Forge::new(GUN);
        forge.add_tag("targets", "v1", 6, 6);
        forge
    };
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(1);
    server.serve(&forge().build());
    let outcome = user.verify(&server, &[], "v1");
    outcome.fails(1, "ROOT_CHANGED");
    outcome.says("root version 1 does not succeed trusted version 1");
    // Why the timestamp is refused can't be asked then; that it is refused is known.
    for fault in [Fault::Status(500), Fault::Status(404), Fault::Truncate, Fault::Content(b"{}".to_vec())] {
        server.fault("root.json", fault);
        user.verify(&server, &[], "v1").fails(1, "THRESHOLD");
    }
    server.heal();
    user.verify(&server, &["--reset-trust"], "v1").verifies(6);

    // Files that are badly signed under the same root stay what they are.
    let mut forge = forge();
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(6);
    *forge.keys("timestamp") = vec![ForgeKey::ecdsa()];
    forge.bump("timestamp");
    server.serve(&forge.build());
    user.verify(&server, &[], "v1").fails(1, "THRESHOLD");
}

#[test]
fn files_that_do_not_hold_end_with_1() {
    let mut forge = Forge::new(GUN);
    let published = forge.build();
    let server = StaticServer::start(&published);
    let case = |role: &str, fault: Fault, reason: &str| {
        server.fault(role, fault);
        User::new().verify(&server, &[], "v1").fails(1, reason);
        server.heal();
    };
    let page = || Fault::Content(b"<html>Welcome to our hotel</html>".to_vec());
    case("root", page(), "MALFORMED");
    case("root", Fault::Content(Vec::new()), "MALFORMED");
    case("timestamp", page(), "MALFORMED");
    case("timestamp", Fault::Content(vec![b' '; (1 << 20) + 1]), "TOO_LARGE");
    case("snapshot", Fault::Status(404), "MISSING");
    case("targets", Fault::Status(404), "MISSING");
    case("snapshot", Fault::Content(published.newest("timestamp")), "HASH_MISMATCH");
    let larger = vec![b' '; published.newest("targets").len() + 1];
    case("targets", Fault::Content(larger), "TOO_LARGE");
    User::new().verify(&server, &[], "v1").verifies(1);

    forge.set_keys("targets", &[ForgeKey::ecdsa()], 1);
    forge.keys("targets").push(ForgeKey::ecdsa().garbled());
    forge.keys("targets").remove(0);
    forge.bump("targets");
    let server = StaticServer::start(&forge.build());
    User::new().verify(&server, &[], "v1").fails(1, "THRESHOLD");
}

#[test]
fn roles_that_are_named_are_asked_instead() {
    let mut forge = Forge::new(GUN);
    let key = ForgeKey::ecdsa();
    for role in ["targets/releases", "targets/alice"] {
        forge.delegate("targets", role, std::slice::from_ref(&key), 1, &[""]);
    }
    forge.add_tag("targets/releases", "v1", 2, 2);
    forge.add_tag("targets/alice", "v3", 3, 3);
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    user.verify(&server, &[], "v1").verifies(2);
    user.verify(&server, &["--role", "targets"], "v1").verifies(1);
    user.verify(&server, &["--role", "targets", "--role", "targets/releases"], "v1").verifies(1);
    user.verify(&server, &[], "v3").fails(1, "NOT_SIGNED");
    user.verify(&server, &["--role", "targets/alice"], "v3").verifies(3);
    user.verify(&server, &["--role", "targets/nobody"], "v3").fails(1, "NOT_SIGNED");
}

#[test]
fn a_releases_role_that_is_unusable_is_no_reason_to_ask_targets() {
    let mut forge = Forge::new(GUN);
    forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.expires("targets/releases", "2026-11-01T00:00:00Z");
    let server = StaticServer::start(&forge.build());
    User::new().verify(&server, &[], "v1").fails(1, "EXPIRED");
    server.fault("targets/releases", Fault::Status(404));
    User::new().verify(&server, &[], "v1").fails(1, "MISSING");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_can_not_be_printed_is_no_success() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    let script = format!(
        "{} --plain-http --server {} --at {NOW} {GUN}:v1 >/dev/full",
        program("verify_tag").display(),
        server.url()
    );
    let mut command = process::command(std::path::Path::new("/bin/sh"), user.home());
    command.args(["-c", &script]);
    Outcome(process::run(command, b"", process::LONGEST)).fails(1, "OUTPUT");
}
