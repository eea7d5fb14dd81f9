//! A client's connection to the simulated server.

use std::{future::poll_fn, io::Read, sync::Arc, task::Poll, thread, time::Duration};

use super::{Fault, TrustServer, body::Body, publish::publish, signing::ServerKey};
use crate::{
    metadata::Root,
    name::{Form, Gun, Resource, RoleName},
    transport::{self, AsyncTransport, BoxFuture, Transport, TransportError, Upload},
};

/// Carries one collection's files to and from a [`TrustServer`]. Lengths are not announced, as the
/// real server sends files in chunks.
#[derive(Clone, Debug)]
pub struct SimulatedTransport {
    server: TrustServer,
    gun: Gun,
}

impl SimulatedTransport {
    pub(super) const fn new(server: TrustServer, gun: Gun) -> Self {
        Self { server, gun }
    }

    /// Logs a request and lets the faults that concern all requests come to effect. The server is
    /// not locked meanwhile: a fault may take its time, and may ask the server itself.
    fn begin(&self, log: String, role: Option<&RoleName>, what: &str) -> Result<Vec<Fault>, TransportError> {
        let faults = self.arrive(log);
        thread::sleep(delay(&faults));
        admit(faults, role, what)
    }

    /// The same without blocking. A reply is never there at once.
    async fn begin_async(
        &self,
        log: String,
        role: Option<&RoleName>,
        what: &str,
    ) -> Result<Vec<Fault>, TransportError> {
        let faults = self.arrive(log);
        match delay(&faults) {
            Duration::ZERO => hesitate().await,
            time => transport::sleep(time).await,
        }
        admit(faults, role, what)
    }

    fn arrive(&self, log: String) -> Vec<Fault> {
        let interruption = self.server.state().interruption(&log);
        if let Some(action) = interruption {
            action();
        }
        let mut state = self.server.state();
        state.log.push(log);
        state.faults(&self.gun)
    }

    fn stored(&self, what: &Resource, faults: &[Fault]) -> Option<Vec<u8>> {
        let name = what.notary_name();
        let replayed = faults.iter().rev().find_map(|fault| match fault {
            Fault::Replay(checkpoint) => Some(checkpoint),
            _ => None,
        });
        if let Some(checkpoint) = replayed {
            return checkpoint.file(&name).map(<[u8]>::to_vec);
        }
        let mut state = self.server.state();
        let now = state.now;
        let collection = state.collections.get_mut(&self.gun)?;
        if what.form == Form::Latest && matches!(what.role, RoleName::Timestamp | RoleName::Snapshot) {
            // Where the server can't renew, what it has is served.
            let _ = collection.renew(now);
        }
        collection.file(&name).map(<[u8]>::to_vec)
    }

    fn file(&self, what: &Resource, faults: &[Fault]) -> Result<Body, TransportError> {
        let name = what.notary_name();
        let stored = self.stored(what, faults);
        let file = faults.iter().fold(stored, |file, fault| fault.alter(&what.role, &name, file));
        let file = file.ok_or(TransportError::NotFound { what: name })?;
        Ok(Body::new(file, &what.role, faults, Arc::clone(&self.server.bytes_read)))
    }

    fn store(&self, upload: &Upload, faults: &[Fault]) -> Result<(), TransportError> {
        for fault in faults {
            match fault {
                Fault::Reject { code, message } => {
                    return Err(TransportError::Rejected { code: code.clone(), message: message.clone() });
                }
                Fault::Pretend => return Ok(()),
                _ => {}
            }
        }
        {
            let mut state = self.server.state();
            let now = state.now;
            publish(state.collection(&self.gun), upload, now)?;
        }
        if faults.iter().any(|fault| matches!(fault, Fault::LoseReply)) {
            let reason = "connection reset".to_owned();
            return Err(TransportError::Connection { what: UPLOAD.to_owned(), reason });
        }
        Ok(())
    }

