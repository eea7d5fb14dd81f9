//! PX5: certificates and key files that a parser or a path builder might take wrongly.

use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints, SanType,
    string::{BmpString, TeletexString},
};
use tuf_notary::{
    crypto::{
        Certificate, CertificateBundle, CertificateError, CryptoError, KeyKind, PemBlock, PrivateKey,
        PublicKey, Scheme,
    },
    testkit::{Forge, ForgeKey},
    verify::Trust,
};

use crate::{
    lab::{GUN, Lab},
    spki,
};

const DAY: Duration = Duration::from_secs(86_400);
const TWO_NAMES: &[u8] = include_bytes!("../../src/crypto/testdata/two_names.pem");
const SHA1: &[u8] = include_bytes!("../../src/crypto/testdata/sha1.pem");
const RSA_1024: &[u8] = include_bytes!("../../src/crypto/testdata/rsa1024.pem");
/// The collection of those files.
const TESTDATA_GUN: &str = "example.com/app";

/// A CA, and its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

/// A leaf's key, and its certificate.
struct Leaf {
    key: KeyPair,
    der: Vec<u8>,
}

fn parameters(name: &str, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (Forge::now() - DAY * 10).into();
    params.not_after = (Forge::now() - DAY * 10 + DAY * days).into();
    params
}

fn authority(name: &str, above: Option<&Authority>, change: impl Fn(&mut CertificateParams)) -> Authority {
    let (key, mut params) = (KeyPair::generate().unwrap(), parameters(name, 100));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let made = match above {
        None => params.self_signed(&key),
        Some(above) => params.signed_by(&key, &above.issuer),
    };
    let der = made.unwrap().der().to_vec();
    Authority { issuer: Issuer::new(params, key), der }
}

fn leaf(above: Option<&Authority>, change: impl Fn(&mut CertificateParams)) -> Leaf {
    let (key, mut params) = (KeyPair::generate().unwrap(), parameters(GUN, 100));
    change(&mut params);
    let made = match above {
        None => params.self_signed(&key),
        Some(above) => params.signed_by(&key, &above.issuer),
    };
    Leaf { der: made.unwrap().der().to_vec(), key }
}

fn pem(label: &str, contents: &[u8]) -> Vec<u8> {
    PemBlock::new(label, contents.to_vec().into()).to_text().unwrap().to_vec()
}

fn bundle(certificates: &[&[u8]]) -> Vec<u8> {
    certificates.iter().flat_map(|der| pem("CERTIFICATE", der)).collect()
}

/// A collection whose root key is published as this text.
fn lab(key: &KeyPair, text: Vec<u8>, pin: Option<&Authority>) -> Lab {
    let private = PrivateKey::from_pkcs8_der(&key.serialize_der()).unwrap();
    let key = ForgeKey::from_private_key(private).with_public(PublicKey::new(KeyKind::EcdsaX509, text));
    let mut lab = Lab::new();
    lab.forge.set_keys("root", &[key], 1);
    lab.serve();
    if let Some(pin) = pin {
        lab.trust = Trust::Authority(vec![Certificate::from_der(&pin.der).unwrap()]);
    }
    lab
}

/// A leaf and what stands after it, under a pin.
fn pinned(leaf: &Leaf, after: &[&[u8]], pin: &Authority) -> Lab {
    lab(&leaf.key, bundle(&[&[leaf.der.as_slice()], after].concat()), Some(pin))
}

#[track_caller]
fn refused(lab: &Lab, codes: &[&str]) {
    let error = lab.refresh().map(|view| format!("{view:?}")).expect_err("it was trusted");
    assert!(codes.contains(&error.code()), "{} {error}", error.code());
    assert_eq!(lab.kept("root"), None);
}

#[test]
fn px5_01_a_bundle_with_another_block_in_the_middle_is_no_bundle() {
    let ca = authority("ca", None, |_| ());
    let leaf = leaf(Some(&ca), |_| ());
    lab(&leaf.key, bundle(&[&leaf.der, &ca.der]), None).refresh().unwrap();
    for label in ["PUBLIC KEY", "PRIVATE KEY", "X509 CRL"] {
        let text = [bundle(&[&leaf.der]), pem(label, &[0x30, 0]), bundle(&[&ca.der])].concat();
        refused(&lab(&leaf.key, text, None), &["CERTIFICATE"]);
    }
}

