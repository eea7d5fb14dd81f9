//! Repositories of rust-tuf, the crate `tuf`, as transports.
//!
//! The rule: rust-tuf carries bytes here and nothing else. None of its verifier runs, and nothing that
//! it reads is believed; more than was allowed is not kept (TUF specification 1.0.34 section 5). "Not
//! there" is its own word for just the file that was asked for, or what our HTTP adapters take for
//! that (TE-01); whatever else it says means that nobody knows.

use std::{
    fmt,
    future::poll_fn,
    io,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use futures_io::AsyncRead;
use tuf::{
    Error,
    metadata::{MetadataPath, MetadataVersion, TargetPath},
    pouf::Pouf,
    repository::RepositoryProvider,
};

use super::{
    AsyncTargetTransport, AsyncTransport, BoxFuture, TargetBody, TransportError,
    targets::{segments, shown},
};
use crate::name::{Form, Resource};

/// Most bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Any `RepositoryProvider` of rust-tuf's as a transport for metadata and targets. Clones share it.
///
/// This is the one type of this crate whose bounds name another crate's traits: `tuf` 0.3.0-beta14,
/// exactly, with the feature `rust-tuf`. A change of that version is a breaking change here, and of
/// nothing else. Its futures need whatever runtime the provider needs.
///
/// Two things can't be asked of rust-tuf: files of roles or targets that it has no name for, such as
/// one with a colon ([`TransportError::Path`]), and metadata named by its digest
/// ([`TransportError::Unsupported`]).
///
/// ```
/// use tuf::{pouf::Pouf1, repository::FileSystemRepository};
/// use tuf_notary::{future::Repository, transport::RustTufRepository};
/// # let (root, folder) = (Vec::<u8>::new(), std::env::temp_dir());
/// let provider = FileSystemRepository::<Pouf1>::new(folder);
/// let transport = RustTufRepository::<Pouf1, _>::new(provider);
/// let repository = Repository::builder(root).transport(transport.clone()).targets(transport).build();
/// # drop(repository);
/// ```
pub struct RustTufRepository<D, R> {
    provider: Arc<R>,
    pouf: PhantomData<fn() -> D>,
}

impl<D, R> RustTufRepository<D, R> {
    /// Takes a repository of rust-tuf's.
    pub fn new(provider: R) -> Self {
        Self { provider: Arc::new(provider), pouf: PhantomData }
    }
}

impl<D, R> Clone for RustTufRepository<D, R> {
    fn clone(&self) -> Self {
        Self { provider: Arc::clone(&self.provider), pouf: PhantomData }
    }
}

impl<D, R> fmt::Debug for RustTufRepository<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustTufRepository").finish_non_exhaustive()
    }
}

impl<D, R> AsyncTransport for RustTufRepository<D, R>
where
    D: Pouf + 'static,
    R: RepositoryProvider<D> + Send + Sync + 'static,
{
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let (path, version) = address(what)?;
            let asked = self.provider.fetch_metadata(&path, version).await;
            let reader = asked.map_err(|error| match error {
                Error::MetadataNotFound { path: other, version: of } if (&other, of) == (&path, version) => {
                    TransportError::NotFound { what: what.tuf_name() }
                }
                error => refusal(what.tuf_name(), what.is_versioned_root(), error),
            })?;
            read_all(reader, &what.tuf_name(), max).await
        })
    }
}

impl<D, R> AsyncTargetTransport for RustTufRepository<D, R>
where
    D: Pouf + 'static,
    R: RepositoryProvider<D> + Send + Sync + 'static,
{
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        Box::pin(async move {
            drop(segments(path)?);
            let what = shown(path);
            let path = TargetPath::new(path).map_err(|_| unnamed(path.to_owned()))?;
            let place = Place::default();
            let content = stream(Arc::clone(&self.provider), path, what, max, place.clone());
            let mut body = Body { content: Box::pin(content), place, end: None };
            // The first piece is empty and says that the target is there.
            body.next().await?;
            let body: Box<dyn TargetBody> = Box::new(body);
            Ok(body)
        })
    }
}

type Reader<'a> = Box<dyn AsyncRead + Send + Unpin + 'a>;

/// A target on its way. What reads it borrows from the repository, so that both live in one future,
/// which lays each piece down where the caller takes it.
struct Body {
    content: Pin<Box<dyn Future<Output = Result<(), TransportError>> + Send>>,
    place: Place,
    end: Option<Result<(), TransportError>>,
}

