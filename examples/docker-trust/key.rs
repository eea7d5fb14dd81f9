//! `key generate` and `key load`: keys of signers.

use std::{
    env,
    fmt::Display,
    fs::{self, File, Metadata},
    io::Read,
    path::Path,
};

use tuf_notary::{
    crypto::{KeyKind, PemBlock},
    keys::{ImportOptions, KeyError, KeyRole},
    name::SignerName,
};
use zeroize::Zeroizing;

use crate::{docker::Docker, failure::Failure, terminal::say};

/// Under which name a key goes when none is given.
const DEFAULT_NAME: &str = "signer";
/// Most bytes of a file with private keys.
const MAX_FILE: usize = 1 << 20;

/// Makes a key pair: the private key is kept, the public one goes to a file for `signer add`.
pub fn generate(docker: &Docker, name: &str, folder: Option<&Path>) -> Result<(), Failure> {
    let role = role(name)?;
    let folder = match folder.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            return Err(Failure::new(format!("public key path does not exist: {folder:?}")));
        }
        Some(folder) => folder.to_owned(),
        None => env::current_dir().map_err(|error| Failure::of("current directory", error))?,
    };
    let path = folder.join(format!("{name}.pub"));
    let exists = || Failure::new(format!("public key file already exists: {path:?}"));
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    say(&format!("Generating key for {name}..."))?;
    match docker.keys().generate_with_public_file(KeyKind::Ecdsa, &role, None, &path) {
        Err(KeyError::Exists { .. }) => return Err(exists()),
        outcome => drop(outcome?),
    }
    say(&format!(
        "Successfully generated and loaded private key. Corresponding public key available: {}",
        path.display()
    ))
}

/// Keeps the private keys in a file. A name that is given goes before what the file says.
pub fn load(docker: &Docker, file: &Path, name: Option<&str>) -> Result<(), Failure> {
    let named = name.filter(|name| !name.is_empty()).map(role).transpose()?;
    let shown = file.display();
    say(&format!("Loading key from \"{shown}\"..."))?;
    let refused = |error: &dyn Display| Failure::of(format!("refusing to load key from {shown}"), error);
    let text = read(file).map_err(|error| refused(&error))?;
    let failed = |error: &dyn Display| Failure::of(format!("error importing key from {shown}"), error);
    let mut blocks: Vec<_> = PemBlock::read_all(&text).into_iter().filter(PemBlock::is_private_key).collect();
    if blocks.is_empty() {
        return Err(failed(&format_args!(
            "provided file {shown} is not a supported private key - to add a signer's public key use \
             docker trust signer add"
        )));
    }
    let mut texts = Vec::with_capacity(blocks.len());
    for block in &mut blocks {
        if let Some(role) = &named {
            block.headers.retain(|(name, _)| name != "role");
            block.headers.push(("role".to_owned(), role.to_string()));
        }
        texts.push(block.to_text().map_err(|error| failed(&error))?);
    }
    // A buffer that grows would leave copies of the keys behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(texts.iter().map(|text| text.len()).sum()));
    texts.iter().for_each(|text| pem.extend_from_slice(text));
    let options = ImportOptions::new().role(role(DEFAULT_NAME)?).replace(true);
    let imported = docker.keys().import_pem(&pem, &options).all().map(drop);
    imported.map_err(|error| match error {
        KeyError::WrongPassphrase { .. } | KeyError::NoPassphrase { .. } => failed(&format_args!(
            "cannot load key from provided file {shown}: could not decrypt key: {error}"
        )),
        error => failed(&error),
    })?;
    say(&format!("Successfully imported key from {shown}"))
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

/// Reads a file that no other user could read or write, or a pipe of that kind: `<(gpg -d key)`.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let stat = |error| format!("stat {}: {error}", path.display());
    let looked_at = fs::metadata(path).map_err(stat)?;
    if !is_file_or_pipe(&looked_at) {
        return Err(format!("{} is not a file", path.display()));
    }
    // What is opened may be another one by now.
    let file = File::open(path).map_err(stat)?;
    let metadata = file.metadata().map_err(stat)?;
    if !is_file_or_pipe(&metadata) {
        return Err(format!("{} is not a file", path.display()));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(format!(
            "private key file {} must not be readable or writable by others",
            path.display()
        ));
    }
    // Room for all of it, for a buffer that grows would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE + 64));
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut text).map_err(stat)?;
    if text.len() > MAX_FILE {
        return Err(format!("{} is longer than {MAX_FILE} bytes", path.display()));
    }
    Ok(text)
}

#[cfg(unix)]
fn is_file_or_pipe(metadata: &Metadata) -> bool {
    metadata.is_file() || std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_file_or_pipe(metadata: &Metadata) -> bool {
    metadata.is_file()
}
