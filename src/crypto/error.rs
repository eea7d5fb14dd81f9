//! What can go wrong with keys, signatures and certificates; both values stand in the message.

use super::scheme::Scheme;
use super::utc::Utc;
use std::time::SystemTime;

/// Why a key, a signature or a key file is not usable.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
    /// A key is published under a type that this library does not know.
    #[error("unknown key type {kind:?}")]
    UnknownKeyKind {
        /// The published type.
        kind: String,
    },
    /// A key is published with a scheme that does not belong to its type, or that this library does
    /// not know.
    #[error("a key of type {kind:?} does not sign in scheme {scheme:?}")]
    KeyScheme {
        /// The published type.
        kind: String,
        /// The published scheme.
        scheme: String,
    },
    /// The bytes of a key do not have the form that its type demands.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The key inside does not fit the published type, as in `rsa-x509` around an EC certificate.
    #[error("a key of type {kind:?} holds a key with algorithm {found}")]
    WrongKeyAlgorithm {
        /// The published type.
        kind: String,
        /// Name or object identifier of the algorithm inside.
        found: String,
    },
    /// The elliptic curve is known by name but not supported for this use.
    #[error("curve {curve} is not supported for {operation}")]
    UnsupportedCurve {
        /// Name or object identifier of the curve.
        curve: String,
        /// `verifying`, `signing` or `certifying`.
        operation: &'static str,
    },
    /// An RSA modulus is out of bounds.
    #[error("RSA modulus has {bits} bits, allowed are {min} to {max}")]
    RsaModulusSize {
        /// Bits of the modulus.
        bits: usize,
        /// Smallest size allowed for this use.
        min: usize,
        /// Largest size allowed for this use.
        max: usize,
    },
    /// A key has the wrong number of bytes.
    #[error("{what} has {got} bytes, expected {expected}")]
    KeyLength {
        /// What was read.
        what: &'static str,
        /// Bytes that the algorithm demands.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// An Ed25519 point that is of small order or not in canonical form.
    #[error("weak Ed25519 public key: {reason}")]
    WeakKey {
        /// What makes it weak.
        reason: &'static str,
    },
    /// The signature scheme does not belong to the key.
    #[error("scheme {} does not fit a key of type {kind:?}", .scheme.as_notary_method())]
    SchemeMismatch {
        /// The published type of the key.
        kind: String,
        /// The scheme asked for.
        scheme: Scheme,
    },
    /// A signature has the wrong number of bytes.
    #[error("signature has {got} bytes, expected {expected}")]
    SignatureLength {
        /// Bytes that key and scheme demand.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// The signature is not one by this key over this message.
    #[error("signature does not verify")]
    InvalidSignature,
    /// Private and public half of a key do not belong together.
    #[error("private and public key do not match: {reason}")]
    InconsistentKey {
        /// What was compared.
        reason: String,
    },
    /// Signing failed inside the signer.
    #[error("signing failed: {reason}")]
    Signing {
        /// What the signer said.
        reason: String,
    },
    /// The key is encrypted and no passphrase was given.
    #[error("the private key is encrypted: a passphrase is needed")]
    PassphraseNeeded,
    /// The passphrase is wrong, or the encrypted bytes were altered.
    #[error("wrong passphrase, or the encrypted key was altered")]
    WrongPassphrase,
    /// The key file is encrypted in a way that is not supported.
    #[error("unsupported key encryption: {reason}")]
    UnsupportedEncryption {
        /// What was found.
        reason: String,
    },
    /// The key file demands a number of PBKDF2 iterations out of bounds.
    #[error("key file asks for {got} PBKDF2 iterations, allowed are 1 to {max}")]
    Iterations {
        /// Iterations found.
        got: u32,
        /// Most iterations allowed.
        max: u32,
    },
    /// A certificate is not usable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl CryptoError {
    pub(super) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}

/// Why a certificate or a bundle of them is not usable.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The bytes are not a certificate.
    #[error("malformed certificate: {reason}")]
    Malformed {
        /// What is wrong with them.
        reason: String,
    },
    /// A PEM block of another type stands among the certificates.
    #[error("PEM block {label:?} found, expected \"CERTIFICATE\"")]
    NotACertificate {
        /// The type of the block.
        label: String,
    },
    /// There is no certificate at all.
    #[error("no certificate found")]
    Empty,
    /// More than one certificate where one was expected.
    #[error("{count} certificates found, expected one")]
    NotSingle {
        /// Certificates found.
        count: usize,
    },
    /// A bundle must hold exactly one certificate that is not a CA.
    #[error("{count} leaf certificates found, expected one")]
    LeafCount {
        /// Leaf certificates found.
        count: usize,
    },
    /// The leaf certificate is not the first of its bundle.
    #[error("the first certificate is a CA, expected the leaf")]
    LeafNotFirst,
    /// The certificate is signed over a broken hash.
    #[error("certificate is signed with {algorithm}, which is not safe")]
    WeakSignature {
        /// Name of the signature algorithm.
        algorithm: &'static str,
    },
    /// The certificate's RSA key is too small.
    #[error("certificate has an RSA key of {bits} bits, at least {min} are needed")]
    KeyTooSmall {
        /// Bits of the modulus.
        bits: usize,
        /// Smallest size allowed.
        min: usize,
    },
    /// The subject has no common name, several, or one that is not plain text.
    #[error("certificate has no single well-formed common name, expected {gun:?}")]
    NoCommonName {
        /// The collection asked for.
        gun: String,
    },
    /// The common name is for other collections.
    #[error("certificate is for {common_name:?}, expected {gun:?}")]
    CommonNameMismatch {
        /// The certificate's common name.
        common_name: String,
        /// The collection asked for.
        gun: String,
    },
    /// The certificate ends before it begins.
    #[error("certificate begins {} and ends {}, which is earlier", Utc(*.not_before), Utc(*.not_after))]
    DatesInverted {
        /// Begin of validity.
        not_before: SystemTime,
        /// End of validity.
        not_after: SystemTime,
    },
    /// The certificate is not valid yet.
    #[error("certificate is valid from {}, now is {}", Utc(*.not_before), Utc(*.now))]
    NotYetValid {
        /// Begin of validity.
        not_before: SystemTime,
        /// The time it was checked for.
        now: SystemTime,
    },
    /// The certificate is no longer valid.
    #[error("certificate expired {}, now is {}", Utc(*.not_after), Utc(*.now))]
    Expired {
        /// End of validity.
        not_after: SystemTime,
        /// The time it was checked for.
        now: SystemTime,
    },
    /// None of the authorities given is a CA that is valid and strong enough.
    #[error("none of the {offered} authorities is usable")]
    NoUsableAuthority {
        /// Authorities given.
        offered: usize,
    },
    /// No path leads from the leaf to an authority.
    #[error("no path to a trusted authority: {reason}")]
    NoPath {
        /// What stopped the best path.
        reason: String,
    },
}
