//! Cryptography decides with the published key alone: its kind and its material say which
//! signature schemes are possible, never what a signature claims about itself.
//!
//! TUF specification 1.0.34 section 4.2, Notary v1 (keys, signature methods, certificates, key
//! files), RFC 5280, RFC 5480, RFC 8017, RFC 8018, RFC 8032. No JSON, no file and no clock here: bytes
//! and a time come in, values go out.

mod asn1;
mod bundle;
mod certificate;
mod chain;
pub mod digest;
mod ec_private;
mod ed25519_point;
mod error;
mod key_file;
mod key_material;
mod legacy;
mod pem;
pub mod pkcs8;
mod private_key;
mod private_key_info;
mod public_key;
mod public_pem;
mod scheme;
mod self_signed;
mod signature;
mod signer;
#[cfg(test)]
mod testing;
mod tuf_key;
mod utc;

pub use bundle::{CertificateBundle, common_name_covers};
pub use certificate::Certificate;
pub use chain::chains_to;
pub use error::{CertificateError, CryptoError};
pub use key_material::{Curve, KeyMaterial};
pub use pem::{PemBlock, PemBlocks};
pub use pkcs8::KeyEncryption;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use scheme::{KeyKind, Scheme};
pub use self_signed::self_signed;
#[cfg(feature = "pkcs11")]
pub(crate) use signature::p1363_to_der;
pub use signer::Signer;
pub use tuf_key::{TufKey, TufKeyTexts};

use ring::rand::SecureRandom as _;

/// Fills `buffer` with random bytes of the operating system.
///
/// # Errors
/// [`CryptoError::Random`] when the operating system gives none.
pub fn random(buffer: &mut [u8]) -> Result<(), CryptoError> {
    ring::rand::SystemRandom::new().fill(buffer).map_err(|_| CryptoError::Random)
}
