//! The asynchronous façade, run to the end of each call.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, SystemTime},
};

use tuf_notary::{
    blocking::Initialise,
    edit::{Changes, Plan, Rotation},
    error::Error,
    future,
    keys::KeyStore,
    limits::Limits,
    name::{Gun, Resource, RoleName},
    store::MetadataStore,
    transport::{AsyncTransport, Blocking, BoxFuture, Transport, TransportError, Upload},
    verify::Trust,
    view::{Freshness, View},
};

#[derive(Clone, Debug)]
pub struct Collection(future::Collection);

pub struct CollectionBuilder(future::CollectionBuilder);

#[allow(dead_code)] // as much as the façade has, whatever the rows use
impl Collection {
    pub fn builder(gun: Gun, trust: Trust) -> CollectionBuilder {
        CollectionBuilder(future::Collection::builder(gun, trust))
    }

    pub fn gun(&self) -> &Gun {
        self.0.gun()
    }

    pub fn refresh(&self) -> Result<View, Error> {
        block_on(self.0.refresh())
    }

    pub fn initialise(&self, plan: &Initialise) -> Result<View, Error> {
        block_on(self.0.initialise(plan))
    }

    pub fn plan(&self, changes: &Changes) -> Result<Plan, Error> {
        block_on(self.0.plan(changes))
    }

    pub fn publish(&self, changes: &Changes) -> Result<View, Error> {
        block_on(self.0.publish(changes))
    }

    pub fn rotate(&self, rotation: &Rotation) -> Result<View, Error> {
        block_on(self.0.rotate(rotation))
    }

    pub fn delete_remote(&self) -> Result<(), Error> {
        block_on(self.0.delete_remote())
    }

    pub fn dangerous(&self) -> Dangerous<'_> {
        Dangerous(self)
    }
}

pub struct Dangerous<'a>(&'a Collection);

impl Dangerous<'_> {
    pub fn forget(&self) -> Result<(), Error> {
        block_on(self.0.0.dangerous().forget())
    }
}

#[allow(dead_code)]
impl CollectionBuilder {
    pub fn transport(self, transport: impl Transport + 'static) -> Self {
        Self(self.0.transport(Hesitant(Blocking::new(transport))))
    }

    pub fn store(self, store: impl MetadataStore + 'static) -> Self {
        Self(self.0.store(store))
    }

    pub fn keys(self, keys: impl KeyStore + 'static) -> Self {
        Self(self.0.keys(keys))
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

    pub fn build(self) -> Collection {
        Collection(self.0.build())
    }
}

/// Is never ready at once.
#[derive(Debug)]
struct Hesitant<T>(T);

impl<T: AsyncTransport> AsyncTransport for Hesitant<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(later(self.0.fetch(what, max)))
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(later(self.0.publish(upload)))
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(later(self.0.server_key(role, rotate)))
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(later(self.0.delete()))
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
