//! Names of key types and signature methods are spelled as Notary v1 spells them; a key type is
//! exact, a method is read in any case.

use std::fmt;

/// How a public key is published: Notary's `keytype`.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// `ecdsa`: DER SubjectPublicKeyInfo of an EC key.
    Ecdsa,
    /// `ecdsa-x509`: PEM certificates, the first of them around an EC key.
    EcdsaX509,
    /// `ed25519`: the 32 bytes of RFC 8032.
    Ed25519,
    /// `rsa`: DER SubjectPublicKeyInfo of an RSA key (PEM in one historic case).
    Rsa,
    /// `rsa-x509`: PEM certificates, the first of them around an RSA key.
    RsaX509,
    /// Anything else, upper-case spellings among it: kept, and never verifies.
    Unknown(String),
}

impl KeyKind {
    /// Reads a `keytype`; never fails, for unknown types are legal as long as nobody counts on them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "ecdsa" => Self::Ecdsa,
            "ecdsa-x509" => Self::EcdsaX509,
            "ed25519" => Self::Ed25519,
            "rsa" => Self::Rsa,
            "rsa-x509" => Self::RsaX509,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The `keytype` as published.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ecdsa => "ecdsa",
            Self::EcdsaX509 => "ecdsa-x509",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
            Self::RsaX509 => "rsa-x509",
            Self::Unknown(other) => other,
        }
    }

    /// Whether the published bytes are PEM certificates.
    #[must_use]
    pub fn is_x509(&self) -> bool {
        matches!(self, Self::EcdsaX509 | Self::RsaX509)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a signature is made and encoded. The hash is SHA-256 where nothing else is said.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// ECDSA, r and s side by side, each as wide as the curve (IEEE P1363). Notary's form.
    EcdsaP1363,
    /// ECDSA as an ASN.1 sequence of r and s. The form of TUF 1.0 and of certificates.
    EcdsaDer,
    /// ECDSA on P-384 as an ASN.1 sequence of r and s, over SHA-384. TUF 1.0 only, for Notary
    /// hashes with SHA-256 on every curve.
    EcdsaDerSha384,
    /// RSASSA-PSS with MGF1-SHA-256 and a salt of 32 bytes.
    RsaPss,
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1v15,
    /// RSASSA-PSS by a key that is published as PEM. Verified, never made.
    RsaPssPycrypto,
    /// Ed25519 over the message itself.
    Ed25519,
}

impl Scheme {
    /// Reads Notary's `method`, in any case (WK-03). `None` if unknown: such a signature is skipped.
    #[must_use]
    pub fn from_notary_method(method: &str) -> Option<Self> {
        match method.to_ascii_lowercase().as_str() {
            "ecdsa" => Some(Self::EcdsaP1363),
            "rsapss" => Some(Self::RsaPss),
            "rsapkcs1v15" => Some(Self::RsaPkcs1v15),
            "pycrypto-pkcs#1 pss" => Some(Self::RsaPssPycrypto),
            "eddsa" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The scheme in which Notary's metadata carries what a signer of this scheme signs: ECDSA side
    /// by side for the DER that OpenSSL and key services give, any other as it is. A signer that
    /// hashes with SHA-384 alone can't sign for Notary, and says so when it is asked.
    #[must_use]
    pub fn published(self) -> Self {
        match self {
            Self::EcdsaDer | Self::EcdsaDerSha384 => Self::EcdsaP1363,
            other => other,
        }
    }

    /// The `scheme` of TUF 1.0 (section 4.2); `None` for what only Notary has. Keys of P-256 alone
    /// go with `ecdsa-sha2-nistp256`.
    #[must_use]
    pub fn as_tuf_scheme(self) -> Option<&'static str> {
        match self {
            Self::EcdsaDer => Some("ecdsa-sha2-nistp256"),
            Self::EcdsaDerSha384 => Some("ecdsa-sha2-nistp384"),
            Self::RsaPss => Some("rsassa-pss-sha256"),
            Self::RsaPkcs1v15 => Some("rsa-pkcs1v15-sha256"),
            Self::Ed25519 => Some("ed25519"),
            Self::EcdsaP1363 | Self::RsaPssPycrypto => None,
        }
    }

    /// Notary's `method`. [`Scheme::EcdsaDer`] and [`Scheme::EcdsaDerSha384`], which Notary does not
    /// have, read `ecdsa-der` and `ecdsa-der-sha384`.
    #[must_use]
    pub fn as_notary_method(self) -> &'static str {
        match self {
            Self::EcdsaP1363 => "ecdsa",
            Self::EcdsaDer => "ecdsa-der",
            Self::EcdsaDerSha384 => "ecdsa-der-sha384",
            Self::RsaPss => "rsapss",
            Self::RsaPkcs1v15 => "rsapkcs1v15",
            Self::RsaPssPycrypto => "pycrypto-pkcs#1 pss",
            Self::Ed25519 => "eddsa",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_kinds_round_trip_and_are_case_sensitive() {
        for name in ["ecdsa", "ecdsa-x509", "ed25519", "rsa", "rsa-x509"] {
            let kind = KeyKind::parse(name);
            assert!(!matches!(kind, KeyKind::Unknown(_)), "{name}");
            assert_eq!(kind.as_str(), name);
        }
        assert_eq!(KeyKind::parse("ECDSA"), KeyKind::Unknown("ECDSA".into()));
    }

    #[test]
    fn methods_are_read_in_any_case() {
        for method in ["ecdsa", "rsapss", "rsapkcs1v15", "pycrypto-pkcs#1 pss", "eddsa"] {
            let scheme = Scheme::from_notary_method(&method.to_uppercase()).unwrap();
            assert_eq!(scheme.as_notary_method(), method);
        }
        assert_eq!(Scheme::from_notary_method("ecdsa-der"), None);
        assert_eq!(Scheme::from_notary_method("ecdsa-der-sha384"), None);
        assert_eq!(Scheme::from_notary_method("ecdsa "), None);
    }
}
