//! The content of a target, streamed and measured (TUF specification 1.0.34 section 5.7).
//!
//! The rule: no more is read than is signed, each known digest is compared, and only `Ok` says that
//! what was written is the target. Memory does not grow with the target.

use std::io::Write;

use super::RepositoryCore;
use crate::{
    crypto::digest::{Sha256, Sha512},
    error::{DownloadError, Error},
    name::TargetPath,
    transport::{AsyncTargetTransport, TargetBody, TransportError},
    view::FoundTarget,
};

/// Told how many bytes have been written so far, after each piece.
pub(crate) type Progress<'a> = dyn FnMut(u64) + Send + 'a;

impl RepositoryCore {
    pub(crate) async fn download(
        &self,
        target: &FoundTarget,
        into: &mut (dyn Write + Send),
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let mut body = self.open(target).await?;
        let mut measure = Measure::new(target);
        while let Some(chunk) = body.chunk().await? {
            measure.take(&chunk)?;
            into.write_all(&chunk).map_err(|error| failed(target, &error))?;
            progress(measure.length);
        }
        measure.finish()?;
        into.flush().map_err(|error| failed(target, &error))?;
        Ok(())
    }

    /// The first of the places where the content may lie that has it.
    async fn open(&self, target: &FoundTarget) -> Result<Box<dyn TargetBody>, Error> {
        // A name that means another place to some server or file system is not asked for.
        TargetPath::new(target.name().clone())?;
        let transport = self.targets()?;
        let mut missing = TransportError::NotFound { what: target.name().to_string() };
        for path in target.paths() {
            match transport.fetch_target(path, target.length()).await {
                Err(error @ TransportError::NotFound { .. }) => missing = error,
                Err(TransportError::TooLarge { limit, .. }) => {
                    let (name, found) = (target.name().to_string(), limit.saturating_add(1));
                    return Err(DownloadError::Length { name, expected: limit, found }.into());
                }
                outcome => return Ok(outcome?),
            }
        }
        Err(missing.into())
    }

    fn targets(&self) -> Result<&dyn AsyncTargetTransport, Error> {
        self.core.transport()?;
        self.inner.targets.as_deref().ok_or(Error::Unconfigured("a transport for targets"))
    }
}

/// Counts and digests a content on its way.
pub(super) struct Measure<'a> {
    target: &'a FoundTarget,
    length: u64,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(target: &'a FoundTarget) -> Self {
        let hashes = target.hashes();
        Self {
            target,
            length: 0,
            sha256: hashes.sha256.map(|_| Sha256::default()),
            sha512: hashes.sha512.map(|_| Sha512::default()),
        }
    }

    /// Refuses a piece that goes beyond the signed length.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), DownloadError> {
        self.length = self.length.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.length > self.target.length() {
            return Err(self.wrong_length());
        }
        self.sha256.iter_mut().for_each(|sha256| sha256.update(piece));
        self.sha512.iter_mut().for_each(|sha512| sha512.update(piece));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), DownloadError> {
        if self.length != self.target.length() {
            return Err(self.wrong_length());
        }
        let hashes = self.target.hashes();
        let (sha256, sha512) = (self.sha256.map(Sha256::finish), self.sha512.map(Sha512::finish));
        compare(self.target, "SHA-256", hashes.sha256.as_ref(), sha256.as_ref())?;
        compare(self.target, "SHA-512", hashes.sha512.as_ref(), sha512.as_ref())
    }

    fn wrong_length(&self) -> DownloadError {
        let (name, expected) = (self.target.name().to_string(), self.target.length());
        DownloadError::Length { name, expected, found: self.length.min(expected.saturating_add(1)) }
    }
}

fn compare<const N: usize>(
    target: &FoundTarget,
    algorithm: &'static str,
    expected: Option<&[u8; N]>,
    found: Option<&[u8; N]>,
) -> Result<(), DownloadError> {
    if expected == found {
        return Ok(());
    }
    let hex =
        |digest: Option<&[u8; N]>| digest.map_or_else(String::new, |it| data_encoding::HEXLOWER.encode(it));
    let (name, expected, found) = (target.name().to_string(), hex(expected), hex(found));
    Err(DownloadError::Hash { name, algorithm, expected, found })
}

pub(super) fn failed(target: &FoundTarget, error: &std::io::Error) -> DownloadError {
    DownloadError::Write { name: target.name().to_string(), reason: error.to_string() }
}
