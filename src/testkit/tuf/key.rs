//! Keys of a forged TUF 1.0 repository, each with its ways to be listed and to sign wrongly.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::{
    crypto::{PemBlock, PrivateKey, PublicKey, Scheme, Signer},
    testkit::forge::key::{RSA_2048, must},
    wire::tuf1,
};

/// A key pair, how its public half is listed, and how it signs.
///
/// Each `with_` method gives a variant; the private key stays the same and is shared.
#[derive(Clone, Debug)]
pub struct TufForgeKey {
    private: Arc<PrivateKey>,
    scheme: Scheme,
    id: String,
    listed: Value,
    garbled: bool,
}

impl TufForgeKey {
    /// A new Ed25519 key.
    pub fn ed25519() -> Self {
        Self::from_private_key(must(PrivateKey::generate_ed25519()))
    }

    /// A new P-256 key, listed as PEM. It signs in DER.
    pub fn ecdsa() -> Self {
        Self::from_private_key(must(PrivateKey::generate_ecdsa()))
    }

    /// An RSA key of 2048 bits, listed as PEM: always the same one. It signs with PSS.
    pub fn rsa() -> Self {
        let block = PemBlock::read_all(RSA_2048).pop();
        let block = block.unwrap_or_else(|| PemBlock::new("", Vec::new().into()));
        Self::from_private_key(must(PrivateKey::from_pem(&block, None)))
    }

    /// A key pair of your own, in the scheme that TUF 1.0 has for it: PSS for RSA.
    pub fn from_private_key(private: PrivateKey) -> Self {
        let scheme = private.public_key().tuf_scheme().unwrap_or(Scheme::Ed25519);
        Self::in_scheme(Arc::new(private), scheme)
    }

    /// The same key, listed for another scheme, and signing in it. Its id is another one.
    #[must_use]
    pub fn with_scheme(&self, scheme: Scheme) -> Self {
        Self::in_scheme(Arc::clone(&self.private), scheme)
    }

    /// The same key, listed and signing under another id.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self.clone() }
    }

    /// The same key, listed as this object, whatever it says. The id stays.
    #[must_use]
    pub fn listed_as(&self, listed: Value) -> Self {
        Self { listed, ..self.clone() }
    }

    /// The same key; its signatures are over other bytes.
    #[must_use]
    pub fn garbled(&self) -> Self {
        Self { garbled: true, ..self.clone() }
    }

    /// The id that it is listed and signs under.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key object of metadata.
    pub const fn to_json(&self) -> &Value {
        &self.listed
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        self.private.public_key()
    }

    /// The private half.
    pub fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// A signature object over `message`.
    pub fn sign(&self, message: &[u8]) -> Value {
        let signed = if self.garbled { [message, b"garbled"].concat() } else { message.to_vec() };
        let signature = must(self.private.sign_with(self.scheme, &signed));
        json!({ "keyid": self.id, "sig": HEXLOWER.encode(&signature) })
    }

    fn in_scheme(private: Arc<PrivateKey>, scheme: Scheme) -> Self {
        let public = private.public_key();
        let (texts, id) = (must(public.to_tuf(scheme)), must(tuf1::key_id(public, scheme)));
        let listed = json!({
            "keytype": texts.keytype, "keyval": { "public": texts.public }, "scheme": texts.scheme,
        });
        Self { scheme, id: id.as_str().to_owned(), listed, garbled: false, private }
    }
}

/// Whether two signatures by them would say the same.
impl PartialEq for TufForgeKey {
    fn eq(&self, other: &Self) -> bool {
        let parts = |key: &Self| (key.id.clone(), key.listed.clone(), key.scheme, key.garbled);
        self.public() == other.public() && parts(self) == parts(other)
    }
}
