//! `key generate` and `key load`: keys of signers.

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use tuf_notary::{
    crypto::{CryptoError, KeyKind, PemBlock, PrivateKey},
    keys::{KeyRole, KeyStore, Passphrases},
    name::SignerName,
    wire::notary::canonical_id,
};

use crate::{docker::Docker, failure::Failure, terminal::say};

/// Under which name a key goes when none is given.
const DEFAULT_NAME: &str = "signer";

/// Makes a key pair: the private key is kept, the public one goes to a file for `signer add`.
pub fn generate(docker: &Docker, name: &str, folder: Option<&Path>) -> Result<(), Failure> {
    let role = role(name)?;
    let folder = match folder {
        Some(folder) if !folder.is_dir() => {
            return Err(Failure::new(format!("public key path does not exist: {folder:?}")));
        }
        Some(folder) => folder.to_owned(),
        None => env::current_dir().map_err(|error| Failure::of("current directory", error))?,
    };
    let path = folder.join(format!("{name}.pub"));
    if fs::symlink_metadata(&path).is_ok() {
        return Err(Failure::new(format!("public key file already exists: {path:?}")));
    }
    say(&format!("Generating key for {name}..."))?;
    let keys = docker.keys();
    let signer = keys.generate(KeyKind::Ecdsa, &role, None)?;
    let pem = signer.public_key().to_pem(name).map_err(Failure::new)?;
    if let Err(error) = write_new(&path, pem.as_bytes()) {
        // A key that nobody can be told of is of no use.
        keys.remove(&canonical_id(signer.public_key()))?;
        return Err(Failure::of(path.display(), error));
    }
    say(&format!(
        "Successfully generated and loaded private key. Corresponding public key available: {}",
        path.display()
    ))
}

/// Keeps the private key in a file under a signer's name.
pub fn load(docker: &Docker, file: &Path, name: Option<&str>) -> Result<(), Failure> {
    let chosen = name.map(role).transpose()?;
    let shown = file.display();
    say(&format!("Loading key from \"{shown}\"..."))?;
    check_permissions(file)
        .map_err(|error| Failure::of(format!("refusing to load key from {shown}"), error))?;
    let refused =
        |error: &dyn std::fmt::Display| Failure::of(format!("error importing key from {shown}"), error);
    let text = fs::read(file).map(zeroize::Zeroizing::new).map_err(|error| refused(&error))?;
    let block = PemBlock::blocks(&text).flatten().find(PemBlock::is_private_key).ok_or_else(|| {
        refused(&format_args!(
            "provided file {shown} is not a supported private key - to add a signer's public key use \
             docker trust signer add"
        ))
    })?;
    let labelled = block.header("role").and_then(|it| KeyRole::new(it).ok());
    let role = match chosen.or_else(|| labelled.filter(|it| !it.keeps_gun())) {
        Some(role) => role,
        None => role(DEFAULT_NAME)?,
    };
    let key = open(docker, &block, &shown.to_string()).map_err(|error| refused(&error))?;
    docker.keys().import(key, &role, None).map_err(|error| refused(&error))?;
    say(&format!("Successfully imported key from {shown}"))
}

/// Opens a key, with a passphrase when it needs one.
fn open(docker: &Docker, block: &PemBlock, file: &str) -> Result<PrivateKey, Failure> {
    let mut outcome = PrivateKey::from_pem(block, None);
    for attempt in 1..=docker.passphrases.attempts() {
        let Err(CryptoError::PassphraseNeeded | CryptoError::WrongPassphrase) = outcome else { break };
        let Some(passphrase) = docker.passphrases.of_file(file, attempt) else { break };
        outcome = PrivateKey::from_pem(block, Some(&passphrase));
    }
    outcome.map_err(|error| match error {
        CryptoError::PassphraseNeeded | CryptoError::WrongPassphrase => {
            Failure::of(format!("cannot load key from provided file {file}: could not decrypt key"), error)
        }
        error => Failure::of(format!("provided file {file} is not a supported private key"), error),
    })
}

fn role(name: &str) -> Result<KeyRole, Failure> {
    let refused = |_| {
        Failure::new(format!(
            "key name {name:?} must start with lowercase alphanumeric characters and can include \"-\" \
             or \"_\" after the first character"
        ))
    };
    let name = SignerName::new(name).map_err(refused)?;
    KeyRole::new(name.as_str()).map_err(Failure::new)
}

fn check_permissions(file: &Path) -> Result<(), String> {
    let metadata = fs::metadata(file).map_err(|error| format!("stat {}: {error}", file.display()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(format!(
            "private key file {} must not be readable or writable by others",
            file.display()
        ));
    }
    if metadata.is_file() { Ok(()) } else { Err(format!("{} is not a file", file.display())) }
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}
