//! A trust server that takes tokens, and clients with and without credentials.

use std::time::Duration;

use tuf_notary::{
    blocking::{Collection, Initialise},
    edit::Changes,
    error::Error,
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Gun, Hashes, TargetName},
    transport::{HttpTransport, HttpTransportBuilder, Timeouts, auth::Credentials},
    verify::Trust,
    view::View,
};
use url::Url;
use zeroize::Zeroizing;

pub const GUN: &str = "registry.example.com/team/app";
pub const PUBLIC: &str = "registry.example.com/public/app";

pub fn gun(name: &str) -> Gun {
    Gun::new(name).unwrap()
}

pub fn login((name, password): (&str, &str)) -> Credentials {
    Credentials::basic(name, Zeroizing::new(password.to_owned())).unwrap()
}

pub fn builder(url: &str, name: &str) -> HttpTransportBuilder {
    let timeouts = Timeouts { response: Duration::from_secs(20), ..Timeouts::default() };
    HttpTransport::builder(Url::parse(url).unwrap(), &gun(name))
        .dangerous()
        .allow_plain_http()
        .timeouts(timeouts)
        .no_proxy()
}

pub fn transport(url: &str, name: &str, credentials: Option<Credentials>) -> HttpTransport {
    let builder = builder(url, name);
    let builder = match credentials {
        Some(credentials) => builder.credentials(credentials),
        None => builder,
    };
    builder.build().unwrap()
}

pub fn collection(name: &str, transport: HttpTransport) -> Collection {
    Collection::builder(gun(name), Trust::FirstUse).transport(transport).keys(MemoryKeys::new()).build()
}

pub fn changes(tag: &str) -> Changes {
    let info = TargetInfo { length: 1, hashes: Hashes::sha256([0x5e; 32]), custom: None };
    Changes::new().sign(TargetName::new(tag).unwrap(), info)
}

pub fn initialise(collection: &Collection) -> Result<View, Error> {
    collection.initialise(&Initialise::new().changes(changes("v1")))
}

/// Refused for who asks, and nothing else.
#[track_caller]
pub fn assert_unauthorized<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    match outcome {
        Err(error) => {
            assert_eq!(error.code(), "UNAUTHORIZED", "{error}");
            assert!(!error.is_not_found() && error.is_unanswered(), "{error}");
        }
        Ok(value) => panic!("{value:?}"),
    }
}
