//! What a token is asked for, scheme by scheme (PKCS#11 2.40, sections 2.1 and 2.3). Messages are
//! hashed here but for Ed25519: a token gets a digest, not a file of megabytes.

use super::{
    objects::{self, Algorithm, Stored},
    token::{Token, failed},
};
use crate::{
    crypto::{CryptoError, Curve, Scheme, digest, p1363_to_der},
    keys::KeyError,
};
use cryptoki::mechanism::{
    Mechanism, MechanismType,
    eddsa::{EddsaParams, EddsaSignatureScheme},
    rsa::{PkcsMgfType, PkcsPssParams},
};

/// What stands before a SHA-256 that PKCS#1 v1.5 signs (RFC 8017, section 9.2, note 1).
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The signature of a message in a scheme; not verified yet.
pub(super) fn sign(
    token: &Token,
    key: &Stored,
    scheme: Scheme,
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let sha256 = || digest::sha256(message).to_vec();
    let (mechanism, input) = match (key.algorithm, scheme) {
        (Algorithm::P256 | Algorithm::P384, Scheme::EcdsaP1363 | Scheme::EcdsaDer) => {
            (Mechanism::Ecdsa, sha256())
        }
        (Algorithm::P384, Scheme::EcdsaDerSha384) => (Mechanism::Ecdsa, digest::sha384(message).to_vec()),
        (Algorithm::Ed25519, Scheme::Ed25519) => {
            (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), message.to_vec())
        }
        (Algorithm::Rsa, Scheme::RsaPss) => (Mechanism::RsaPkcsPss(pss()), sha256()),
        (Algorithm::Rsa, Scheme::RsaPkcs1v15) => (Mechanism::RsaPkcs, [SHA256_INFO, &sha256()].concat()),
        _ => {
            let kind = key.public.kind().as_str().to_owned();
            return Err(CryptoError::SchemeMismatch { kind, scheme });
        }
    };
    let signing = |reason: KeyError| CryptoError::Signing { reason: reason.to_string() };
    let session = token.logged_in().map_err(signing)?;
    let private = objects::private(&session, key).map_err(signing)?;
    let signature = session.sign(&mechanism, private, &input);
    let signature = signature.map_err(|error| signing(failed("sign", error)))?;
    match (key.algorithm, scheme) {
        (Algorithm::P256, Scheme::EcdsaDer) => p1363_to_der(Curve::P256, &signature),
        (Algorithm::P384, Scheme::EcdsaDer | Scheme::EcdsaDerSha384) => p1363_to_der(Curve::P384, &signature),
        _ => Ok(signature),
    }
}

fn pss() -> PkcsPssParams {
    PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 32.into() }
}
