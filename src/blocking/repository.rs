//! A TUF 1.0 repository (specification 1.0.34 section 5).
//!
//! The rule: the same methods as [`future::Repository`](crate::future::Repository), and the same answers.

#[cfg(feature = "directory")]
use std::path::{Path, PathBuf};
use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use super::ready;
use crate::{
    collection::Entry,
    error::Error,
    limits::Limits,
    name::{Gun, TargetName},
    repository::{Parts, RepositoryCore, settings},
    store::MetadataStore,
    transport::{Blocking, TargetTransport, Transport},
    view::{FoundTarget, Freshness, RepositoryView},
};

/// One TUF 1.0 repository (specification 1.0.34 section 5). Cloning is cheap and shares everything;
/// all methods take `&self`.
#[derive(Clone, Debug)]
pub struct Repository {
    core: RepositoryCore,
}

impl Repository {
    /// Begins to describe a repository. `root` is the root file that trust begins with, got by a way
    /// of its own, such as built into the program; an older one leads to the newest as long as the
    /// repository or the store has those between.
    pub fn builder(root: impl Into<Vec<u8>>) -> RepositoryBuilder {
        RepositoryBuilder(Parts::new(root.into(), true))
    }

    /// The whole client workflow: newer roots, timestamp, snapshot, top-level targets. Verifies, and
    /// keeps what is newer than what was known. Delegated roles are loaded by [`find`](Self::find).
    /// Calls that come while one is under way get its outcome.
    ///
    /// # Errors
    /// The server could not be asked, or its answer doesn't hold. What was trusted before stays.
    pub fn refresh(&self) -> Result<RepositoryView, Error> {
        let ticket = match self.core.enter() {
            Entry::Fresh(view) => return Ok(RepositoryView::new(view)),
            Entry::Ask(ticket) => ticket,
        };
        let turn = self.core.turn_blocking();
        ready(self.core.refresh(&turn, ticket))
    }

    /// Looks a target up in what the last refresh has brought, and refreshes first when there was
    /// none or something in it has expired since: in the top-level targets, then in the delegated
    /// roles that may sign it, in pre-order.
    /// `None` says that the repository has no such target.
    ///
    /// # Errors
    /// A role that had to be asked could not be, or does not hold, or a bound of [`Limits`] is
    /// reached: then nobody knows.
    pub fn find(&self, name: &TargetName) -> Result<Option<FoundTarget>, Error> {
        if !self.core.is_fresh() {
            self.refresh()?;
        }
        let turn = self.core.turn_blocking();
        ready(self.core.find(turn, name))
    }

    /// Fetches a target's content, writing it as it comes, in constant memory. Only `Ok` says that
    /// what was written is what was signed; after an error it must not be used.
    ///
    /// # Errors
    /// The content is not there, not as signed, or could not be written.
    pub fn download(&self, target: &FoundTarget, mut into: impl Write + Send) -> Result<(), Error> {
        ready(self.core.download(target, &mut into, &mut |_| {}))
    }

    /// The same; `progress` is told after each piece how many bytes have been written.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub fn download_with(
        &self,
        target: &FoundTarget,
        mut into: impl Write + Send,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), Error> {
        ready(self.core.download(target, &mut into, &mut progress))
    }

    /// Fetches a target's content into a folder, under a file name that belongs to the target's name
    /// alone ([`file_name`](crate::name::file_name)): a name is never a path. The file appears whole
    /// and verified; one that is there with the signed content is taken without a request.
    ///
    /// # Errors
    /// As [`download`](Self::download), and [`DownloadError::Occupied`](crate::error::DownloadError)
    /// where no file may be replaced.
    #[cfg(feature = "directory")]
    pub fn save_in(&self, target: &FoundTarget, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        ready(self.core.save_in(target, folder.as_ref(), &mut |_| {}))
    }

    /// The same; `progress` is told after each piece how many bytes have been written. Of a file that
    /// is there already it is told nothing.
    ///
    /// ```
    /// use tuf_notary::{Repository, name::TargetName, testkit::TufForge};
    /// # let mut forge = TufForge::new();
    /// # forge.add_target("targets", "app.tar", b"content");
    /// # let (server, folder) = (forge.build(), tempfile::tempdir()?);
    /// let repository = Repository::builder(server.newest("root"))
    ///     .transport(server.transport())
    ///     .targets(server.transport())
    ///     # .clock(TufForge::now)
    ///     .build();
    /// let target = repository.find(&TargetName::new("app.tar")?)?.ok_or("not there")?;
    /// let mut written = 0;
    /// repository.save_in_with(&target, &folder, |bytes| written = bytes)?;
    /// assert_eq!(written, target.length());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`save_in`](Self::save_in).
    #[cfg(feature = "directory")]
    pub fn save_in_with(
        &self,
        target: &FoundTarget,
        folder: impl AsRef<Path>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<PathBuf, Error> {
        ready(self.core.save_in(target, folder.as_ref(), &mut progress))
    }

    /// The same as [`save_in`](Self::save_in), to a place that you choose.
    ///
    /// # Errors
    /// As [`save_in`](Self::save_in).
    #[cfg(feature = "directory")]
    pub fn save(&self, target: &FoundTarget, path: impl AsRef<Path>) -> Result<(), Error> {
        ready(self.core.save(target, path.as_ref(), &mut |_| {}))
    }

    /// Operations that give up protection.
    pub const fn dangerous(&self) -> DangerousRepository<'_> {
        DangerousRepository(self)
    }
}

/// Operations that give up protection; see [`Repository::dangerous`].
#[derive(Debug)]
pub struct DangerousRepository<'a>(&'a Repository);

impl DangerousRepository<'_> {
    /// Drops what is kept of this repository, roll-back floors included: the next refresh begins
    /// with the root that the repository was built with.
    ///
    /// # Errors
    /// The store could not be cleared.
    pub fn forget(&self) -> Result<(), Error> {
        let core = &self.0.core;
        let turn = core.turn_blocking();
        ready(core.forget(turn))
    }
}

/// Builds a [`Repository`].
#[derive(Debug)]
#[must_use]
pub struct RepositoryBuilder(Parts);

impl RepositoryBuilder {
    /// How to reach the metadata.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.0.set_transport(Blocking::new(transport));
        self
    }

    /// How to reach metadata and targets over HTTP, below these URLs, with the default settings of
    /// [`HttpRepository`](crate::transport::HttpRepository).
    ///
    /// # Errors
    /// [`TransportError::Config`](crate::transport::TransportError::Config): a URL can't be a base.
    #[cfg(feature = "http-blocking")]
    pub fn http(self, metadata: url::Url, targets: url::Url) -> Result<Self, Error> {
        let server = crate::transport::HttpRepository::builder(metadata).targets_url(targets).build()?;
        Ok(self.transport(server.clone()).targets(server))
    }

    /// How to reach the targets' content; needed to download.
    pub fn targets(mut self, targets: impl TargetTransport + 'static) -> Self {
        self.0.set_targets(Blocking::new(targets));
        self
    }

    settings!();

    /// The repository. Nothing is read or asked yet.
    pub fn build(self) -> Repository {
        Repository { core: RepositoryCore::new(self.0) }
    }
}
