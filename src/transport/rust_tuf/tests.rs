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
        for refusal in [run(transport.fetch(&resource, less)).map(drop), target(&transport, less).map(drop)] {
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
