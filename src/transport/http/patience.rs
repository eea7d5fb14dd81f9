//! Ends a wait when a read of a body brings nothing.
//!
//! The HTTP library may take in any number of bytes that are no body (TLS records in pieces, chunk
//! headers, trailers without end) within one read, and can then be stopped only where it waits for
//! the network. The reader therefore leaves its deadline where the connection finds it: both run
//! on the same thread.

use std::{cell::Cell, time::Instant};

use ureq::{
    Error, Timeout,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time::Duration},
};

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs `read`, in which connections wait no longer than until `deadline`.
pub(super) fn until<T>(deadline: Option<Instant>, read: impl FnOnce() -> T) -> T {
    let _restored = Restore(DEADLINE.replace(deadline));
    read()
}

struct Restore(Option<Instant>);

impl Drop for Restore {
    fn drop(&mut self) {
        DEADLINE.set(self.0);
    }
}

#[derive(Debug)]
pub(super) struct PatientConnector;

impl<In: Transport> Connector<In> for PatientConnector {
    type Out = Patient<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(Patient))
    }
}

/// A connection that keeps the deadline of the read that it serves.
#[derive(Debug)]
pub(super) struct Patient<T>(T);

impl<T: Transport> Transport for Patient<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if let Some(deadline) = DEADLINE.get() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout(Timeout::PerRead));
            }
            if left < *timeout.after {
                timeout.after = Duration::Exact(left);
                timeout.reason = Timeout::PerRead;
            }
        }
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