#[test]
fn px5_02_a_bundle_has_one_leaf_and_it_is_the_first() {
    let ca = authority(GUN, None, |_| ());
    let (one, two) = (leaf(Some(&ca), |_| ()), leaf(Some(&ca), |_| ()));
    for certificates in [&[&one.der, &two.der][..], &[&one.der, &one.der], &[&ca.der, &one.der], &[&ca.der]] {
        let certificates: Vec<_> = certificates.iter().map(|der| der.as_slice()).collect();
        refused(&lab(&one.key, bundle(&certificates), None), &["CERTIFICATE"]);
    }
    refused(&lab(&one.key, Vec::new(), None), &["CERTIFICATE"]);
}

#[test]
fn px5_03_weak_and_impossible_certificates_are_refused() {
    let judge = |text: &[u8]| {
        let bundle = CertificateBundle::parse(text).unwrap();
        let within = bundle.leaf().not_before() + Duration::from_secs(60);
        bundle.valid_for(TESTDATA_GUN, within, false).unwrap_err()
    };
    assert!(matches!(judge(SHA1), CertificateError::WeakSignature { .. }));
    assert!(matches!(judge(RSA_1024), CertificateError::KeyTooSmall { .. }));
    let inverted = leaf(None, |params| std::mem::swap(&mut params.not_before, &mut params.not_after));
    refused(&lab(&inverted.key, bundle(&[&inverted.der]), None), &["CERTIFICATE", "EXPIRED"]);
}

#[test]
fn px5_04_an_expired_leaf_vouches_for_its_successor_and_not_for_itself() {
    let old = leaf(None, |params| params.not_after = (Forge::now() + DAY * 3).into());
    let mut lab = lab(&old.key, bundle(&[&old.der]), None);
    lab.refresh().unwrap();
    lab.now = Forge::now() + DAY * 4;
    lab.forge.rotate_root(&[ForgeKey::certificate_with(lab.now - DAY, lab.now + DAY, GUN)], 1);
    lab.serve();
    lab.refresh().expect("the certificate of the root before has expired, and rotates");
    lab.forge.rotate_root(&[ForgeKey::certificate_with(lab.now - DAY * 2, lab.now - DAY, GUN)], 1);
    lab.serve();
    lab.refused("EXPIRED");
}

#[test]
fn px5_05_an_expired_intermediate_leads_nowhere_and_does_no_harm() {
    let ca = authority("ca", None, |_| ());
    let expire = |params: &mut CertificateParams| params.not_after = (Forge::now() - DAY).into();
    let (good, expired) = (authority("one", Some(&ca), |_| ()), authority("two", Some(&ca), expire));
    let below = leaf(Some(&good), |_| ());
    pinned(&below, &[&expired.der, &good.der], &ca).refresh().unwrap();
    let below = leaf(Some(&expired), |_| ());
    refused(&pinned(&below, &[&expired.der, &good.der], &ca), &["PIN_MISMATCH"]);
}

#[test]
fn px5_06_a_common_name_is_one_and_plain() {
    let named = |value: Option<DnValue>| {
        leaf(None, |params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.subject_alt_names = vec![SanType::DnsName("registry.example.com".try_into().unwrap())];
            if let Some(value) = &value {
                params.distinguished_name.push(DnType::CommonName, value.clone());
            }
        })
    };
    let good = named(Some(DnValue::Utf8String(GUN.to_owned())));
    lab(&good.key, bundle(&[&good.der]), None).refresh().unwrap();
    for bad in [
        None,
        Some(DnValue::Utf8String(format!("{GUN}\0"))),
        Some(DnValue::Utf8String(format!("{GUN}\0.evil.example"))),
        Some(DnValue::Utf8String(String::new())),
        Some(DnValue::BmpString(BmpString::try_from(GUN).unwrap())),
        Some(DnValue::TeletexString(TeletexString::try_from(GUN).unwrap())),
    ] {
        let leaf = named(bad.clone());
        let error = lab(&leaf.key, bundle(&[&leaf.der]), None).refused("CERTIFICATE");
        assert!(error.to_string().contains(GUN), "{bad:?}: {error}");
    }
    let two = CertificateBundle::parse(TWO_NAMES).unwrap();
    let judged = two.valid_for(TESTDATA_GUN, two.leaf().not_before() + DAY, true);
    assert!(matches!(judged, Err(CertificateError::NoCommonName { .. })), "{judged:?}");
}

