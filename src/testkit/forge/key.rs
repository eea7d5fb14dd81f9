//! Keys of a forged repository, each with its ways to sign wrongly.

use std::{
    fmt::Display,
    sync::Arc,
    time::{Duration, SystemTime},
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::Forge;
use crate::{
    crypto::{PemBlock, PrivateKey, PublicKey, Scheme, Signer, self_signed},
    wire::notary,
};

/// Made for these tests; it protects nothing.
pub(in crate::testkit) const RSA_2048: &[u8] = include_bytes!("../testdata/rsa2048.pem");
const DAY: Duration = Duration::from_secs(86_400);

/// A key pair, how its public half is published, and how it signs.
///
/// Each `with_` method gives a variant; the private key stays the same and is shared.
#[derive(Clone, Debug)]
pub struct ForgeKey {
    private: Arc<PrivateKey>,
    public: PublicKey,
    scheme: Scheme,
    id: Option<String>,
    method: Option<String>,
    garbled: bool,
}

impl ForgeKey {
    /// A new P-256 key, published plain.
    pub fn ecdsa() -> Self {
        Self::plain(must(PrivateKey::generate_ecdsa()))
    }

    /// A new Ed25519 key.
    pub fn ed25519() -> Self {
        Self::plain(must(PrivateKey::generate_ed25519()))
    }

    /// An RSA key of 2048 bits, published plain: always the same one. It signs with PSS.
    pub fn rsa() -> Self {
        let block = PemBlock::read_all(RSA_2048).pop();
        let block = block.unwrap_or_else(|| PemBlock::new("", Vec::new().into()));
        Self::plain(must(PrivateKey::from_pem(&block, None)))
    }

    /// A new P-256 key in a certificate for `gun`, good for ten years around [`Forge::now`].
    pub fn certificate(gun: &str) -> Self {
        Self::ecdsa().certified(gun)
    }

    /// A new P-256 key in a certificate with these dates and this common name.
    pub fn certificate_with(not_before: SystemTime, not_after: SystemTime, common_name: &str) -> Self {
        Self::ecdsa().certified_with(not_before, not_after, common_name)
    }

    /// A key pair of your own, published plain.
    pub fn from_private_key(private: PrivateKey) -> Self {
        Self::plain(private)
    }

    /// The same key in a new certificate for `gun`. Two of them are one key under two ids.
    #[must_use]
    pub fn certified(&self, gun: &str) -> Self {
        self.certified_with(Forge::now() - DAY, Forge::now() + DAY * 3_650, gun)
    }

    /// The same key in a new certificate with these dates and this common name.
    #[must_use]
    pub fn certified_with(&self, not_before: SystemTime, not_after: SystemTime, common_name: &str) -> Self {
        let public = must(self_signed(common_name, &*self.private, not_before, not_after));
        self.with_public(public)
    }

    /// The same key, published as this: another text around it, or another key altogether.
    #[must_use]
    pub fn with_public(&self, public: PublicKey) -> Self {
        Self { public, ..self.clone() }
    }

    /// The same key, listed and signing under another id.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self.clone() }
    }

    /// The same key; its signatures name this method, whatever they are.
    #[must_use]
    pub fn with_method(&self, method: &str) -> Self {
        Self { method: Some(method.to_owned()), ..self.clone() }
    }

    /// The same key, signing in this scheme and saying so.
    #[must_use]
    pub fn with_scheme(&self, scheme: Scheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// The same key; its signatures are over other bytes.
    #[must_use]
    pub fn garbled(&self) -> Self {
        Self { garbled: true, ..self.clone() }
    }

    /// The id that it is listed and signs under.
    pub fn id(&self) -> String {
        self.id.clone().unwrap_or_else(|| notary::key_id(&self.public).as_str().to_owned())
    }

    /// The id of the key itself, whatever certificate surrounds it.
    pub fn canonical_id(&self) -> String {
        notary::canonical_id(&self.public).as_str().to_owned()
    }

    /// The public half as published.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private half.
    pub fn private(&self) -> &PrivateKey {
        &self.private
    }

    fn plain(private: PrivateKey) -> Self {
        let (public, scheme) = (private.public_key().clone(), private.scheme());
        Self { private: Arc::new(private), public, scheme, id: None, method: None, garbled: false }
    }

    /// The key object of metadata.
    pub(super) fn to_json(&self) -> Value {
        let public = BASE64.encode(self.public.published());
        json!({ "keytype": self.public.kind().as_str(), "keyval": { "private": null, "public": public } })
    }

    /// A signature object over `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Value {
        let signed = if self.garbled { [message, b"garbled"].concat() } else { message.to_vec() };
        let signature = must(self.private.sign_with(self.scheme, &signed));
        let method = self.method.as_deref().unwrap_or_else(|| self.scheme.as_notary_method());
        json!({ "keyid": self.id(), "method": method, "sig": BASE64.encode(&signature) })
    }
}

/// Whether two signatures by them would say the same.
impl PartialEq for ForgeKey {
    fn eq(&self, other: &Self) -> bool {
        let parts = |key: &Self| (key.public.clone(), key.id(), key.method.clone(), key.scheme, key.garbled);
        self.private.public_key() == other.private.public_key() && parts(self) == parts(other)
    }
}

/// A key or certificate that can't be made ends the test that asked for it.
#[allow(clippy::panic)]
pub(in crate::testkit) fn must<T, E: Display>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the forge can't make this: {error}"),
    }
}
