//! The two objects of a key in a token: the private half, which no attribute gives away, and the
//! public half, which says what key it is. They belong together by their `CKA_ID`.

use super::token::{failed, refused};
use crate::{
    crypto::{self, Curve, KeyKind, PrivateKey, PublicKey},
    keys::{KeyError, KeyInfo, KeyRole},
    name::Gun,
    wire::notary::canonical_id,
};
use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use zeroize::Zeroize as _;

/// Object identifier 1.2.840.10045.3.1.7 in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Object identifier 1.3.132.0.34 in DER.
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// Object identifier 1.3.101.112 in DER.
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// The name that PKCS#11 3.0 has for the same curve.
const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";
const OCTET_STRING: u8 = 0x04;

/// What a token's keys may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// A public key object, and the key in it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) info: KeyInfo,
    pub(super) public: PublicKey,
    pub(super) algorithm: Algorithm,
    handle: ObjectHandle,
    cka_id: Vec<u8>,
}

impl Algorithm {
    /// What this store makes and takes in.
    pub(super) fn of(kind: &KeyKind) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ecdsa => Ok(Self::P256),
            KeyKind::Ed25519 => Ok(Self::Ed25519),
            other => Err(KeyError::UnsupportedKind { kind: other.to_string() }),
        }
    }

    fn key_type(self) -> KeyType {
        match self {
            Self::P256 | Self::P384 => KeyType::EC,
            Self::Ed25519 => KeyType::EC_EDWARDS,
            Self::Rsa => KeyType::RSA,
        }
    }

    /// The curve; nothing for RSA, which has none.
    fn parameters(self) -> Vec<u8> {
        match self {
            Self::P256 => P256.to_vec(),
            Self::P384 => P384.to_vec(),
            Self::Ed25519 => ED25519.to_vec(),
            Self::Rsa => Vec::new(),
        }
    }

    fn from_parameters(parameters: &[u8]) -> Option<Self> {
        match parameters {
            P256 => Some(Self::P256),
            P384 => Some(Self::P384),
            ED25519 | ED25519_NAME => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The key of a `CKA_EC_POINT`, which is an OCTET STRING, and in older tokens only what is in it.
    fn public_key(self, point: &[u8]) -> Option<PublicKey> {
        let point = match point {
            [OCTET_STRING, length, inner @ ..] if usize::from(*length) == inner.len() => inner,
            bare => bare,
        };
        match (self, point.len()) {
            (Self::P256, 65) => Some(PublicKey::from_ec_point(Curve::P256, point)),
            (Self::P384, 97) => Some(PublicKey::from_ec_point(Curve::P384, point)),
            (Self::Ed25519, 32) => Some(PublicKey::new(KeyKind::Ed25519, point.to_vec())),
            _ => None,
        }
    }
}

/// The text of `CKA_LABEL`: the role, and after a blank the collection where the role keeps one.
pub(super) fn label(role: &KeyRole, gun: Option<&Gun>) -> Result<String, KeyError> {
    let gun = gun.filter(|_| role.keeps_gun());
    let text = gun.map_or_else(|| role.to_string(), |gun| format!("{role} {gun}"));
    if read_label(&text) == (role.clone(), gun.cloned()) {
        return Ok(text);
    }
    Err(refused("label the key", "a label that begins like one of a role with a collection"))
}

fn read_label(text: &str) -> (KeyRole, Option<Gun>) {
    let with_gun = || {
        let (role, gun) = text.split_once(' ')?;
        let role = KeyRole::new(role).ok().filter(KeyRole::keeps_gun)?;
        Some((role, Some(Gun::new(gun).ok()?)))
    };
    // Labels of other tools may have any character.
    let alone = || (KeyRole::new(text.trim()).unwrap_or_else(|_| KeyRole::delegation()), None);
    with_gun().unwrap_or_else(alone)
}

/// The keys whose public half can be seen.
pub(super) fn all(session: &Session) -> Result<Vec<Stored>, KeyError> {
    let handles = session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY)]);
    let handles = handles.map_err(|e| failed("list keys", e))?;
    Ok(handles.into_iter().filter_map(|handle| read(session, handle)).collect())
}

fn read(session: &Session, handle: ObjectHandle) -> Option<Stored> {
    let (mut cka_id, mut text) = (Vec::new(), Vec::new());
    let wanted = [AttributeType::Id, AttributeType::Label];
    for attribute in session.get_attributes(handle, &wanted).ok()? {
        match attribute {
            Attribute::Id(value) => cka_id = value,
            Attribute::Label(value) => text = value,
            _ => {}
        }
    }
    let (algorithm, public) = read_ec(session, handle).or_else(|| read_rsa(session, handle))?;
    public.material().ok()?;
    let (role, gun) = read_label(&String::from_utf8_lossy(&text));
    let info = KeyInfo::new(canonical_id(&public), &role, gun.as_ref());
    Some(Stored { info, public, algorithm, handle, cka_id })
}

fn read_ec(session: &Session, handle: ObjectHandle) -> Option<(Algorithm, PublicKey)> {
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let (mut algorithm, mut point) = (None, Vec::new());
    for attribute in session.get_attributes(handle, &wanted).ok()? {
        match attribute {
            Attribute::EcParams(value) => algorithm = Algorithm::from_parameters(&value),
            Attribute::EcPoint(value) => point = value,
            _ => {}
        }
    }
    Some((algorithm?, algorithm?.public_key(&point)?))
}