#[test]
fn px5_07_der_is_strict_and_bounded() {
    let leaf = leaf(None, |_| ());
    let [0x30, 0x82, high, low, content @ ..] = leaf.der.as_slice() else { panic!("{:?}", &leaf.der[..4]) };
    let long = [&[0x30, 0x83, 0, *high, *low], content].concat();
    let indefinite = [&[0x30, 0x80], content, &[0, 0]].concat();
    let trailing = [leaf.der.as_slice(), &[0]].concat();
    let nested = [[0x30, 0x80].repeat(100_000), vec![0; 200_000]].concat();
    let at = leaf.der.windows(4).position(|w| w[..3] == [2, 1, 2] || w[0] == 2 && w[1] > 8).unwrap();
    let mut negative = leaf.der.clone();
    negative[at + 2] |= 0x80;
    for bad in [long, indefinite, trailing, nested, vec![], leaf.der[..leaf.der.len() - 1].to_vec()] {
        let begin = Instant::now();
        assert!(Certificate::from_der(&bad).is_err(), "{:?}", &bad[..bad.len().min(8)]);
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(lab(&leaf.key, bundle(&[&bad]), None).refresh().is_err());
    }
    // A negative serial number is an error, or at least not a way in: its signature is broken too.
    if let Ok(read) = Certificate::from_der(&negative) {
        assert_eq!(read.common_name(), Some(GUN));
    }
}

#[test]
fn px5_07_a_huge_extension_costs_no_more_than_its_size() {
    let huge = leaf(None, |params| {
        let extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1, u64::MAX], vec![0x5a; 1 << 20]);
        params.custom_extensions = vec![extension];
    });
    let begin = Instant::now();
    // Read or refused; what a root may have is a matter of its own limit.
    drop(Certificate::from_der(&huge.der));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn px5_09_many_intermediates_cost_a_bounded_effort() {
    let ca = authority("ca", None, |_| ());
    let stranger = authority("ca", None, |_| ());
    // All have one name, so that each could have issued each.
    let many: Vec<_> = (0..100).map(|_| authority("ca", Some(&stranger), |_| ())).collect();
    let below = leaf(many.last(), |_| ());
    let after: Vec<_> = many.iter().map(|authority| authority.der.as_slice()).collect();
    let begin = Instant::now();
    refused(&pinned(&below, &after, &ca), &["PIN_MISMATCH", "LIMIT"]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn px5_10_name_constraints_hold_for_wildcards_too() {
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let constrained = |permitted: &[&str], excluded: &[&str]| {
        authority("ca", None, |params| {
            let subtrees = |names: &[&str]| names.iter().map(|name| dns(name)).collect();
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: subtrees(permitted),
                excluded_subtrees: subtrees(excluded),
            });
        })
    };
    let named = |ca: &Authority, name: &str| {
        leaf(Some(ca), |params| params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())])
    };
    let only = constrained(&["good.example"], &[]);
    pinned(&named(&only, "registry.good.example"), &[], &only).refresh().unwrap();
    for bad in ["bad.example", "*.bad.example", "*.example", "good.example.bad.example"] {
        refused(&pinned(&named(&only, bad), &[], &only), &["PIN_MISMATCH"]);
    }
    let but = constrained(&[], &["bad.example"]);
    pinned(&named(&but, "registry.good.example"), &[], &but).refresh().unwrap();
    for bad in ["bad.example", "*.bad.example", "registry.bad.example"] {
        refused(&pinned(&named(&but, bad), &[], &but), &["PIN_MISMATCH"]);
    }
}

