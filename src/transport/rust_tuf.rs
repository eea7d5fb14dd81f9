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
mod tests {
    use super::*;
    use std::task::{Context, Waker};
    use tuf::{Result, pouf::Pouf1};

    use crate::name::{RoleName, Version};

    /// Answers all questions alike: with an error, or with content in pieces and an error behind it.
    struct Answers<F>(F);

    impl<F: Fn() -> Result<Pieces>> RepositoryProvider<Pouf1> for Answers<F> {
        fn fetch_metadata<'a>(
            &'a self,
            _: &MetadataPath,
            _: MetadataVersion,
        ) -> BoxFuture<'a, Result<Reader<'a>>> {
            let answer = (self.0)().map(|pieces| Box::new(pieces) as Reader<'a>);
            Box::pin(std::future::ready(answer))
        }

        fn fetch_target<'a>(&'a self, _: &TargetPath) -> BoxFuture<'a, Result<Reader<'a>>> {
            let answer = (self.0)().map(|pieces| Box::new(pieces) as Reader<'a>);
            Box::pin(std::future::ready(answer))
        }
    }

    /// So many bytes, then perhaps an error; each other time it is asked it is not ready.
    struct Pieces {
        left: usize,
        error: Option<io::ErrorKind>,
        ready: bool,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.ready = !self.ready;
            if !self.ready {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let (0, Some(error)) = (self.left, self.error) {
                return Poll::Ready(Err(error.into()));
            }
            let read = self.left.min(buffer.len()).min(50_000);
            self.left -= read;
            buffer[..read].fill(7);
            Poll::Ready(Ok(read))
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return result;
            }
        }
    }

    type Transport<F> = RustTufRepository<Pouf1, Answers<F>>;

    fn pieces(left: usize, error: Option<io::ErrorKind>) -> Transport<impl Fn() -> Result<Pieces>> {
        RustTufRepository::new(Answers(move || Ok(Pieces { left, error, ready: true })))
    }

    fn root(version: u64) -> Resource {
        Resource { role: RoleName::Root, form: Form::Version(Version::new(version).unwrap()) }
    }

    /// What an error means for a root, a timestamp, a target.
    fn meaning(error: impl Fn() -> Error + Send + Sync + 'static) -> [&'static str; 3] {
        let transport: Transport<_> = RustTufRepository::new(Answers(move || Err(error())));
        let timestamp = Resource::latest(RoleName::Timestamp);
        [
            run(transport.fetch(&root(2), 9)).unwrap_err().code(),
            run(transport.fetch(&timestamp, 9)).unwrap_err().code(),
            run(transport.fetch_target("a/b", 9)).map(drop).unwrap_err().code(),
        ]
    }

    fn target(transport: &impl AsyncTargetTransport, max: u64) -> std::result::Result<usize, TransportError> {
        let mut body = run(transport.fetch_target("a", max))?;
        let mut total = 0;
        loop {
            match run(body.chunk()) {
                Ok(Some(chunk)) => {
                    assert!(!chunk.is_empty() && chunk.len() <= CHUNK && chunk.iter().all(|byte| *byte == 7));
                    total += chunk.len();
                }
                end => {
                    // It stays as it ended.
                    assert_eq!(run(body.chunk()).map_err(|e| e.code()), end.clone().map_err(|e| e.code()));
                    return end.map(|_| total);
                }
            }
        }
    }

    #[test]
    fn te_01_only_its_word_for_the_very_file_is_not_found() {
        let missing = |version| {
            let path = MetadataPath::root();
            move || Error::MetadataNotFound { path: path.clone(), version: MetadataVersion::Number(version) }
        };
        assert_eq!(meaning(missing(2)), ["MISSING", "NETWORK", "NETWORK"]);
        assert_eq!(meaning(missing(1)), ["NETWORK"; 3], "another file");
        let target = |path| move || Error::TargetNotFound(TargetPath::new(path).unwrap());
        assert_eq!(meaning(target("a/b")), ["NETWORK", "NETWORK", "MISSING"]);
        assert_eq!(meaning(target("b")), ["NETWORK"; 3], "another target");
        assert_eq!(meaning(|| Error::Io(io::ErrorKind::NotFound.into())), ["NETWORK"; 3]);
        let timed_out = || Error::IoPath { path: "p".into(), err: io::ErrorKind::TimedOut.into() };
        assert_eq!(meaning(timed_out), ["NETWORK"; 3]);
        assert_eq!(meaning(|| Error::Opaque("out of order".into())), ["NETWORK"; 3]);
    }

    #[test]
    fn ed_01_more_than_the_limit_is_refused_at_the_limit() {
        let resource = Resource::latest(RoleName::Targets);
        for size in [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 5] {
            let (transport, length) = (pieces(size, None), u64::try_from(size).unwrap());
            for max in [length, length + 1, u64::MAX] {
                assert_eq!(run(transport.fetch(&resource, max)).unwrap(), vec![7; size]);
                assert_eq!(target(&transport, max).unwrap(), size);
            }
            let Some(less) = length.checked_sub(1) else { continue };
            for refusal in
                [run(transport.fetch(&resource, less)).map(drop), target(&transport, less).map(drop)]
            {
                assert!(matches!(refusal, Err(TransportError::TooLarge { limit, .. }) if limit == less));
            }
        }
        // An endless one.
        let transport = pieces(usize::MAX, None);
        assert_eq!(run(transport.fetch(&resource, 1 << 20)).unwrap_err().code(), "TOO_LARGE");
        assert_eq!(target(&transport, 1 << 20).unwrap_err().code(), "TOO_LARGE");
    }

    #[test]
    fn a_broken_body_is_no_end() {
        for (kind, is_late) in [(io::ErrorKind::TimedOut, true), (io::ErrorKind::BrokenPipe, false)] {
            let transport = pieces(70_000, Some(kind));
            let metadata = run(transport.fetch(&Resource::latest(RoleName::Targets), 1 << 20)).map(drop);
            for outcome in [metadata, target(&transport, 1 << 20).map(drop)] {
                assert_eq!(matches!(outcome, Err(TransportError::Timeout { .. })), is_late);
                assert_eq!(outcome.unwrap_err().code(), "NETWORK");
            }
        }
    }

    #[test]
    fn pt_05_what_rust_tuf_can_not_name_is_not_asked_for() {
        let transport = pieces(1, None);
        for path in ["", "../x", "a/../b", "a:b", "/a", "a\\b"] {
            let refusal = run(transport.fetch_target(path, 9)).map(drop).unwrap_err();
            assert!(matches!(refusal, TransportError::Path { .. }), "{path:?}: {refusal}");
        }
        let role = RoleName::tuf("a:b").unwrap();
        assert_eq!(run(transport.fetch(&Resource::latest(role), 9)).unwrap_err().code(), "PATH");
        assert_eq!(run(transport.fetch(&root(1 << 32), 9)).unwrap_err().code(), "PATH");
        let by_digest = Resource { role: RoleName::Targets, form: Form::Sha256([1; 32]) };
        assert_eq!(run(transport.fetch(&by_digest, 9)).unwrap_err().code(), "UNSUPPORTED");
    }
}
