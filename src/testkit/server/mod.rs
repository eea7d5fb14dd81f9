//! A trust server in the process. It answers what Notary's server answers (Notary v1), and
//! misbehaves on request.
//!
//! The rule: whatever a client could do against the real server it can do here with the same
//! outcome, refusals and traps included; and whatever a hostile server could answer, this one can
//! be told to.

mod body;
mod collection;
mod fault;
mod publish;
mod signing;
mod transport;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

pub use collection::Checkpoint;
use collection::Collection;
pub use fault::Fault;
pub use transport::SimulatedTransport;

use super::Published;
use crate::name::Gun;

/// A Notary server in memory, for any number of collections. Clones share it.
///
/// It holds timestamp keys, and snapshot keys where a publisher asked for them. Its clock is the
/// system's at construction and stands still.
///
/// ```
/// use tuf_notary::{name::Gun, testkit::TrustServer, transport::Transport};
/// let server = TrustServer::new();
/// let gun = Gun::new("example.com/app")?;
/// assert!(server.transport(&gun).server_key(&"timestamp".parse()?, false).is_ok());
/// assert_eq!(server.requests(), ["GET timestamp.key"]);
/// # Ok::<(), tuf_notary::name::NameError>(())
/// ```
#[derive(Clone)]
pub struct TrustServer {
    state: Arc<Mutex<State>>,
    bytes_read: Arc<AtomicU64>,
}

struct State {
    now: SystemTime,
    collections: BTreeMap<Gun, Collection>,
    faults: BTreeMap<Gun, Vec<Fault>>,
    log: Vec<String>,
    interruptions: Vec<(String, Box<dyn FnOnce() + Send>)>,
}

impl TrustServer {
    /// A server without collections.
    pub fn new() -> Self {
        let now = SystemTime::now();
        let (collections, faults, log, interruptions) = Default::default();
        let state = State { now, collections, faults, log, interruptions };
        Self { state: Arc::new(Mutex::new(state)), bytes_read: Arc::default() }
    }

    /// A connection to one collection, which need not exist.
    pub fn transport(&self, gun: &Gun) -> SimulatedTransport {
        SimulatedTransport::new(self.clone(), gun.clone())
    }

    /// Sets the server's clock.
    pub fn set_now(&self, now: SystemTime) {
        self.state().now = now;
    }

    /// Serves these files and no others as the newest of their collection. Files with a digest or
    /// version in their name stay, as they do on a real server.
    pub fn serve(&self, published: &Published) {
        let mut state = self.state();
        state.collection(published.gun()).install(published);
    }

    /// Every request so far, such as `GET root.json`, `POST targets,snapshot`, `DELETE`,
    /// `GET timestamp.key` and, for a new key, `POST timestamp.key`.
    pub fn requests(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Empties the list of requests.
    pub fn clear_requests(&self) {
        self.state().log.clear();
    }

    /// How many bytes of files clients have read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// A stored file by the name that a client would ask for. Faults don't show here.
    pub fn file(&self, gun: &Gun, name: &str) -> Option<Vec<u8>> {
        self.state().collections.get(gun)?.file(name).map(<[u8]>::to_vec)
    }

    /// All files of a collection as they are now.
    pub fn checkpoint(&self, gun: &Gun) -> Checkpoint {
        self.state().collections.get(gun).map(Collection::checkpoint).unwrap_or_default()
    }

    /// Goes back to an earlier state of a collection's files. The server's keys stay.
    pub fn restore(&self, gun: &Gun, checkpoint: Checkpoint) {
        self.state().collection(gun).restore(checkpoint);
    }

    /// Adds a fault to a collection. Several can be active.
    pub fn misbehave(&self, gun: &Gun, fault: Fault) {
        self.state().faults.entry(gun.clone()).or_default().push(fault);
    }

    /// Ends all faults of a collection.
    pub fn behave(&self, gun: &Gun) {
        self.state().faults.remove(gun);
    }

    /// Runs `action` once, before the next request whose line in [`requests`](Self::requests)
    /// begins with `prefix` is answered: another publisher or attacker comes first. It may use the
    /// server.
    pub fn before(&self, prefix: &str, action: impl FnOnce() + Send + 'static) {
        self.state().interruptions.push((prefix.to_owned(), Box::new(action)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TrustServer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TrustServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("TrustServer")
            .field("now", &state.now)
            .field("collections", &state.collections.keys())
            .field("faults", &state.faults)
            .finish_non_exhaustive()
    }
}

impl State {
    fn collection(&mut self, gun: &Gun) -> &mut Collection {
        self.collections.entry(gun.clone()).or_default()
    }

    /// Takes the action that is to come before a request.
    fn interruption(&mut self, request: &str) -> Option<Box<dyn FnOnce() + Send>> {
        let at = self.interruptions.iter().position(|(prefix, _)| request.starts_with(prefix.as_str()))?;
        Some(self.interruptions.remove(at).1)
    }

    fn faults(&self, gun: &Gun) -> Vec<Fault> {
        self.faults.get(gun).cloned().unwrap_or_default()
    }
}
