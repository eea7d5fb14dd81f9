//! What everything that carries targets promises.

use std::{future::poll_fn, io::Read, task::Poll};

use crate::transport::{AsyncTargetTransport, TargetTransport, TransportError};

/// No body hands over more at once.
const LONGEST_CHUNK: usize = 4 << 20;

/// What the repository behind the transport under test is known to have.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // implementers write it out
pub struct ServedTargets {
    /// The paths of targets, with their content of at least two bytes.
    pub present: Vec<(String, Vec<u8>)>,
    /// The path of a target that it does not have.
    pub absent: String,
}

/// Checks a transport against a repository that has these targets.
///
/// # Panics
/// The transport breaks a promise of [`TargetTransport`].
pub fn target_transport(transport: &dyn TargetTransport, served: &ServedTargets) {
    for (path, content) in &served.present {
        for max in caps(content) {
            same(read(transport, path, max), path, max, content);
        }
        let max = length(content).saturating_sub(1);
        the_cap_is_kept(read(transport, path, max), path, max);
        // A body that is abandoned must not spoil what follows.
        drop(transport.fetch_target(path, u64::MAX));
        same(read(transport, path, u64::MAX), path, u64::MAX, content);
    }
    match transport.fetch_target(&served.absent, u64::MAX).map(drop) {
        Err(TransportError::NotFound { .. }) => {}
        other => panic!("{}: expected NotFound, got {other:?}", served.absent),
    }
    for path in misleading(served) {
        refused(transport.fetch_target(&path, u64::MAX).map(drop), &path);
    }
}

/// The same for an asynchronous transport. The caller runs it on the runtime that the transport needs.
///
/// # Panics
/// The transport breaks a promise of [`AsyncTargetTransport`].
pub async fn async_target_transport(transport: &dyn AsyncTargetTransport, served: &ServedTargets) {
    for (path, content) in &served.present {
        for max in caps(content) {
            same(collect(transport, path, max).await, path, max, content);
        }
        let max = length(content).saturating_sub(1);
        the_cap_is_kept(collect(transport, path, max).await, path, max);
        {
            let mut abandoned = transport.fetch_target(path, u64::MAX);
            let _ = poll_fn(|context| Poll::Ready(abandoned.as_mut().poll(context).is_ready())).await;
        }
        if let Ok(mut body) = transport.fetch_target(path, u64::MAX).await {
            drop(body.chunk().await);
        }
        same(collect(transport, path, u64::MAX).await, path, u64::MAX, content);
    }
    match transport.fetch_target(&served.absent, u64::MAX).await.map(drop) {
        Err(TransportError::NotFound { .. }) => {}
        other => panic!("{}: expected NotFound, got {other:?}", served.absent),
    }
    for path in misleading(served) {
        refused(transport.fetch_target(&path, u64::MAX).await.map(drop), &path);
    }
}

/// Caps that allow the content.
fn caps(content: &[u8]) -> [u64; 3] {
    [length(content), length(content).saturating_add(1), u64::MAX]
}

fn length(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

/// Paths that a careless transport would find something at.
fn misleading(served: &ServedTargets) -> Vec<String> {
    let around = |(path, _): &(String, Vec<u8>)| {
        [format!("./{path}"), format!("x/../{path}"), format!("../{path}"), format!("{path}/..")]
    };
    served.present.iter().flat_map(around).chain(["..".to_owned(), String::new()]).collect()
}

fn same(found: Result<Vec<u8>, TransportError>, path: &str, max: u64, content: &[u8]) {
    match found {
        Ok(found) => assert!(found == content, "{path}, cap {max}: other bytes than the repository has"),
        Err(e) => panic!("{path}, cap {max}: {e}"),
    }
}

/// Either the transport refuses, or it shows that there is more.
fn the_cap_is_kept(found: Result<Vec<u8>, TransportError>, path: &str, max: u64) {
    match found {
        Err(TransportError::TooLarge { limit, .. }) => {
            assert!(limit == max, "{path}: the refusal names limit {limit}, it was {max}");
        }
        // A reader can only fail.
        Err(TransportError::Connection { .. }) => {}
        Err(e) => panic!("{path}, one byte over the cap: expected TooLarge or more bytes, got {e:?}"),
        Ok(found) => assert!(
            length(&found) > max,
            "{path}: the content was cut to the cap, which hides that it is longer"
        ),
    }
}

fn refused(outcome: Result<(), TransportError>, path: &str) {
    match outcome {
        Err(TransportError::Path { .. } | TransportError::NotFound { .. }) => {}
        other => panic!("{path:?} leads elsewhere than it says: expected Path or NotFound, got {other:?}"),
    }
}

fn read(transport: &dyn TargetTransport, path: &str, max: u64) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let body = transport.fetch_target(path, max)?;
    let outcome = body.take(max.saturating_add(1)).read_to_end(&mut content);
    outcome.map_err(|e| TransportError::from_target_read(path, &e))?;
    Ok(content)
}

async fn collect(
    transport: &dyn AsyncTargetTransport,
    path: &str,
    max: u64,
) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let mut body = transport.fetch_target(path, max).await?;
    while let Some(chunk) = body.chunk().await? {
        assert!(!chunk.is_empty(), "{path}: a chunk without a byte");
        assert!(chunk.len() <= LONGEST_CHUNK, "{path}: a chunk of {} bytes", chunk.len());
        content.extend_from_slice(&chunk);
        if length(&content) > max {
            break;
        }
    }
    Ok(content)
}
