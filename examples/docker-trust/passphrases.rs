//! Passphrases as Docker gets them: from its two variables, otherwise from whoever sits there.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, IsTerminal, Read},
    sync::{Mutex, PoisonError},
};

use tuf_notary::keys::{KeyRole, PassphraseRequest, Passphrases};
use zeroize::Zeroizing;

use crate::terminal::tell;

const ROOT: &str = "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE";
const REPOSITORY: &str = "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE";

/// A set variable answers once and nobody is asked; without one a person is, and what was typed
/// serves all keys of the same kind for as long as the program runs.
#[derive(Debug, Default)]
pub struct DockerPassphrases {
    typed: Mutex<BTreeMap<String, Secret>>,
}

#[derive(Clone)]
struct Secret(Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a passphrase)")
    }
}

impl Passphrases for DockerPassphrases {
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        if let Some(set) = env::var_os(variable(request.role)) {
            let set = set.into_string().ok().map(Zeroizing::new);
            return set.filter(|_| request.attempt == 1);
        }
        let alias = alias(request.role);
        let key = match request.id {
            Some(id) => format!("{alias} key with ID {}", id.as_str().get(..7).unwrap_or(id.as_str())),
            None => format!("{alias} key"),
        };
        if request.new { self.choose(alias, &key, request) } else { self.enter(alias, &key, request.attempt) }
    }

    fn attempts(&self) -> u32 {
        TRIES
    }

    fn min_characters(&self) -> usize {
        // Of what is typed, more is asked for below; a script's passphrases are its own affair.
        1
    }

    fn origin(&self, role: &KeyRole) -> String {
        format!("the environment variable {} or the terminal", variable(role))
    }
}

impl DockerPassphrases {
    fn enter(&self, alias: &str, key: &str, attempt: u32) -> Option<Zeroizing<String>> {
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        if attempt > 1 {
            typed.remove(alias);
        }
        if let Some(Secret(known)) = typed.get(alias) {
            return Some(known.clone());
        }
        if attempt > 1 {
            tell("Passphrase incorrect. Please retry.");
        }
        let passphrase = prompt(&format!("Enter passphrase for {key}: "))?;
        typed.insert(alias.to_owned(), Secret(passphrase.clone()));
        Some(passphrase)
    }

    fn choose(&self, alias: &str, key: &str, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        if *request.role == KeyRole::Root && request.attempt == 1 {
            tell(ROOT_WARNING);
        }
        for _ in 0..TRIES {
            let first = prompt(&format!("Enter passphrase for new {key}: "))?;
            if first.chars().count() < MIN_CHARACTERS {
                tell("Passphrase is too short: at least 8 characters are needed.");
                continue;
            }
            let again = prompt(&format!("Repeat passphrase for new {key}: "))?;
            if *first == *again {
                let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
                typed.insert(alias.to_owned(), Secret(first.clone()));
                return Some(first);
            }
            tell("Passphrases do not match. Please retry.");
        }
        None
    }
}

/// How often a person may try.
const TRIES: u32 = 4;
/// Fewest characters of a passphrase that a person chooses.
const MIN_CHARACTERS: usize = 8;
const ROOT_WARNING: &str = "\
You are about to make a new root key, the key that all trust in your repositories hangs on.
Its passphrase protects it: choose one that is long and hard to guess, and keep it, and a copy of
the key, in a safe place. Nobody can restore either of them for you.";

fn variable(role: &KeyRole) -> &'static str {
    if *role == KeyRole::Root { ROOT } else { REPOSITORY }
}

/// How Docker calls a key when it asks.
fn alias(role: &KeyRole) -> &str {
    match role {
        KeyRole::Targets | KeyRole::Snapshot => "repository",
        other => other.as_str(),
    }
}

/// Reads a passphrase: unseen from a terminal, otherwise a line of standard input.
fn prompt(question: &str) -> Option<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(question).ok().map(Zeroizing::new);
    }
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(MAX_LINE).read_line(&mut line).ok()?;
    let passphrase = line.trim_end_matches(['\r', '\n']);
    (read > 0).then(|| Zeroizing::new(passphrase.to_owned()))
}

/// Most bytes of a line with a passphrase.
const MAX_LINE: u64 = 4096;
