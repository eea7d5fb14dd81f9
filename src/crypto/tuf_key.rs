//! A key of TUF 1.0 is three texts, and their type and scheme together say the one way in which it
//! verifies (TUF specification 1.0.34 section 4.2; WK-11, WK-12, WK-13): what does not fit together
//! is kept, for it is part of signed bytes, and verifies nothing.
//!
//! | keytype | scheme | public |
//! |---|---|---|
//! | `ed25519` | `ed25519` | 64 hex digits |
//! | `ecdsa`, `ecdsa-sha2-nistp256` | `ecdsa-sha2-nistp256` | PEM, or hex (older repositories) |
//! | `ecdsa`, `ecdsa-sha2-nistp384` | `ecdsa-sha2-nistp384` | the same |
//! | `rsa` | `rsassa-pss-sha256`, `rsa-pkcs1v15-sha256` | PEM |

use super::asn1;
use super::error::CryptoError;
use super::key_material::{self, Curve, KeyMaterial, ParsedKey};
use super::pem::{self, PemBlock};
use super::public_key::PublicKey;
use super::scheme::{KeyKind, Scheme};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

const PUBLIC_KEY: &str = "PUBLIC KEY";
const RSA_PUBLIC_KEY: &str = "RSA PUBLIC KEY";

/// A key as TUF 1.0 publishes it: the key, in the form that it has in every dialect, and the one
/// scheme in which it verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TufKey {
    key: PublicKey,
    scheme: Option<Scheme>,
}

/// The three texts of a key in TUF 1.0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TufKeyTexts {
    /// `keytype`: `ed25519`, `ecdsa` or `rsa`.
    pub keytype: &'static str,
    /// `scheme`.
    pub scheme: &'static str,
    /// `public` of `keyval`: hex digits for Ed25519, else a PEM block.
    pub public: String,
}

impl TufKey {
    /// Takes the texts of a key. Never fails: a key that is not usable remembers why and does no
    /// harm until a signature counts on it. It is kept under [`KeyKind::Unknown`] with the bytes of
    /// `public` as they are.
    #[must_use]
    pub fn new(keytype: &str, scheme: &str, public: &str) -> Self {
        match read(keytype, scheme, public) {
            Ok((key, scheme)) => Self { key, scheme: Some(scheme) },
            Err(reason) => {
                let kind = KeyKind::Unknown(keytype.to_owned());
                let key = PublicKey::unusable(kind, public.as_bytes().to_vec(), reason);
                Self { key, scheme: None }
            }
        }
    }

    /// The key. Its type and bytes are those that Notary would publish, so that one key is equal to
    /// itself whether it came as PEM or as hex.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The one scheme in which the key verifies; `None` if it verifies nothing.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// Checks a signature over a message, which is hashed here.
    ///
    /// # Errors
    /// Why the key is not usable, or as [`PublicKey::verify`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        match self.scheme {
            Some(scheme) => self.key.verify(scheme, message, signature),
            None => self.key.material().map_err(Clone::clone).and(Err(CryptoError::InvalidSignature)),
        }
    }

    /// Key and scheme, each for itself.
    #[must_use]
    pub fn into_parts(self) -> (PublicKey, Option<Scheme>) {
        (self.key, self.scheme)
    }
}

impl PublicKey {
    /// The scheme in which TUF 1.0 metadata carries the signatures of this key where nobody asks for
    /// another: PSS for RSA. `None` for a key that is not usable.
    #[must_use]
    pub fn tuf_scheme(&self) -> Option<Scheme> {
        Some(match self.material().ok()? {
            KeyMaterial::Ec { curve: Curve::P256, .. } => Scheme::EcdsaDer,
            KeyMaterial::Ec { curve: Curve::P384, .. } => Scheme::EcdsaDerSha384,
            KeyMaterial::Rsa { .. } => Scheme::RsaPss,
            KeyMaterial::Ed25519 { .. } => Scheme::Ed25519,
        })
    }

    /// The plain key as TUF 1.0 publishes it, for signatures in `scheme`; a certificate around it is
    /// left out.
    ///
    /// # Errors
    /// The key is not usable, or [`CryptoError::SchemeMismatch`] if TUF 1.0 has no such scheme for
    /// it.
    pub fn to_tuf(&self, scheme: Scheme) -> Result<TufKeyTexts, CryptoError> {
        let plain = self.to_plain();
        let material = plain.material().map_err(Clone::clone)?;
        let fits = plain.tuf_scheme() == Some(scheme)
            || matches!((material, scheme), (KeyMaterial::Rsa { .. }, Scheme::RsaPkcs1v15));
        let name = scheme.as_tuf_scheme().filter(|_| fits);
        let name = name.ok_or_else(|| {
            let kind = plain.kind().as_str().to_owned();
            CryptoError::SchemeMismatch { kind, scheme }
        })?;
        Ok(match material {
            KeyMaterial::Ed25519 { point } => {
                TufKeyTexts { keytype: "ed25519", scheme: name, public: HEXLOWER.encode(point) }
            }
            KeyMaterial::Ec { .. } => {
                TufKeyTexts { keytype: "ecdsa", scheme: name, public: pem_text(plain.published()) }
            }
            KeyMaterial::Rsa { modulus, exponent } => {
                // Not the published bytes, which are PEM already in Notary's historic form.
                let spki = key_material::rsa_spki(modulus, exponent);
                TufKeyTexts { keytype: "rsa", scheme: name, public: pem_text(&spki) }
            }
        })
    }
}

