//! What every transport promises.

use std::{future::poll_fn, io::Read, task::Poll};

use crate::{
    name::Resource,
    transport::{AsyncTransport, Transport, TransportError},
};

/// What the server behind the transport under test is known to have.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // implementers write it out
pub struct Served {
    /// Files that the server has, with their content of at least two bytes.
    pub present: Vec<(Resource, Vec<u8>)>,
    /// A file that it does not have.
    pub absent: Resource,
}

/// Checks a transport against a server, or whatever it carries bytes from, that has these files.
///
/// # Panics
/// The transport breaks a promise of [`Transport`].
pub fn transport(transport: &dyn Transport, served: &Served) {
    for (what, content) in &served.present {
        let name = what.notary_name();
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        for max in [length, length.saturating_add(1), u64::MAX] {
            let found = read(transport, what, max).unwrap_or_else(|e| panic!("{name}, cap {max}: {e}"));
            assert!(found == *content, "{name}, cap {max}: other bytes than the server has");
        }
        the_cap_is_kept(transport, what, length);
    }
    nothing_is_not_found(transport, &served.absent);
    // A refusal or an abandoned body must not spoil what follows.
    for (what, content) in &served.present {
        drop(transport.fetch(what, u64::MAX));
        let found = read(transport, what, u64::MAX);
        assert!(found.is_ok_and(|found| found == *content), "{}: not after a refusal", what.notary_name());
    }
}

/// The same for an asynchronous transport. The caller runs it on the runtime that the transport needs.
///
/// # Panics
/// The transport breaks a promise of [`AsyncTransport`].
pub async fn async_transport(transport: &dyn AsyncTransport, served: &Served) {
    for (what, content) in &served.present {
        let name = what.notary_name();
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        for max in [length, length.saturating_add(1), u64::MAX] {
            let found = transport.fetch(what, max).await.unwrap_or_else(|e| panic!("{name}, cap {max}: {e}"));
            assert!(found == *content, "{name}, cap {max}: other bytes than the server has");
        }
        let max = length.saturating_sub(1);
        match transport.fetch(what, max).await {
            Err(TransportError::TooLarge { limit, .. }) => {
                assert!(limit == max, "{name}: the refusal names limit {limit}, it was {max}");
            }
            Err(e) => panic!("{name}, one byte over the cap: expected TooLarge or all of it, got {e:?}"),
            Ok(found) => assert!(
                u64::try_from(found.len()).is_ok_and(|found| found == length),
                "{name}: {} bytes for a cap of {max}, which hides that it is longer, or keeps too much",
                found.len()
            ),
        }
    }
    match transport.fetch(&served.absent, u64::MAX).await.map(drop) {
        Err(TransportError::NotFound { .. }) => {}
        other => panic!("{}: expected NotFound, got {other:?}", served.absent.notary_name()),
    }
    // A request that was abandoned must not spoil what follows.
    for (what, content) in &served.present {
        {
            let mut abandoned = transport.fetch(what, u64::MAX);
            let _ = poll_fn(|context| Poll::Ready(abandoned.as_mut().poll(context).is_ready())).await;
        }
        let found = transport.fetch(what, u64::MAX).await;
        assert!(found.is_ok_and(|found| found == *content), "{}: not after a drop", what.notary_name());
    }
}

/// Either the transport refuses early, or the caller, who counts too, reads at most one byte more.
fn the_cap_is_kept(transport: &dyn Transport, what: &Resource, length: u64) {
    let name = what.notary_name();
    let max = length.saturating_sub(1);
    match transport.fetch(what, max) {
        Err(TransportError::TooLarge { limit, .. }) => {
            assert!(limit == max, "{name}: the refusal names limit {limit}, it was {max}");
        }
        Err(e) => panic!("{name}, one byte over the cap: expected TooLarge or a reader, got {e:?}"),
        Ok(body) => {
            let mut found = Vec::new();
            let outcome = body.take(length).read_to_end(&mut found);
            let read = u64::try_from(found.len()).unwrap_or(u64::MAX);
            assert!(
                outcome.is_err() || read > max,
                "{name}: the body was cut to the cap, which hides that it is longer"
            );
        }
    }
}

fn nothing_is_not_found(transport: &dyn Transport, absent: &Resource) {
    match transport.fetch(absent, u64::MAX).map(drop) {
        Err(TransportError::NotFound { .. }) => {}
        other => panic!("{}: expected NotFound, got {other:?}", absent.notary_name()),
    }
}

fn read(transport: &dyn Transport, what: &Resource, max: u64) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let mut body = transport.fetch(what, max)?;
    body.read_to_end(&mut content).map_err(|e| TransportError::from_read(what, &e))?;
    Ok(content)
}
