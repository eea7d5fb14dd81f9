//! Container images: which collection signs an image, where it is asked, and what it says.

mod inspect;
mod natural;
mod reference;
mod server;
mod tls;

pub use inspect::{ImageTrust, SignedTag};
pub use reference::{ImageError, Reference};
pub use server::trust_server;
pub use tls::TlsFiles;
