//! Where trust begins: `--root-key` and `--ca`.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tuf_notary::{
    crypto::{KeyKind, PrivateKey, PublicKey},
    testkit::{Forge, ForgeKey},
};

use crate::{common::static_server::StaticServer, lab::*};

#[test]
fn a_root_key_is_pinned_by_certificate_or_canonical_id() {
    let mut forge = Forge::new(GUN);
    let server = StaticServer::start(&forge.build());
    let key = forge.keys("root")[0].clone();
    assert_ne!(key.id(), key.canonical_id());
    let wrong = "ab".repeat(32);
    for id in [key.id(), key.canonical_id()] {
        User::new().verify(&server, &["--root-key", &id], "v1").verifies(1);
        User::new().verify(&server, &["--root-key", &wrong, "--root-key", &id], "v1").verifies(1);
    }
    let user = User::new();
    let outcome = user.verify(&server, &["--root-key", &wrong], "v1");
    outcome.fails(1, "PIN_MISMATCH");
    outcome.says(&wrong);
    outcome.says(&key.id());
    assert!(!user.metadata("root.json").exists(), "what does not match is not kept");

    // A root that is trusted already is held to the pin too, and so are its successors.
    user.verify(&server, &[], "v1").verifies(1);
    user.verify(&server, &["--root-key", &wrong], "v1").fails(1, "PIN_MISMATCH");
    user.verify(&server, &["--root-key", &key.id()], "v1").verifies(1);
    let next = ForgeKey::certificate(GUN);
    forge.rotate_root(std::slice::from_ref(&next), 1);
    forge.bump("snapshot");
    server.serve(&forge.build());
    user.verify(&server, &["--root-key", &key.id()], "v1").fails(1, "PIN_MISMATCH");
    User::new().verify(&server, &["--root-key", &next.id()], "v1").verifies(1);
    user.verify(&server, &[], "v1").verifies(1);
    user.verify(&server, &["--root-key", &next.id()], "v1").verifies(1);
}

/// A root key with a certificate of an authority, and the authority's certificate.
pub fn certified() -> (ForgeKey, String) {
    let params = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 12, 31));
        params
    };
    let mut authority = params("test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let pem = |der: &[u8]| {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("CERTIFICATE", der), config)
    };
    let root = pem(authority.self_signed(&authority_key).unwrap().der());
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = params(GUN).signed_by(&key, &issuer).unwrap();
    let public = PublicKey::new(KeyKind::EcdsaX509, pem(leaf.der()).into_bytes());
    let private = PrivateKey::from_pkcs8_der(key.serialized_der()).unwrap();
    (ForgeKey::from_private_key(private).with_public(public), root)
}

#[test]
fn a_root_is_pinned_by_its_authority() {
    let (key, authority) = certified();
    let (_, other) = certified();
    let mut forge = Forge::new(GUN);
    forge.set_keys("root", &[key], 1);
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    let (right, wrong) = (user.write("right.pem", &authority), user.write("wrong.pem", &other));
    user.verify(&server, &["--ca", &wrong], "v1").fails(1, "PIN_MISMATCH");
    user.verify(&server, &["--ca", &right], "v1").verifies(1);
    user.verify(&server, &["--ca", &wrong], "v1").fails(1, "PIN_MISMATCH");

    // A self-signed root chains to nobody.
    let server = StaticServer::start(&Forge::new(GUN).build());
    User::new().verify(&server, &["--ca", &right], "v1").fails(1, "PIN_MISMATCH");
}

#[test]
fn tp_09_a_pin_in_a_wrong_form_is_no_missing_pin() {
    let (server, id) = (StaticServer::start(&Forge::new(GUN).build()), "ab".repeat(32));
    let list = format!("{id},{id}");
    for wrong in
        ["", " ", "abc", "null", "[]", "*", &id[2..], &id.to_uppercase(), &list, &format!("sha256:{id}")]
    {
        let user = User::new();
        user.verify(&server, &["--root-key", wrong], "v1").fails(2, "USAGE");
        user.verify(&server, &["--ca", wrong], "v1").fails(2, "USAGE");
        assert!(!user.home().join(".docker").exists(), "{wrong}");
    }
    assert!(server.requests().is_empty());
}
