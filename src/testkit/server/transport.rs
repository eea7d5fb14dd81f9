//! A client's connection to the simulated server.

use std::{io::Read, sync::Arc, thread};

use super::{Fault, TrustServer, body::Body, publish::publish, signing::ServerKey};
use crate::{
    metadata::Root,
    name::{Form, Gun, Resource, RoleName},
    transport::{Transport, TransportError, Upload},
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
        let interruption = self.server.state().interruption(&log);
        if let Some(action) = interruption {
            action();
        }
        let faults = {
            let mut state = self.server.state();
            state.log.push(log);
            state.faults(&self.gun)
        };
        for fault in &faults {
            if let Fault::Delay(time) = fault {
                thread::sleep(*time);
            }
        }
        match faults.iter().find_map(|fault| fault.refusal(role, what)) {
            Some(error) => Err(error),
            None => Ok(faults),
        }
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
}

impl Transport for SimulatedTransport {
    fn fetch(&self, what: &Resource, _max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let name = what.notary_name();
        let faults = self.begin(format!("GET {name}"), Some(&what.role), &name)?;
        let stored = self.stored(what, &faults);
        let file = faults.iter().fold(stored, |file, fault| fault.alter(&what.role, &name, file));
        match file {
            Some(file) => {
                let read = Arc::clone(&self.server.bytes_read);
                Ok(Box::new(Body::new(file, &what.role, &faults, read)))
            }
            None => Err(TransportError::NotFound { what: name }),
        }
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let what = "upload";
        let roles: Vec<_> = upload.files.iter().map(|(role, _)| role.as_str()).collect();
        let faults = self.begin(format!("POST {}", roles.join(",")), None, what)?;
        for fault in &faults {
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
            return Err(TransportError::Connection { what: what.to_owned(), reason });
        }
        Ok(())
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        let what = format!("{role}.key");
        let method = if rotate { "POST" } else { "GET" };
        let faults = self.begin(format!("{method} {what}"), Some(role), &what)?;
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

    fn delete(&self) -> Result<(), TransportError> {
        self.begin("DELETE".to_owned(), None, "collection")?;
        self.server.state().collections.remove(&self.gun);
        Ok(())
    }
}
