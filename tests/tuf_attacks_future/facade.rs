//! The asynchronous façade, run to the end of each call.

use std::{
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, SystemTime},
};

use tuf_notary::{
    error::Error,
    future,
    limits::Limits,
    name::{Gun, Resource, TargetName},
    store::MetadataStore,
    transport::{
        AsyncTargetTransport, AsyncTransport, Blocking, BoxFuture, TargetBody, TargetTransport, Transport,
        TransportError,
    },
    view::RepositoryView,
    view::{FoundTarget, Freshness},
};

#[derive(Clone, Debug)]
pub struct Repository(future::Repository);

pub struct RepositoryBuilder(future::RepositoryBuilder);

#[allow(dead_code)] // as much as the façade has, whatever the rows use
impl Repository {
    pub fn builder(root: impl Into<Vec<u8>>) -> RepositoryBuilder {
        RepositoryBuilder(future::Repository::builder(root))
    }

    pub fn refresh(&self) -> Result<RepositoryView, Error> {
        block_on(self.0.refresh())
    }

    pub fn find(&self, name: &TargetName) -> Result<Option<FoundTarget>, Error> {
        block_on(self.0.find(name))
    }

    pub fn download(&self, target: &FoundTarget, into: impl Write + Send) -> Result<(), Error> {
        block_on(self.0.download(target, into))
    }

    pub fn download_with(
        &self,
        target: &FoundTarget,
        into: impl Write + Send,
        progress: impl FnMut(u64) + Send,
    ) -> Result<(), Error> {
        block_on(self.0.download_with(target, into, progress))
    }

    pub fn save_in(&self, target: &FoundTarget, folder: impl AsRef<Path> + Send) -> Result<PathBuf, Error> {
        block_on(self.0.save_in(target, folder))
    }

    pub fn save(&self, target: &FoundTarget, path: impl AsRef<Path> + Send) -> Result<(), Error> {
        block_on(self.0.save(target, path))
    }

    pub fn dangerous(&self) -> Dangerous<'_> {
        Dangerous(self)
    }
}

pub struct Dangerous<'a>(&'a Repository);

#[allow(dead_code)]
impl Dangerous<'_> {
    pub fn forget(&self) -> Result<(), Error> {
        block_on(self.0.0.dangerous().forget())
    }
}

#[allow(dead_code)]
impl RepositoryBuilder {
    pub fn transport(self, transport: impl Transport + 'static) -> Self {
        Self(self.0.transport(Hesitant(Blocking::new(transport))))
    }

    pub fn targets(self, targets: impl TargetTransport + 'static) -> Self {
        Self(self.0.targets(Hesitant(Blocking::new(targets))))
    }

    pub fn name(self, name: Gun) -> Self {
        Self(self.0.name(name))
    }

    pub fn store(self, store: impl MetadataStore + 'static) -> Self {
        Self(self.0.store(store))
    }

    pub fn limits(self, limits: Limits) -> Self {
        Self(self.0.limits(limits))
    }

    pub fn freshness(self, freshness: Freshness) -> Self {
        Self(self.0.freshness(freshness))
    }

    pub fn max_age(self, max_age: Duration) -> Self {
        Self(self.0.max_age(max_age))
    }

    pub fn lock_wait(self, wait: Duration) -> Self {
        Self(self.0.lock_wait(wait))
    }

    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(self.0.clock(clock))
    }

    pub fn build(self) -> Repository {
        Repository(self.0.build())
    }
}

/// Is never ready at once.
#[derive(Debug)]
struct Hesitant<T>(T);

impl<T: AsyncTransport> AsyncTransport for Hesitant<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(later(self.0.fetch(what, max)))
    }
}

impl<T: AsyncTargetTransport> AsyncTargetTransport for Hesitant<T> {
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        Box::pin(async move {
            let body = later(self.0.fetch_target(path, max)).await?;
            Ok(Box::new(HesitantBody(body)) as Box<dyn TargetBody>)
        })
    }
}

struct HesitantBody(Box<dyn TargetBody>);

impl TargetBody for HesitantBody {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>> {
        Box::pin(later(self.0.chunk()))
    }
}

async fn later<T>(future: BoxFuture<'_, T>) -> T {
    let mut asked = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    future.await
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}