#[test]
fn px5_11_usages_and_critical_extensions_of_a_leaf_count() {
    use ExtendedKeyUsagePurpose::{Any, CodeSigning, EmailProtection, ServerAuth, TimeStamping};
    let ca = authority("ca", None, |_| ());
    let with = |usages: &[ExtendedKeyUsagePurpose]| {
        leaf(Some(&ca), |params| params.extended_key_usages = usages.to_vec())
    };
    for good in [&[][..], &[CodeSigning], &[ServerAuth], &[Any], &[EmailProtection, CodeSigning]] {
        pinned(&with(good), &[], &ca).refresh().unwrap_or_else(|error| panic!("{good:?}: {error}"));
    }
    for bad in [&[EmailProtection][..], &[TimeStamping]] {
        refused(&pinned(&with(bad), &[], &ca), &["PIN_MISMATCH"]);
    }
    let unknown = |critical: bool| {
        leaf(Some(&ca), |params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions = vec![extension];
        })
    };
    pinned(&unknown(false), &[], &ca).refresh().unwrap();
    refused(&pinned(&unknown(true), &[], &ca), &["PIN_MISMATCH"]);
}

#[test]
fn px5_12_a_point_lies_on_a_named_curve() {
    let genuine = PrivateKey::generate_ecdsa().unwrap();
    let published = genuine.public_key().published();
    let point = &published[published.len() - 65..];
    let unusable = |der: Vec<u8>| PublicKey::new(KeyKind::Ecdsa, der).material().unwrap_err().to_string();
    assert_eq!(spki::ec(spki::P256, point), published);
    let explicit = unusable(spki::ec(&[0x30, 3, 2, 1, 1], point));
    assert!(explicit.contains("by name"), "{explicit}");
    assert!(unusable(spki::ec(spki::P256, &[0])).contains("infinity"));
    let mut off = point.to_vec();
    off[64] ^= 1;
    let key = PublicKey::new(KeyKind::Ecdsa, spki::ec(spki::P256, &off));
    let signature = tuf_notary::crypto::Signer::sign(&genuine, b"message").unwrap();
    assert_eq!(
        key.verify(Scheme::EcdsaP1363, b"message", &signature),
        Err(CryptoError::InvalidSignature),
        "it may be listed, and verifies nothing"
    );
    for text in
        [pem("PUBLIC KEY", &spki::ec(spki::P256, &[0])), pem("PUBLIC KEY", &spki::ec(spki::P521, &off))]
    {
        assert!(PublicKey::from_pem(&text).is_err());
    }
}

#[test]
fn px5_13_rsa_numbers_are_those_of_a_key() {
    let odd = [vec![0], vec![0xff; 256]].concat();
    let even = [vec![0], vec![0xff; 255], vec![0xfe]].concat();
    let unusable = |modulus: &[u8], exponent: &[u8]| {
        PublicKey::new(KeyKind::Rsa, spki::rsa_of(modulus, exponent)).material().is_err()
    };
    assert!(!unusable(&odd, &[1, 0, 1]));
    assert!(unusable(&even, &[1, 0, 1]));
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[0x7f; 9]] {
        assert!(unusable(&odd, exponent), "{exponent:?}");
    }
    // A private key whose numbers don't belong together: modulus, a prime, the coefficient.
    let text = include_bytes!("../../src/crypto/testdata/rsa2048.pkcs1.pem");
    let block = PemBlock::read_all(text).remove(0);
    assert!(PrivateKey::from_pem(&block, None).is_ok());
    for at in [20, 700, block.contents.len() - 10] {
        let mut altered = block.clone();
        altered.contents[at] ^= 4;
        let error = PrivateKey::from_pem(&altered, None).unwrap_err();
        assert!(
            matches!(error, CryptoError::InconsistentKey { .. } | CryptoError::Malformed { .. }),
            "{error}"
        );
    }
}