    fn key(
        &self,
        role: &RoleName,
        rotate: bool,
        what: String,
        faults: &[Fault],
    ) -> Result<Vec<u8>, TransportError> {
        let replaced = faults.iter().find_map(|fault| match fault {
            Fault::Key(bytes) => Some(bytes.clone()),
            _ => None,
        });
        if let Some(bytes) = replaced {
            return Ok(bytes);
        }
        if !matches!(role, RoleName::Timestamp | RoleName::Snapshot) {
            return Err(TransportError::NotFound { what });
        }
        let mut state = self.server.state();
        let collection = state.collection(&self.gun);
        let root = collection.newest::<Root>(&RoleName::Root);
        let current = root.and_then(|root| collection.key_for(role, root.body()));
        if let (false, Some(key)) = (rotate, current) {
            return Ok(key.to_json());
        }
        let key = ServerKey::generate(role).map_err(|error| TransportError::Status {
            what,
            status: 500,
            message: error.to_string(),
            retry_after: None,
        })?;
        let answer = key.to_json();
        collection.keys.push(key);
        Ok(answer)
    }
}

const UPLOAD: &str = "upload";

impl Transport for SimulatedTransport {
    fn fetch(&self, what: &Resource, _max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let (log, name) = file_asked(what);
        let faults = self.begin(log, Some(&what.role), &name)?;
        Ok(Box::new(self.file(what, &faults)?))
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let faults = self.begin(uploaded(upload), None, UPLOAD)?;
        self.store(upload, &faults)
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        let (log, what) = key_asked(role, rotate);
        let faults = self.begin(log, Some(role), &what)?;
        self.key(role, rotate, what, &faults)
    }

    fn delete(&self) -> Result<(), TransportError> {
        self.begin("DELETE".to_owned(), None, "collection")?;
        self.server.state().collections.remove(&self.gun);
        Ok(())
    }
}

impl AsyncTransport for SimulatedTransport {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let (log, name) = file_asked(what);
            let faults = self.begin_async(log, Some(&what.role), &name).await?;
            let (mut content, body) = (Vec::new(), self.file(what, &faults)?);
            let read = body.take(max.saturating_add(1)).read_to_end(&mut content);
            read.map_err(|error| TransportError::from_read(what, &error))?;
            Ok(content)
        })
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let faults = self.begin_async(uploaded(upload), None, UPLOAD).await?;
            self.store(upload, &faults)
        })
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let (log, what) = key_asked(role, rotate);
            let faults = self.begin_async(log, Some(role), &what).await?;
            self.key(role, rotate, what, &faults)
        })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            self.begin_async("DELETE".to_owned(), None, "collection").await?;
            self.server.state().collections.remove(&self.gun);
            Ok(())
        })
    }
}

fn file_asked(what: &Resource) -> (String, String) {
    let name = what.notary_name();
    (format!("GET {name}"), name)
}

fn key_asked(role: &RoleName, rotate: bool) -> (String, String) {
    let (method, what) = (if rotate { "POST" } else { "GET" }, format!("{role}.key"));
    (format!("{method} {what}"), what)
}

fn uploaded(upload: &Upload) -> String {
    let roles: Vec<_> = upload.files.iter().map(|(role, _)| role.as_str()).collect();
    format!("POST {}", roles.join(","))
}

fn delay(faults: &[Fault]) -> Duration {
    faults.iter().filter_map(|fault| if let Fault::Delay(time) = fault { Some(*time) } else { None }).sum()
}

fn admit(faults: Vec<Fault>, role: Option<&RoleName>, what: &str) -> Result<Vec<Fault>, TransportError> {
    match faults.iter().find_map(|fault| fault.refusal(role, what)) {
        Some(error) => Err(error),
        None => Ok(faults),
    }
}

/// Is ready when it is asked again.
async fn hesitate() {
    let mut asked = false;
    poll_fn(|context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
