//! Keys that somebody else holds: here an external program signs, as a key service or a smart card
//! tool would. The library hands out what is to be signed and verifies what comes back.
//!
//! Needs `openssl` in the PATH.

use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tuf_notary::{
    blocking::{Collection, Initialise, RootKey},
    crypto::{CryptoError, KeyKind, PrivateKey, PublicKey, Scheme, Signer},
    edit::Changes,
    keys::{KeyError, KeyInfo, KeyRole, KeyStore, MemoryKeys},
    metadata::TargetInfo,
    name::{Gun, Hashes, KeyId, TargetName},
    testkit::TrustServer,
    verify::Trust,
    wire::notary::canonical_id,
};

/// One root key behind a program, and a store of ours for the keys of daily use.
#[derive(Debug)]
struct RootElsewhere {
    root: ProgramSigner,
    others: MemoryKeys,
}

/// Signs by running `openssl` on a key that this process never reads.
#[derive(Clone, Debug)]
struct ProgramSigner {
    key_file: PathBuf,
    public: PublicKey,
}

impl ProgramSigner {
    fn new(key_file: &Path) -> Result<Self, Box<dyn Error>> {
        let done = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(key_file).output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into());
        }
        Ok(Self { key_file: key_file.to_owned(), public: PublicKey::from_pem(&done.stdout)? })
    }

    fn run(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut command = Command::new("openssl");
        command.args(["dgst", "-sha256", "-sign"]).arg(&self.key_file);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().into_iter().try_for_each(|mut stdin| stdin.write_all(message))?;
        let done = child.wait_with_output()?;
        if done.status.success() { Ok(done.stdout) } else { Err(std::io::Error::other("openssl failed")) }
    }
}

impl Signer for ProgramSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// OpenSSL gives ECDSA signatures as DER, and `sign_with` turns them into the form that Notary
    /// wants.
    fn scheme(&self) -> Scheme {
        Scheme::EcdsaDer
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature =
            self.run(message).map_err(|error| CryptoError::Signing { reason: error.to_string() })?;
        self.public.verify(self.scheme(), message, &signature)?;
        Ok(signature)
    }
}

impl RootElsewhere {
    fn root_info(&self) -> KeyInfo {
        KeyInfo::new(canonical_id(&self.root.public), &KeyRole::Root, None)
    }
}

impl KeyStore for RootElsewhere {
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let mut list = self.others.list()?;
        list.push(self.root_info());
        KeyInfo::sort(&mut list);
        Ok(list)
    }

    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError> {
        if *id == self.root_info().id { Ok(Box::new(self.root.clone())) } else { self.others.signer(id) }
    }

    fn generate(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
    ) -> Result<Box<dyn Signer>, KeyError> {
        match role {
            KeyRole::Root => Err(KeyError::Other("root keys are made by their program".to_owned())),
            _ => self.others.generate(kind, role, gun),
        }
    }

    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        self.others.import(key, role, gun)
    }

    fn remove(&self, id: &KeyId) -> Result<(), KeyError> {
        self.others.remove(id)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Somebody else's folder. The file stands for whatever keeps the key.
    let folder = tempfile::tempdir()?;
    let key_file = folder.path().join("root.pem");
    let mut make = Command::new("openssl");
    make.args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]).arg(&key_file);
    if !make.output()?.status.success() {
        return Err("openssl could not make a key".into());
    }

    let keys = RootElsewhere { root: ProgramSigner::new(&key_file)?, others: MemoryKeys::new() };
    println!("The root key is {}.", keys.root_info().id);
    let root = keys.root_info().id;
    let (gun, server) = (Gun::new("registry.example.com/team/app")?, TrustServer::new());
    let publisher = Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(server.transport(&gun))
        .keys(keys)
        .build();
    let info = TargetInfo { length: 3, hashes: Hashes::sha256([7; 32]), custom: None };
    let changes = Changes::new().sign(TargetName::new("v1")?, info);
    publisher.initialise(&Initialise::new().root_key(RootKey::Existing(root)).changes(changes))?;
    println!("The program signed the root; v1 is published.");

    let user = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
    println!("A user verifies v1: {}", user.refresh()?.target("v1")?.image_digest()?);
    Ok(())
}
