//! Registries that want a login, and registries that lie.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    thread,
};

use data_encoding::HEXLOWER;
use tuf_notary::crypto::digest;

use crate::{
    common::{
        certificates::{self, Tls},
        notary_server::NotaryServer,
        registry::Registry,
        token_server::{REFRESH, TokenServer},
    },
    lab::*,
};

#[test]
fn a_login_in_config_json_opens_a_registry() {
    let test = "a_login_in_config_json_opens_a_registry";
    let Some(trust) = NotaryServer::start_tls(test, Tls::SelfSigned) else { return };
    let Some(registry) = Registry::start_with_login(test) else { return };
    let lab = Lab { trust, registry, engine: None };
    let alice = Person::without_docker(&lab.trust);
    let image = lab.image("app:v1");
    lab.registry.push("app", "v1", "first");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("wants a login"), "{refused:#?}");
    let login = |auth: &str| {
        let auths = format!(r#"{{"auths":{{"http://{}/v2/":{{"auth":"{auth}"}}}}}}"#, lab.registry.host());
        alice.write(".docker/config.json", auths)
    };
    login("YWxpY2U6d3Jvbmc=");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("refused the login"), "{refused:#?}");
    login("YWxpY2U6d29uZGVybGFuZA==");
    let signed = alice.ours(["sign", &image]).ok();
    assert!(signed.stdout.contains("Created signer: alice\n"), "{signed:#?}");
    assert!(!signed.says("wonderland"));
}

#[test]
fn a_registry_that_wants_tokens_gets_them_by_login_and_by_helper() {
    let test = "a_registry_that_wants_tokens_gets_them_by_login_and_by_helper";
    let tokens = TokenServer::start();
    let Some(trust) = NotaryServer::start_tls(test, Tls::SelfSigned) else { return };
    let Some(registry) = Registry::start_with_tokens(test, &tokens) else { return };
    let lab = Lab { trust, registry, engine: None };
    let mut alice = Person::without_docker(&lab.trust);
    let image = lab.image("app:v1");
    lab.registry.push("app", "v1", "first");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("wants a login") && !alice.private().exists(), "{refused:#?}");
    let login = |auth: &str| {
        alice.write(".docker/config.json", format!(r#"{{"auths":{{"{}":{{{auth}}}}}}}"#, lab.registry.host()))
    };
    login(r#""username":"alice","password":"wrong""#);
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("a token from") && !refused.says("wrong"), "{refused:#?}");

    // A helper that knows an identity token has no name for a first signer.
    let script =
        format!("#!/bin/sh\ncat >/dev/null\necho '{{\"Username\":\"<token>\",\"Secret\":\"{REFRESH}\"}}'\n");
    let helper = alice.write("docker-credential-test", script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", alice.home().display(), std::env::var("PATH").unwrap());
    alice.environment.push(("PATH".to_owned(), path));
    alice.write(".docker/config.json", r#"{"credsStore":"test"}"#);
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("has no name") && !refused.says(REFRESH), "{refused:#?}");
    assert!(tokens.asked().contains(&"alice: repository:app:pull".to_owned()), "the registry was asked");

    alice.write(
        ".docker/config.json",
        format!(
            r#"{{"auths":{{"{}":{{"username":"alice","password":"wonder:land"}}}}}}"#,
            lab.registry.host()
        ),
    );
    let signed = alice.ours(["sign", &image]).ok();
    assert!(signed.stdout.contains("Created signer: alice\n") && !signed.says("wonder:land"), "{signed:#?}");
    let asked = tokens.asked();
    assert_eq!(asked, [": repository:app:pull", "alice: repository:app:pull"], "nobody first, and no more");
}

#[test]
fn ta_01_a_registrys_certificate_is_verified() {
    let test = "ta_01_a_registrys_certificate_is_verified";
    let Some(trust) = NotaryServer::start_tls(test, Tls::SelfSigned) else { return };
    let Some(registry) = Registry::start_tls(test) else { return };
    let lab = Lab { trust, registry, engine: None };
    let mut alice = Person::without_docker(&lab.trust);
    let image = lab.image("app:v1");
    let pushed = lab.registry.push("app", "v1", "first");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("could not be asked") && !alice.private().exists(), "{refused:#?}");
    let authority = lab.registry.authority().unwrap();
    let signed = |alice: &Person| assert!(alice.ours(["sign", "--local", &image]).ok().says(&pushed.digest));
    // By the system's authorities, by those of the registry's folder, by either of them.
    alice.environment.push(("SSL_CERT_FILE".to_owned(), authority.to_str().unwrap().to_owned()));
    signed(&alice);
    let folder = alice.config().join("tls").join(lab.registry.host());
    fs::create_dir_all(&folder).unwrap();
    fs::copy(certificates::delegation(alice.home(), "stranger").authority, folder.join("a.crt")).unwrap();
    signed(&alice);
    alice.environment.pop();
    alice.ours(["sign", "--local", &image]).failed();
    fs::copy(authority, folder.join("b.crt")).unwrap();
    signed(&alice);
}

/// A registry that gives every question the same answer: head lines and a body.
fn liar(head: String, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 4096];
            let read = stream.read(&mut asked).unwrap_or(0);
            let body = if asked[..read].starts_with(b"HEAD") { "" } else { body.as_str() };
            let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    host
}

#[test]
fn what_a_registry_says_is_held_to_what_it_sends() {
    let test = "what_a_registry_says_is_held_to_what_it_sends";
    let Some(lab) = Lab::new(test) else { return };
    let alice = Person::without_docker(&lab.trust);
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let body = r#"{"schemaVersion":2}"#;
    let real = HEXLOWER.encode(&digest::sha256(body.as_bytes()));
    let other = "ab".repeat(32);
    let length = body.len();
    let ok = |more: &str| format!("200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}{more}");
    for (head, reason) in [
        (ok(&format!("\r\nDocker-Content-Digest: sha256:{other}")), real.as_str()),
        (ok("").replace(kind, "text/html"), "text/html"),
        (ok("").replace(kind, "application/vnd.docker.distribution.manifest.v1+prettyjws"), "can be signed"),
        (ok("").replace(&format!("Content-Length: {length}"), "Content-Length: 99"), "registry"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0".to_owned(), "answered 302"),
        ("500 Oops\r\nContent-Length: 0".to_owned(), "answered 500"),
        ("401 No\r\nWWW-Authenticate: Bearer realm=\"x\"\r\nContent-Length: 0".to_owned(), "no absolute URL"),
        ("404 Not Found\r\nContent-Length: 0".to_owned(), "no such image"),
    ] {
        let image = format!("{}/app:v1", liar(head.clone(), body.to_owned()));
        let refused = alice.ours(["sign", &image]).failed();
        assert!(refused.stderr.contains(reason), "{head}: {refused:#?}");
        assert!(!alice.private().exists(), "{head}");
    }
    let long = ok("").replace(&format!("Content-Length: {length}"), "Content-Length: 4194305");
    let image = format!("{}/app:v1", liar(long, " ".repeat(4_194_305)));
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains("longer than 4194304 bytes"), "{refused:#?}");

    let image = format!("{}/app:v1", liar(ok(""), body.to_owned()));
    let signed = alice.ours(["sign", &image]).ok();
    assert!(signed.stdout.contains(&format!("sha256:{real} size: {length}")), "{signed:#?}");
}
