//! One entry: whom to believe, what to require, whom to ask.
//!
//! The rule: nothing that protects has a default that weakens. Where trust begins is said in each
//! entry, in exactly one way; files are read at once, so that a pin that can't be read is an error
//! before anything is asked (TP-08).

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{dto, files, prefix::Prefix};
use crate::{
    crypto::Certificate,
    image::{Policy, Quorum},
    name::{KeyId, RoleName, SignerName},
    verify::Trust,
    view::Freshness,
};

/// An entry, checked.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) prefix: Prefix,
    pub(super) server: Option<Url>,
    pub(super) tls_ca: Vec<Vec<u8>>,
    pub(super) trust: Trust,
    pub(super) policy: Policy,
    pub(super) freshness: Freshness,
    pub(super) max_age: Duration,
}

impl Rule {
    /// Checks an entry; paths are relative to `base`.
    pub(super) fn new(entry: &dto::Image, base: &Path) -> Result<Self, String> {
        let freshness = entry.freshness.as_deref().map_or(Ok(Freshness::Online), str::parse);
        let authorities = entry.tls_ca.as_deref().map(|paths| some("tls-ca", paths)).transpose()?;
        let read = |path: &PathBuf| files::read(base, path).map_err(|why| format!("tls-ca: {why}"));
        Ok(Self {
            prefix: Prefix::parse(&entry.prefix)?,
            server: server(entry)?,
            tls_ca: authorities.unwrap_or_default().iter().map(read).collect::<Result<_, _>>()?,
            trust: trust(entry, base)?,
            policy: policy(entry)?,
            freshness: freshness.map_err(|error| format!("freshness: {error}"))?,
            max_age: Duration::from_secs(entry.max_age_seconds.unwrap_or(0)),
        })
    }
}

/// Plain HTTP is what the file says twice.
fn server(entry: &dto::Image) -> Result<Option<Url>, String> {
    let Some(text) = &entry.server else {
        return if entry.dangerous_plain_http {
            Err("dangerous-plain-http: only with an http:// server".to_owned())
        } else {
            Ok(None)
        };
    };
    let url = Url::parse(text).map_err(|error| format!("server: {text:?} is no URL: {error}"))?;
    match (url.scheme(), entry.dangerous_plain_http) {
        ("https", false) | ("http", true) if url.has_host() => Ok(Some(url)),
        ("http", false) => Err("server: plain HTTP is dangerous and needs dangerous-plain-http".to_owned()),
        ("https", true) => Err("dangerous-plain-http: only with an http:// server".to_owned()),
        _ => Err(format!("server: https://HOST expected, got {text:?}")),
    }
}

/// Exactly one way in which trust begins.
fn trust(entry: &dto::Image, base: &Path) -> Result<Trust, String> {
    match (&entry.root_keys, &entry.root_ca, &entry.root_file, entry.first_use) {
        (Some(ids), None, None, false) => {
            let ids = some("root-keys", ids)?.iter().map(|id| key_id(id));
            Ok(Trust::Certificates(ids.collect::<Result<_, _>>()?))
        }
        (None, Some(paths), None, false) => {
            let mut authorities = Vec::new();
            for path in some("root-ca", paths)? {
                let pem = files::read(base, path).map_err(|why| format!("root-ca: {why}"))?;
                let found = Certificate::all_from_pem(&pem);
                authorities.extend(found.map_err(|why| format!("root-ca: {}: {why}", path.display()))?);
            }
            Ok(Trust::Authority(authorities))
        }
        (None, None, Some(path), false) => {
            let root = files::read(base, path).map_err(|why| format!("root-file: {why}"))?;
            Ok(Trust::Root(root))
        }
        (None, None, None, true) => Ok(Trust::FirstUse),
        _ => Err("exactly one of root-keys, root-ca, root-file and first-use = true is needed".to_owned()),
    }
}

fn policy(entry: &dto::Image) -> Result<Policy, String> {
    let mut policy = Policy::docker();
    if let Some(roles) = &entry.roles {
        policy = policy.accept_roles(self::roles("roles", roles)?);
    }
    if let Some(required) = &entry.required_roles {
        for role in roles("required-roles", required)? {
            policy = policy.require_role(role);
        }
    }
    if let Some(demands) = &entry.required_signers {
        for demand in some("required-signers", demands)? {
            policy =
                policy.require_signers(quorum(demand).map_err(|why| format!("required-signers: {why}"))?);
        }
    }
    Ok(policy)
}

fn roles(key: &str, names: &[String]) -> Result<Vec<RoleName>, String> {
    let role = |name: &String| match RoleName::new(name) {
        Ok(role) if role.holds_targets() => Ok(role),
        Ok(role) => Err(format!("{key}: {role} signs no images")),
        Err(error) => Err(format!("{key}: {error}")),
    };
    some(key, names)?.iter().map(role).collect()
}

/// Without a number, all of them.
fn quorum(demand: &dto::Signers) -> Result<Quorum, String> {
    let mut names = Vec::new();
    for name in &demand.of {
        let name = SignerName::new(name).map_err(|error| error.to_string())?;
        if names.contains(&name) {
            return Err(format!("{name} is named twice"));
        }
        names.push(name);
    }
    Quorum::new(demand.at_least.unwrap_or(names.len()), names).map_err(|error| error.to_string())
}

/// A list that is there and empty is a slip.
fn some<'a, T>(key: &str, list: &'a [T]) -> Result<&'a [T], String> {
    if list.is_empty() { Err(format!("{key}: an empty list")) } else { Ok(list) }
}

/// A pin with a slip of the pen would match nothing; better to say so at once.
fn key_id(text: &str) -> Result<KeyId, String> {
    let wrong = || format!("root-keys: {text:?}: 64 lower-case hex digits expected");
    text.parse::<KeyId>().ok().filter(KeyId::is_sha256).ok_or_else(wrong)
}
