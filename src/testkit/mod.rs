//! Test doubles and suites: a trust server in the process, a forge for right and wrong
//! repositories, and what implementers of our traits run against their own.

mod forge;
mod server;
pub mod suite;
mod tuf;

pub use forge::{Forge, ForgeAuthority, ForgeKey, Published};
pub use server::{Checkpoint, Fault, SimulatedTransport, TrustServer};
pub use tuf::{TufForge, TufForgeKey, TufPublished};