impl Body {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        poll_fn(|context| {
            if let Some(end) = &self.end {
                return Poll::Ready(end.clone().map(|()| None));
            }
            let polled = self.content.as_mut().poll(context);
            if let Some(piece) = self.place.lock().take() {
                return Poll::Ready(Ok(Some(piece)));
            }
            polled.map(|end| {
                self.end = Some(end.clone());
                end.map(|()| None)
            })
        })
        .await
    }
}

impl TargetBody for Body {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>> {
        Box::pin(self.next())
    }
}

/// Where one piece lies until it is taken.
#[derive(Clone, Default)]
struct Place(Arc<Mutex<Option<Vec<u8>>>>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the piece is taken: by then whoever takes pieces polls for the next one.
    async fn hand_over(&self, piece: Vec<u8>) {
        *self.lock() = Some(piece);
        poll_fn(|_| if self.lock().is_none() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

async fn stream<D: Pouf, R: RepositoryProvider<D>>(
    provider: Arc<R>,
    path: TargetPath,
    what: String,
    max: u64,
    place: Place,
) -> Result<(), TransportError> {
    let asked = provider.fetch_target(&path).await;
    let mut reader = asked.map_err(|error| match error {
        Error::TargetNotFound(other) if other == path => TransportError::NotFound { what: what.clone() },
        error => refusal(what.clone(), false, error),
    })?;
    place.hand_over(Vec::new()).await;
    let mut total = 0_u64;
    loop {
        let mut piece = vec![0; room(max, total)];
        let read = read_some(&mut reader, &mut piece).await;
        piece.truncate(read.map_err(|error| TransportError::from_body(what.clone(), &error))?);
        if piece.is_empty() {
            return Ok(());
        }
        total = total.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if total > max {
            return Err(TransportError::TooLarge { what, limit: max });
        }
        place.hand_over(piece).await;
    }
}

async fn read_all(mut reader: Reader<'_>, what: &str, max: u64) -> Result<Vec<u8>, TransportError> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; CHUNK]);
    loop {
        let total = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if total > max {
            return Err(TransportError::TooLarge { what: what.to_owned(), limit: max });
        }
        let piece = buffer.get_mut(..room(max, total)).unwrap_or_default();
        let read = read_some(&mut reader, piece).await;
        match read.map_err(|error| TransportError::from_body(what.to_owned(), &error))? {
            0 => {
                bytes.shrink_to_fit();
                return Ok(bytes);
            }
            read => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// One byte more than allowed tells a file at the limit from one above it.
fn room(max: u64, total: u64) -> usize {
    usize::try_from(max.saturating_add(1).saturating_sub(total)).unwrap_or(CHUNK).min(CHUNK)
}

/// Reads into the buffer, which has room; nothing at the end.
async fn read_some(reader: &mut Reader<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match poll_fn(|context| Pin::new(&mut **reader).poll_read(context, buffer)).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// A file in rust-tuf's terms.
fn address(what: &Resource) -> Result<(MetadataPath, MetadataVersion), TransportError> {
    let version = match &what.form {
        Form::Latest => MetadataVersion::None,
        Form::Version(version) => {
            MetadataVersion::Number(u32::try_from(version.get()).map_err(|_| unnamed(what.tuf_name()))?)
        }
        Form::Sha256(_) => {
            return Err(TransportError::Unsupported { operation: "metadata named by its digest" });
        }
    };
    let path = MetadataPath::new(what.role.as_str().to_owned()).map_err(|_| unnamed(what.tuf_name()))?;
    Ok((path, version))
}

fn unnamed(path: String) -> TransportError {
    TransportError::Path { path, reason: "rust-tuf has no name for it" }
}

/// What an error means that is not rust-tuf's word for "not there".
fn refusal(what: String, is_versioned_root: bool, error: Error) -> TransportError {
    match error {
        Error::BadHttpStatus { code, .. } => match code.as_u16() {
            404 => TransportError::NotFound { what },
            403 if is_versioned_root => TransportError::NotFound { what },
            status @ (401 | 403) => TransportError::Unauthorized { what, status },
            status => TransportError::Status { what, status, message: String::new(), retry_after: None },
        },
        Error::Io(error) | Error::IoPath { err: error, .. } => TransportError::from_body(what, &error),
        error => TransportError::Connection { what, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
