//! Token servers that a challenge names, and what they are not told.

use std::sync::atomic::Ordering;

use crate::adapter::HttpTransport;
use tuf_notary::{name::Gun, transport::TransportError};
use url::Url;

use super::{
    auth::*,
    server::{Server, brisk, fetch_root, ok, status},
};

#[test]
fn sr_01_realms_in_the_clear_or_inside_are_not_asked() {
    let inside = token_server();
    for realm in [
        "http://169.254.169.254/latest".to_owned(),
        "https://169.254.169.254/latest".to_owned(),
        format!("http://localhost:{}/", inside.port),
        format!("http://[::1]:{}/", inside.port),
        format!("http://127.0.0.2:{}/", inside.port),
        "http://auth.example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let trust = wants_tokens(realm.clone(), |_, _| true);
        assert_refused(fetch_root(&as_alice(&trust), 100), "the token server that it names");
        assert_never_told(&trust);
    }
    assert!(heads(&inside).is_empty());
}

#[test]
fn sr_02_a_name_that_leads_inside_is_not_connected_to() {
    let inside = Server::saying(ok(br#"{"token":"x"}"#));
    // Of all names that lead to this machine, the one that every machine has.
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    let leads_inside = std::net::ToSocketAddrs::to_socket_addrs(&(name.as_str(), 1));
    if name.is_empty() || leads_inside.is_err() {
        eprintln!("SKIPPED: sr_02: this machine's name has no address");
        return;
    }
    let trust = wants_tokens(format!("https://{name}:{}/token", inside.port), |_, _| true);
    let outcome = fetch_root(&as_alice(&trust), 100);
    match outcome {
        Err(TransportError::Connection { reason, .. }) => {
            assert!(reason.contains("leads inside of this network"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn sr_03_another_host_gets_no_credentials() {
    let tokens = token_server();
    let here = wants_tokens(realm(&tokens), |_, token| token.starts_with("alice"));
    fetch_root(&as_alice(&here), 100).unwrap();
    // The trust server is known as localhost, and its realm by an address: another host.
    let other = token_server();
    let trust = wants_tokens(realm(&other), |_, token| token.starts_with("alice"));
    let url = Url::parse(&format!("http://localhost:{}", trust.port)).unwrap();
    let named = || {
        let gun = Gun::new(GUN).unwrap();
        let builder = HttpTransport::builder(url.clone(), &gun).dangerous().allow_plain_http();
        builder.timeouts(brisk()).credentials(alice())
    };
    assert!(fetch_root(&named().build().unwrap(), 100).is_err());
    assert!(heads(&other).is_empty(), "it was neither configured nor public");
    fetch_root(&named().token_host("127.0.0.1").build().unwrap(), 100).unwrap();
    assert!(heads(&other).iter().any(|head| head.contains(&basic())), "a configured host gets them");
}

#[test]
fn sr_04_a_realm_with_userinfo_a_fragment_or_a_scope_of_its_own_is_not_asked() {
    let tokens = token_server();
    for realm in [
        format!("http://u:{SECRET}@127.0.0.1:{}/token", tokens.port),
        format!("http://127.0.0.1:{}/token#x", tokens.port),
        format!("http://127.0.0.1:{}/token?scope=repository:other:push", tokens.port),
    ] {
        let trust = wants_tokens(realm.clone(), |_, _| true);
        let outcome = fetch_root(&as_alice(&trust), 100);
        assert!(!format!("{outcome:?}").contains(SECRET));
        assert_refused(outcome, "the token server that it names");
    }
    assert!(heads(&tokens).is_empty());
}

#[test]
fn sr_05_no_redirect_of_a_token_server_is_followed() {
    let inside = token_server();
    let location = realm(&inside);
    for code in [301, 302, 303, 307, 308] {
        let reply = format!("HTTP/1.1 {code} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let tokens = Server::start(move |_, stream| say(stream, &reply));
        let trust = wants_tokens(realm(&tokens), |_, _| true);
        let outcome = fetch_root(&as_alice(&trust), 100);
        assert!(
            matches!(outcome, Err(TransportError::Status { status, .. }) if status == code),
            "{code}: {outcome:?}"
        );
    }
    assert!(heads(&inside).is_empty());
}

#[test]
fn sr_06_a_challenge_counts_in_a_401_only() {
    let tokens = token_server();
    let challenge = format!("WWW-Authenticate: Bearer realm=\"{}\"", realm(&tokens));
    for (line, body) in [("200 OK", "{}"), ("403 Forbidden", ""), ("404 Not Found", ""), ("302 Found", "")] {
        let reply = status(&format!("{line}\r\n{challenge}"), body);
        let server = Server::start(move |_, stream| say(stream, &reply));
        let outcome = fetch_root(&as_alice(&server), 100);
        assert_eq!(outcome.is_ok(), line == "200 OK", "{line}");
        fetch_root(&as_alice(&server), 100).map(drop).unwrap_or_default();
        assert_never_told(&server);
    }
    assert!(heads(&tokens).is_empty());
}
