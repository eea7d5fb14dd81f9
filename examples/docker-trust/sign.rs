//! `sign`: signs what a tag names in its registry, where Docker would put it.

use tuf_notary::{
    blocking::{Collection, Initialise, SnapshotKey},
    crypto::{KeyKind, PublicKey},
    edit::Changes,
    error::Error,
    image::Reference,
    keys::{KeyRole, KeyStore},
    metadata::TargetInfo,
    name::{SignerName, TargetName},
    verify::VerifyError,
    view::{SignedTarget, View},
};

use crate::{
    docker::{Docker, warn},
    failure::Failure,
    registry::Registry,
    terminal::{Progress, say, tell},
};

/// Signs an image.
pub fn sign(docker: &Docker, text: &str, local: bool) -> Result<(), Failure> {
    let image = Reference::parse(text).map_err(Failure::new)?;
    if image.digest().is_some() {
        return Err(Failure::new("cannot use a digest reference for IMAGE:TAG"));
    }
    let tag = image.tag().ok_or_else(|| Failure::new(format!("no tag specified for {text}")))?;
    let job = Job {
        docker,
        image: &image,
        text,
        tag,
        name: TargetName::new(tag).map_err(Failure::new)?,
        collection: docker.collection(&image)?,
        registry: Registry::of(docker, &image)?,
    };
    let progress = Progress::of(&format!("Asking for trust data of {text}"));
    let view = match job.collection.refresh() {
        Ok(view) => Some(view),
        // Only the server's own word that there is nothing begins a new collection.
        Err(Error::Verify(VerifyError::NotSigned { .. })) => None,
        Err(error) => return Err(error.into()),
    };
    drop(progress);
    match view {
        Some(view) => job.sign_in(&view, local),
        None => job.begin(),
    }
}

struct Job<'a> {
    docker: &'a Docker,
    image: &'a Reference,
    /// The image as the user named it.
    text: &'a str,
    tag: &'a str,
    name: TargetName,
    collection: Collection,
    registry: Registry,
}

impl Job<'_> {
    fn sign_in(&self, view: &View, local: bool) -> Result<(), Failure> {
        warn(view);
        let signed = match view.target(self.tag) {
            Ok(target) => Some(target),
            Err(error) if Error::from(error.clone()).is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let info = match signed.filter(|_| !local) {
            Some(signed) => self.still_the_same(view, &signed)?,
            None => self.present()?,
        };
        self.publish(Changes::new().sign(self.name.clone(), info))
    }

    /// What is signed already, once the registry has the same under the tag.
    fn still_the_same(&self, view: &View, signed: &SignedTarget) -> Result<TargetInfo, Failure> {
        let same = match signed.hashes().sha256 {
            Some(sha256) if self.registry.still_has(self.tag, &sha256)? => true,
            sha256 => self.in_registry()?.hashes.sha256 == sha256,
        };
        let digest = signed.image_digest()?;
        if !same {
            let present = self.in_registry()?.hashes.sha256.unwrap_or_default();
            let present = data_encoding::HEXLOWER.encode(&present);
            return Err(Failure::new(format!(
                "{} is signed for {digest}, and in the registry it is sha256:{present} now; \
                 sign with --local if that image is meant",
                self.text
            )));
        }
        let mut names = view.signers_of(signed);
        if names.is_empty() {
            names.push("Repo Admin".to_owned());
        }
        names.sort();
        let hex = digest.trim_start_matches("sha256:");
        say(&format!("Signing and pushing trust metadata for {}", self.text))?;
        say(&format!("Existing signatures for tag {} digest {hex} from:\n{}", self.tag, names.join(", ")))?;
        Ok(TargetInfo {
            length: signed.length(),
            hashes: *signed.hashes(),
            custom: signed.custom().map(str::to_owned),
        })
    }

    /// What the registry has, whatever is signed.
    fn present(&self) -> Result<TargetInfo, Failure> {
        let info = self.in_registry()?;
        tell(&format!(
            "Signing and pushing trust data for image {}, may overwrite remote trust data",
            self.text
        ));
        let digest = data_encoding::HEXLOWER.encode(&info.hashes.sha256.unwrap_or_default());
        say(&format!("{}: digest: sha256:{digest} size: {}", self.tag, info.length))?;
        say("Signing and pushing trust metadata")?;
        Ok(info)
    }

    fn in_registry(&self) -> Result<TargetInfo, Failure> {
        let _progress = Progress::of(&format!("Asking registry {}", self.image.registry()));
        let absent =
            || Failure::new(format!("no such image in registry {}: {}", self.image.registry(), self.text));
        self.registry.manifest(self.tag)?.ok_or_else(absent)
    }

    /// A repository that nobody signs yet: its first signer is whoever is logged in at the
    /// registry; without a login the repository's own key signs, as with a trusted push.
    fn begin(&self) -> Result<(), Failure> {
        let info = self.present()?;
        let changes = match self.docker.login(self.image.registry())? {
            Some(login) => {
                let name = login.user().ok_or_else(|| {
                    Failure::new(format!(
                        "{} names its first signer by the login at {}, which has no name; add the signer \
                         first: docker-trust signer add",
                        self.text,
                        self.image.registry()
                    ))
                })?;
                let signer = SignerName::new(name).map_err(|error| {
                    Failure::of(format!("the login {name:?} can't name the first signer"), error)
                })?;
                let key = self.key_of(&signer)?;
                say(&format!("Created signer: {signer}"))?;
                Changes::new().add_signer(signer, vec![key])
            }
            None => Changes::new(),
        };
        let progress = Progress::of(&format!("Initializing {}", self.image.gun()));
        let changes = changes.sign(self.name.clone(), info);
        let plan = Initialise::new().snapshot_key(SnapshotKey::Server).changes(changes);
        let begun = self.collection.initialise(&plan);
        begun.map_err(|error| Failure::of(format!("failed to sign {}", self.full_name()), error))?;
        drop(progress);
        say(&format!("Finished initializing signed repository for {}", self.text))?;
        say(&format!("Successfully signed {}", self.full_name()))
    }

    fn full_name(&self) -> String {
        format!("{}:{}", self.image.gun(), self.tag)
    }

    /// The key with the lowest id of those that go by the signer's name, otherwise a new one.
    fn key_of(&self, signer: &SignerName) -> Result<PublicKey, Failure> {
        let keys = self.docker.keys();
        let role = KeyRole::new(signer.as_str()).map_err(Failure::new)?;
        let mut named = keys.list()?.into_iter().filter(|info| info.role == role).map(|info| info.id);
        let signer = match named.next() {
            Some(first) => keys.signer(&named.fold(first, Ord::min))?,
            None => keys.generate(KeyKind::Ecdsa, &role, None)?,
        };
        Ok(signer.public_key().clone())
    }

    fn publish(&self, changes: Changes) -> Result<(), Failure> {
        let name = self.full_name();
        let progress = Progress::of(&format!("Publishing {name}"));
        let published = self.collection.publish(&changes);
        published.map_err(|error| Failure::of(format!("failed to sign {name}"), error))?;
        drop(progress);
        say(&format!("Successfully signed {name}"))
    }
}
