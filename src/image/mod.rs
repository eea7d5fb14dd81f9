//! Container images: which collection signs an image, and where it is asked.

mod reference;
mod server;

pub use reference::{ImageError, Reference};
pub use server::trust_server;
