//! A signer holds the private half of one key and signs in the one scheme that Notary v1 writes
//! for it, or in the one that TUF 1.0 (specification 1.0.34 section 4.2) names for it; where the private half lives (memory, token, service) is its own matter.

use super::error::CryptoError;
use super::key_material::KeyMaterial;
use super::public_key::PublicKey;
use super::scheme::Scheme;
use super::signature;
use std::fmt::Debug;

/// Signs with one private key.
pub trait Signer: Debug + Send + Sync {
    /// The public half, plain (`ecdsa`, `rsa` or `ed25519`).
    fn public_key(&self) -> &PublicKey;

    /// Signs a message, which is hashed here: r and s side by side for ECDSA, PSS for RSA, the 64
    /// bytes of RFC 8032 for Ed25519.
    ///
    /// # Errors
    /// [`CryptoError`] if the key cannot sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// The scheme of [`Signer::sign`].
    fn scheme(&self) -> Scheme;

    /// Signs in a given scheme. Certificates need this: they carry ECDSA in DER and RSA in PKCS#1
    /// v1.5. Implementations for RSA keys should support the latter, or cannot certify themselves.
    /// TUF 1.0 needs it for ECDSA, see [`PublicKey::tuf_scheme`]: for P-256 this default suffices,
    /// for P-384 an implementation has to know [`Scheme::EcdsaDerSha384`].
    ///
    /// # Errors
    /// [`CryptoError::SchemeMismatch`] if the signer does not know the scheme, otherwise as
    /// [`Signer::sign`].
    fn sign_with(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if scheme == self.scheme() {
            return self.sign(message);
        }
        let material = self.public_key().material();
        match (material, scheme, self.scheme()) {
            (Ok(KeyMaterial::Ec { curve, .. }), Scheme::EcdsaDer, Scheme::EcdsaP1363) => {
                signature::p1363_to_der(*curve, &self.sign(message)?)
            }
            (Ok(KeyMaterial::Ec { curve, .. }), Scheme::EcdsaP1363, Scheme::EcdsaDer) => {
                signature::der_to_p1363(*curve, &self.sign(message)?)
            }
            _ => Err(CryptoError::SchemeMismatch {
                kind: self.public_key().kind().as_str().to_owned(),
                scheme,
            }),
        }
    }
}