fn read(keytype: &str, scheme: &str, public: &str) -> Result<(PublicKey, Scheme), CryptoError> {
    let (kind, scheme, parsed) = match (keytype, scheme) {
        ("ed25519", "ed25519") => {
            let point = hex("Ed25519 public key", public)?;
            let material = KeyMaterial::ed25519(&point)?;
            (KeyKind::Ed25519, Scheme::Ed25519, ParsedKey { material, ec_point: None })
        }
        ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
            (KeyKind::Ecdsa, Scheme::EcdsaDer, read_ec(Curve::P256, scheme, public)?)
        }
        ("ecdsa" | "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => {
            (KeyKind::Ecdsa, Scheme::EcdsaDerSha384, read_ec(Curve::P384, scheme, public)?)
        }
        ("rsa", "rsassa-pss-sha256") => (KeyKind::Rsa, Scheme::RsaPss, read_rsa(public)?),
        ("rsa", "rsa-pkcs1v15-sha256") => (KeyKind::Rsa, Scheme::RsaPkcs1v15, read_rsa(public)?),
        ("ed25519" | "ecdsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "rsa", _) => {
            return Err(CryptoError::KeyScheme { kind: keytype.to_owned(), scheme: scheme.to_owned() });
        }
        _ => return Err(CryptoError::UnknownKeyKind { kind: keytype.to_owned() }),
    };
    let published = match &parsed.material {
        KeyMaterial::Ed25519 { point } => point.to_vec(),
        _ => key_material::normal_spki(&parsed)
            .ok_or_else(|| malformed("a compressed EC point does not verify"))?,
    };
    Ok((PublicKey::new(kind, published), scheme))
}

/// A PEM block, or hex of its contents or of the point alone, as older repositories have it.
fn read_ec(curve: Curve, scheme: &str, public: &str) -> Result<ParsedKey, CryptoError> {
    let parsed = match hex("EC public key", public) {
        Ok(bytes) if bytes.first() == Some(&asn1::TAG_SEQUENCE) => ParsedKey::from_spki(&bytes)?,
        Ok(point) if !point.is_empty() => ParsedKey::from_ec_point(curve, &point)?,
        _ => ParsedKey::from_spki(&single_block(public, &[PUBLIC_KEY])?.contents)?,
    };
    let found = match &parsed.material {
        KeyMaterial::Ec { curve: found, .. } if *found == curve => return Ok(parsed),
        KeyMaterial::Ec { curve: found, .. } => found.to_string(),
        other => other.algorithm().to_owned(),
    };
    Err(CryptoError::WrongKeyAlgorithm { kind: scheme.to_owned(), found })
}

fn read_rsa(public: &str) -> Result<ParsedKey, CryptoError> {
    let block = single_block(public, &[PUBLIC_KEY, RSA_PUBLIC_KEY])?;
    if block.label == RSA_PUBLIC_KEY {
        return ParsedKey::from_pkcs1(&block.contents);
    }
    let parsed = ParsedKey::from_spki(&block.contents)?;
    match &parsed.material {
        KeyMaterial::Rsa { .. } => Ok(parsed),
        other => {
            let (kind, found) = ("rsa".to_owned(), other.algorithm().to_owned());
            Err(CryptoError::WrongKeyAlgorithm { kind, found })
        }
    }
}

/// With a second block it would be open which of them is the key.
fn single_block(text: &str, labels: &[&str]) -> Result<PemBlock, CryptoError> {
    let mut blocks = PemBlock::blocks(text.as_bytes());
    let block = blocks.next().ok_or_else(|| malformed("neither hex digits nor a PEM block"))??;
    if blocks.next().is_some() {
        return Err(malformed("more than one PEM block"));
    }
    if !labels.contains(&block.label.as_str()) {
        let (found, expected) = (&block.label, labels.join("\" or \""));
        return Err(malformed(&format!("PEM block {found:?} found, expected \"{expected}\"")));
    }
    Ok(block)
}

fn hex(what: &'static str, text: &str) -> Result<Vec<u8>, CryptoError> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|error| CryptoError::malformed(what, error))
}

fn pem_text(spki: &[u8]) -> String {
    String::from_utf8_lossy(&pem::plain_text(PUBLIC_KEY, spki)).into_owned()
}

fn malformed(reason: &str) -> CryptoError {
    CryptoError::malformed("public key", reason)
}

#[cfg(test)]
mod tests;