fn read_rsa(session: &Session, handle: ObjectHandle) -> Option<(Algorithm, PublicKey)> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let (mut modulus, mut exponent) = (None, None);
    for attribute in session.get_attributes(handle, &wanted).ok()? {
        match attribute {
            Attribute::Modulus(value) => modulus = Some(value),
            Attribute::PublicExponent(value) => exponent = Some(value),
            _ => {}
        }
    }
    Some((Algorithm::Rsa, PublicKey::from_rsa_numbers(&modulus?, &exponent?)))
}

/// The private half of a key.
pub(super) fn private(session: &Session, key: &Stored) -> Result<ObjectHandle, KeyError> {
    let found = private_halves(session, key)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let reason = "the token has its public half only".to_owned();
            Err(KeyError::Damaged { id: key.info.id.clone(), reason })
        }
        _ => {
            let reason = "several private keys have its CKA_ID".to_owned();
            Err(KeyError::Damaged { id: key.info.id.clone(), reason })
        }
    }
}

fn private_halves(session: &Session, key: &Stored) -> Result<Vec<ObjectHandle>, KeyError> {
    let wanted = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(key.algorithm.key_type()),
        Attribute::Id(key.cka_id.clone()),
    ];
    session.find_objects(&wanted).map_err(|e| failed("find the private key", e))
}

pub(super) fn generate(session: &Session, algorithm: Algorithm, label: &str) -> Result<Stored, KeyError> {
    let common = common(label)?;
    let mut public = public_template(&common);
    public.push(Attribute::EcParams(algorithm.parameters()));
    let private = private_template(&common);
    let mechanism = match algorithm {
        Algorithm::P256 | Algorithm::P384 => Mechanism::EccKeyPairGen,
        Algorithm::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
        Algorithm::Rsa => return Err(KeyError::UnsupportedKind { kind: KeyKind::Rsa.to_string() }),
    };
    let pair = session.generate_key_pair(&mechanism, &public, &private);
    let (public, private) = pair.map_err(|e| failed("make a key", e))?;
    read(session, public).ok_or_else(|| {
        // Nobody could find this key again.
        let _ = (session.destroy_object(private), session.destroy_object(public));
        refused("make a key", "the token made one that can't be read back")
    })
}

pub(super) fn import(session: &Session, key: &PrivateKey, label: &str) -> Result<(), KeyError> {
    let public_key = key.public_key();
    let algorithm = Algorithm::of(public_key.kind())?;
    let unsupported =
        || KeyError::UnsupportedKind { kind: format!("{} of another curve", public_key.kind()) };
    let (secret, point) = key.token_parts().ok_or_else(unsupported)?;
    let common = common(label)?;
    let kind = [Attribute::KeyType(algorithm.key_type()), Attribute::EcParams(algorithm.parameters())];
    let mut private = private_template(&common);
    private.extend_from_slice(&kind);
    private.push(Attribute::Class(ObjectClass::PRIVATE_KEY));
    private.push(Attribute::Value(secret.to_vec()));
    let created = session.create_object(&private);
    wipe(&mut private);
    let private = created.map_err(|e| failed("store the private key", e))?;
    let mut public = public_template(&common);
    public.extend_from_slice(&kind);
    public.push(Attribute::Class(ObjectClass::PUBLIC_KEY));
    public.push(Attribute::EcPoint(octet_string(point)));
    session.create_object(&public).map(drop).map_err(|error| {
        // Without its public half nobody could find it.
        let _ = session.destroy_object(private);
        failed("store the public key", error)
    })
}

/// The private half first: what an interruption leaves behind can sign nothing.
pub(super) fn remove(session: &Session, key: &Stored) -> Result<(), KeyError> {
    let found = private_halves(session, key)?;
    if found.len() > 1 {
        private(session, key)?;
    }
    for handle in found.into_iter().chain([key.handle]) {
        session.destroy_object(handle).map_err(|e| failed("remove the key", e))?;
    }
    Ok(())
}

/// What ties the two halves together, and names them.
fn common(label: &str) -> Result<[Attribute; 3], KeyError> {
    let mut cka_id = vec![0; 20];
    crypto::random(&mut cka_id)?;
    Ok([Attribute::Id(cka_id), Attribute::Label(label.as_bytes().to_vec()), Attribute::Token(true)])
}

fn public_template(common: &[Attribute]) -> Vec<Attribute> {
    [common, &[Attribute::Private(false), Attribute::Verify(true)]].concat()
}

fn private_template(common: &[Attribute]) -> Vec<Attribute> {
    let closed = [
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ];
    [common, &closed].concat()
}

fn octet_string(bytes: &[u8]) -> Vec<u8> {
    // Points are shorter than 128 bytes.
    let length = u8::try_from(bytes.len()).unwrap_or_default();
    [&[OCTET_STRING, length], bytes].concat()
}

fn wipe(template: &mut [Attribute]) {
    for attribute in template {
        if let Attribute::Value(value) = attribute {
            value.zeroize();
        }
    }
}
