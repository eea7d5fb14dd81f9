//! Carrying bytes without blocking a thread.
//!
//! The rule: the same questions, answers and errors as [`Transport`], so that whoever judges the
//! bytes can't tell the two apart.

use std::{
    fmt::Debug,
    io::Read as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use super::{Transport, TransportError, Upload};
use crate::name::{Resource, RoleName};

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries the metadata of one collection or repository, asynchronously. Dropping a future abandons the request.
///
/// Implementers run `testkit::suite::async_transport` against their transport.
pub trait AsyncTransport: Debug + Send + Sync {
    /// Asks for one file and reads it to its end. Of a file that is longer than `max` bytes no more
    /// than one byte more is kept: it is either refused with [`TransportError::TooLarge`], or
    /// answered with more than `max` bytes, never with `max` bytes or less.
    ///
    /// # Errors
    /// [`TransportError::NotFound`] only when the server said so; anything else means that the
    /// question was not answered.
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>>;

    /// Publishes all files in one step: all or nothing.
    ///
    /// # Errors
    /// [`TransportError::Rejected`] when the server refused.
    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        let _ = upload;
        unsupported("publish")
    }

    /// The public key that the server holds for a role, as its JSON; with `rotate` a new one.
    ///
    /// # Errors
    /// The server has none, or could not be asked.
    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        let _ = (role, rotate);
        unsupported("server-managed keys")
    }

    /// Deletes the whole collection on the server.
    ///
    /// # Errors
    /// The server refused or could not be asked.
    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        unsupported("delete")
    }

    /// Waits, between two questions to a server that lags behind and while others use the store.
    /// The façade has no runtime that could, so the transport, which is bound to one, does it. By
    /// default a thread of its own sleeps, which works in every runtime.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        sleep(time)
    }
}

impl<T: AsyncTransport + ?Sized> AsyncTransport for Box<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        (**self).fetch(what, max)
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        (**self).publish(upload)
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        (**self).server_key(role, rotate)
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        (**self).delete()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        (**self).sleep(time)
    }
}

/// Lets a blocking transport serve where an asynchronous one is wanted. Each of its futures blocks
/// the thread that polls it until the answer is there, and is ready then: on a runtime that shares
/// its threads, others wait meanwhile. That is right for files and memory, and for nobody's server.
#[derive(Clone, Debug)]
pub struct Blocking<T>(pub(super) T);

impl<T> Blocking<T> {
    /// Wraps a transport.
    pub const fn new(transport: T) -> Self {
        Self(transport)
    }
}

impl<T: Transport> AsyncTransport for Blocking<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            // One byte more than allowed tells a file at the limit from one above it.
            let mut bytes = Vec::new();
            let read = self.0.fetch(what, max)?.take(max.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|error| TransportError::from_read(what, &error))?;
            bytes.shrink_to_fit();
            Ok(bytes)
        })
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move { self.0.publish(upload) })
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move { self.0.server_key(role, rotate) })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { self.0.delete() })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { rest(time) })
    }
}

/// Waits and blocks the thread. Where there is no clock nobody can wait.
pub(crate) fn rest(time: Duration) {
    if cfg!(feature = "system-clock") {
        thread::sleep(time);
    }
}

/// Waits on a thread of its own, which outlives a future that is dropped.
pub(crate) fn sleep(time: Duration) -> BoxFuture<'static, ()> {
    let alarm = Arc::new(Mutex::new((false, None::<Waker>)));
    let mut begun = false;
    Box::pin(std::future::poll_fn(move |context| {
        let mut state = alarm.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(context.waker().clone());
        drop(state);
        if !begun {
            begun = true;
            let alarm = Arc::clone(&alarm);
            let ring = move || {
                rest(time);
                let mut state = alarm.lock().unwrap_or_else(PoisonError::into_inner);
                state.0 = true;
                if let Some(waker) = state.1.take() {
                    waker.wake();
                }
            };
            if thread::Builder::new().name("tuf-notary sleep".to_owned()).spawn(ring).is_err() {
                // Asking too soon is better than never.
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }))
}

fn unsupported<'a, T: Send + 'a>(operation: &'static str) -> BoxFuture<'a, Result<T, TransportError>> {
    Box::pin(std::future::ready(Err(TransportError::Unsupported { operation })))
}
