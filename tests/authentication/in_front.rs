//! nginx in front of a real server: it speaks TLS, sends elsewhere, is down, is slow.

use std::{
    fs,
    time::{Duration, Instant},
};

use tuf_notary::{
    error::Error,
    transport::{HttpTransport, HttpTransportBuilder, Retries, Timeouts, Transport, TransportError, Upload},
};
use url::Url;

use crate::{
    common::{
        nginx::Nginx,
        notary_server::NotaryServer,
        token_server::{ALICE, TokenServer},
    },
    lab::*,
};

/// A server with one tag, and what stands in front of it as these directives say.
fn behind(test: &str, directives: &str) -> Option<(NotaryServer, Nginx)> {
    let server = NotaryServer::start(test)?;
    initialise(&collection(GUN, transport(&server.url(), GUN, None))).unwrap();
    let nginx = Nginx::start(test, &directives.replace("UPSTREAM", &server.url()))?;
    Some((server, nginx))
}

fn secure(nginx: &Nginx) -> HttpTransportBuilder {
    let url = Url::parse(&nginx.secure_url()).unwrap();
    HttpTransport::builder(url, &gun(GUN)).ca_file(nginx.authority()).no_proxy()
}

fn refresh(builder: HttpTransportBuilder) -> Result<(), Error> {
    collection(GUN, builder.build().unwrap()).refresh().map(drop)
}

fn status_of(outcome: Result<(), Error>) -> u16 {
    match outcome {
        Err(Error::Transport(TransportError::Status { status, .. })) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tls_in_front_serves_reading_and_publishing_with_tokens() {
    let test = "tls_in_front_serves_reading_and_publishing_with_tokens";
    let tokens = TokenServer::start();
    let locations = |upstream: &str| {
        format!(
            "location /token {{ proxy_pass {}; }}
            location / {{ proxy_pass {upstream}; }}",
            tokens.realm().trim_end_matches("/token"),
        )
    };
    let Some(server) = NotaryServer::start_with_tokens(test, &tokens, "https://localhost/token") else {
        return;
    };
    // The realm is nginx itself, whose port is not known before it runs.
    let Some(nginx) = Nginx::start(
        test,
        &format!(
            "{} proxy_hide_header WWW-Authenticate;
            add_header WWW-Authenticate 'Bearer realm=\"https://$http_host/token\",service=\"test-service\"' always;",
            locations(&server.url())
        ),
    ) else {
        return;
    };
    let alice = collection(GUN, secure(&nginx).credentials(login(ALICE)).build().unwrap());
    initialise(&alice).unwrap();
    alice.publish(&changes("v2")).unwrap();
    assert!(alice.refresh().unwrap().target("v2").is_ok());
    assert!(nginx.requests().contains("GET /token 200"));
    assert!(refresh(secure(&nginx)).is_err(), "nobody may not");
    let system = HttpTransport::builder(Url::parse(&nginx.secure_url()).unwrap(), &gun(GUN));
    assert!(refresh(system.no_proxy()).is_err(), "its authority is not the system's");
}

#[test]
fn ta_05_a_redirect_to_the_clear_is_refused() {
    let test = "ta_05_a_redirect_to_the_clear_is_refused";
    let Some((_server, nginx)) = behind(
        test,
        "location / { if ($scheme = https) { return 302 http://$host:1$request_uri; } proxy_pass UPSTREAM; }",
    ) else {
        return;
    };
    assert_eq!(status_of(refresh(secure(&nginx))), 302);
}

#[test]
fn ta_07_a_redirect_loop_is_no_loop() {
    let test = "ta_07_a_redirect_loop_is_no_loop";
    let Some((_server, nginx)) = behind(test, "location / { return 307 $request_uri; }") else { return };
    assert_eq!(status_of(refresh(builder(&nginx.url(), GUN))), 307);
    assert!(nginx.requests().lines().count() < 5, "{}", nginx.requests());
}

#[test]
fn te_12_a_server_that_is_down_for_a_moment_is_asked_again_as_it_asks() {
    let test = "te_12_a_server_that_is_down_for_a_moment_is_asked_again_as_it_asks";
    // Down until the file is there.
    let flag = tempfile::tempdir().unwrap();
    let up = flag.path().join("up");
    let directives = format!(
        "location / {{
            if (!-f {}) {{ return 503; }}
            proxy_pass UPSTREAM;
        }}
        error_page 503 @down;
        location @down {{ add_header Retry-After 1 always; return 503; }}",
        up.display()
    );
    let Some((_server, nginx)) = behind(test, &directives) else { return };
    let begun = Instant::now();
    let never = Retries { most: 0, ..Retries::default() };
    assert_eq!(status_of(refresh(builder(&nginx.url(), GUN).retries(never))), 503);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let impatient = Retries { longest_pause: Duration::from_millis(500), ..Retries::default() };
    assert_eq!(status_of(refresh(builder(&nginx.url(), GUN).retries(impatient))), 503);
    let so_far = nginx.requests().lines().count();
    let comes_up = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(600));
        fs::write(up, "").unwrap();
    });
    let begun = Instant::now();
    refresh(builder(&nginx.url(), GUN)).unwrap();
    comes_up.join().unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "it asked for a second");
    let asked = nginx.requests();
    assert_eq!(asked.lines().skip(so_far).filter(|line| line.ends_with("503")).count(), 1, "{asked}");
}

#[test]
fn te_12_an_upload_is_never_repeated() {
    let test = "te_12_an_upload_is_never_repeated";
    let directives = "location / { if ($request_method = POST) { return 502; } proxy_pass UPSTREAM; }";
    let Some((_server, nginx)) = behind(test, directives) else { return };
    let outcome = transport(&nginx.url(), GUN, None).publish(&Upload::default());
    assert!(matches!(outcome, Err(TransportError::Status { status: 502, .. })), "{outcome:?}");
    let posts = nginx.requests().lines().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "{}", nginx.requests());
}

#[test]
fn te_07_a_gateway_without_a_server_is_no_answer() {
    let test = "te_07_a_gateway_without_a_server_is_no_answer";
    let Some((mut server, nginx)) = behind(test, "location / { proxy_pass UPSTREAM; }") else { return };
    refresh(builder(&nginx.url(), GUN)).unwrap();
    server.stop();
    let error = refresh(builder(&nginx.url(), GUN)).unwrap_err();
    assert!(error.is_unanswered() && error.is_retryable() && !error.is_not_found(), "{error}");
    assert_eq!((error.code(), status_of(Err(error))), ("SERVER_ERROR", 502));
    let attempts = nginx.requests().lines().filter(|line| line.ends_with("502")).count();
    assert_eq!(attempts, 3, "and two repetitions: {}", nginx.requests());
}

#[test]
fn sl_01_a_slow_body_ends() {
    let test = "sl_01_a_slow_body_ends";
    let directives =
        "limit_rate 20; limit_rate_after 700; location / { proxy_pass UPSTREAM; proxy_buffering on; }";
    let Some((_server, nginx)) = behind(test, directives) else { return };
    let idle = Duration::from_secs(5);
    let window = Duration::from_secs(1);
    let timeouts = Timeouts { idle, window, min_bytes_per_second: 1000, ..Timeouts::default() };
    let total =
        Timeouts { idle, min_bytes_per_second: 0, total: Duration::from_secs(2), ..Timeouts::default() };
    for timeouts in [timeouts, total] {
        let begun = Instant::now();
        let error = refresh(builder(&nginx.url(), GUN).timeouts(timeouts)).unwrap_err();
        assert!(
            matches!(error, Error::Transport(TransportError::Timeout { phase: "body", .. })),
            "{error:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
