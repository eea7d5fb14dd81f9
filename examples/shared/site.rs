//! A TUF 1.0 repository in a folder that any web server can serve, and the keys at hand.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use tuf_notary::{
    crypto::{PemBlock, PrivateKey},
    edit::{
        EditError,
        repository::{Lifetimes, Release, RepositoryEditor},
    },
    name::{Resource, RoleName},
    transport::RepositoryDirectory,
};

use super::{Failure, say, usage};

/// A repository on disk, and the keys at hand.
pub struct Site {
    pub folder: PathBuf,
    pub keys: PathBuf,
    pub spec_version: Option<String>,
}

impl Site {
    /// A new repository with new keys.
    pub fn init(&self) -> Result<(), Failure> {
        if self.metadata("timestamp.json").exists() {
            return Err(usage(format!("{} is a repository already", self.folder.display())));
        }
        let mut editor = self.named(RepositoryEditor::new(Lifetimes::default()))?;
        editor.add_key(&RoleName::Root, self.new_key("root")?.public_key())?;
        editor.add_key(&RoleName::Targets, self.new_key("targets")?.public_key())?;
        let online = self.new_key("online")?; // used every day, by a machine
        editor.add_key(&RoleName::Snapshot, online.public_key())?;
        editor.add_key(&RoleName::Timestamp, online.public_key())?;
        self.publish(editor.stage(SystemTime::now())?)
    }

    pub fn open(&self) -> Result<RepositoryEditor, Failure> {
        let read = |what: &Resource| match fs::read(self.metadata(&what.tuf_name())) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        self.named(RepositoryEditor::open(Lifetimes::default(), read)?)
    }

    pub fn named(&self, mut editor: RepositoryEditor) -> Result<RepositoryEditor, Failure> {
        if let Some(version) = &self.spec_version {
            editor.set_spec_version(version)?;
        }
        Ok(editor)
    }

    /// Signs with all keys at hand; then publishes, or says whose signatures are missing.
    pub fn publish(&self, mut release: Release) -> Result<(), Failure> {
        for name in self.key_names()? {
            release.sign(&self.key(&name)?)?;
        }
        let missing = release.request().missing()?;
        if !missing.is_empty() {
            write(&self.request(), &release.request().to_bytes())?;
            for lack in missing {
                let keys: Vec<_> = lack.keys.iter().map(ToString::to_string).collect();
                let (role, left) = (lack.role, keys.join(" or "));
                say(&format!("{role}: {} of {} signatures, still to sign: {left}", lack.valid, lack.needed))?;
            }
            return Err(Failure::Refused("MISSING_SIGNATURES", format!("see {}", self.request().display())));
        }
        let publication = release.complete(SystemTime::now())?;
        self.place().write_metadata(publication.files())?; // in this order: the timestamp is the last
        publication.files().try_for_each(|(name, _)| say(&name))?;
        let _ = fs::remove_file(self.request());
        Ok(())
    }

    /// Where the repository lies.
    pub fn place(&self) -> RepositoryDirectory {
        RepositoryDirectory::new(&self.folder)
    }

    pub fn metadata(&self, name: &str) -> PathBuf {
        self.folder.join("metadata").join(name)
    }

    pub fn request(&self) -> PathBuf {
        self.folder.join("request.json")
    }

    pub fn new_key(&self, name: &str) -> Result<PrivateKey, Failure> {
        let key = PrivateKey::generate_ed25519().map_err(EditError::from)?;
        fs::create_dir_all(&self.keys).map_err(usage)?;
        let text = key.to_plain_pem(name, None).to_text().map_err(EditError::from)?;
        let file = fs::File::create_new(self.keys.join(name).with_extension("pem"));
        file.and_then(|mut file| file.write_all(&text)).map_err(usage)?;
        Ok(key)
    }

    pub fn key(&self, name: &str) -> Result<PrivateKey, Failure> {
        read_key(&self.keys.join(format!("{name}.pem")))
    }

    pub fn key_names(&self) -> Result<Vec<String>, Failure> {
        let entries = fs::read_dir(&self.keys).map_err(usage)?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| Some(name.strip_suffix(".pem")?.to_owned())).collect())
    }
}

pub fn read_key(path: &Path) -> Result<PrivateKey, Failure> {
    let text = fs::read(path).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    let block = PemBlock::read_all(&text).into_iter().find(PemBlock::is_private_key);
    let block = block.ok_or_else(|| usage(format!("{} has no private key", path.display())))?;
    Ok(PrivateKey::from_pem(&block, None).map_err(EditError::from)?)
}

/// A reader finds the old file or the new one, never a part.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let new = path.with_file_name(format!(".{name}.new"));
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&new, content));
    written.and_then(|()| fs::rename(&new, path)).map_err(Failure::Output)
}
