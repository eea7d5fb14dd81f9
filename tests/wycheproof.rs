//! Project Wycheproof's published cases: what is valid verifies, what is invalid doesn't, and every
//! exception is named. Through the keys of TUF 1.0, and through Notary's where only it has the form.

use data_encoding::HEXLOWER;
use std::collections::BTreeMap;
use tuf_notary::crypto::{KeyKind, PublicKey, Scheme, TufKey};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

type Verify = Box<dyn Fn(&[u8], &[u8]) -> bool>;

/// What was seen of one set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    verified: usize,
    invalid: usize,
    /// Flags of cases that don't verify and are not invalid, with their number.
    refused: BTreeMap<String, usize>,
}

impl Seen {
    fn new(verified: usize, invalid: usize, refused: &[(&str, usize)]) -> Self {
        let refused = refused.iter().map(|(flags, count)| ((*flags).to_owned(), *count)).collect();
        Self { verified, invalid, refused }
    }

    fn case(&mut self, at: &str, result: TestResult, flags: String, verifies: bool) {
        match (result, verifies) {
            (TestResult::Invalid, true) => panic!("{at} is invalid and verifies"),
            (TestResult::Invalid, false) => self.invalid += 1,
            (_, true) => self.verified += 1,
            (_, false) => *self.refused.entry(flags).or_default() += 1,
        }
    }
}

/// Runs every case of a set against the forms of its group's key, which must all agree.
macro_rules! run {
    ($module:ident :: $name:ident, $forms:expr) => {{
        let set = $module::TestSet::load($module::TestName::$name).unwrap();
        let mut seen = Seen::default();
        for group in &set.test_groups {
            let forms: Vec<Verify> = $forms(group);
            for case in &group.tests {
                let at = format!("{} {}: {}", stringify!($name), case.tc_id, case.comment);
                let verifies: Vec<_> = forms.iter().map(|verify| verify(&case.msg, &case.sig)).collect();
                assert!(verifies.iter().all(|other| *other == verifies[0]), "{at}: {verifies:?}");
                let flags: Vec<_> = case.flags.iter().map(|flag| format!("{flag:?}")).collect();
                seen.case(&at, case.result, flags.join(" "), verifies[0]);
            }
        }
        seen
    }};
}

fn tuf(keytype: &str, scheme: &str, public: &str) -> Verify {
    let key = TufKey::new(keytype, scheme, public);
    Box::new(move |message, signature| key.verify(message, signature).is_ok())
}

fn notary(scheme: Scheme, der: &[u8]) -> Verify {
    let key = PublicKey::new(KeyKind::Ecdsa, der.to_vec());
    Box::new(move |message, signature| key.verify(scheme, message, signature).is_ok())
}

/// Every form in which repositories publish an EC key.
fn ec<'a>(scheme: &'a str) -> impl Fn(&ecdsa::TestGroup) -> Vec<Verify> + 'a {
    move |group| {
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        let public = [group.pem.clone(), hex(&group.der), hex(&group.key.key)];
        public.iter().flat_map(|public| [tuf("ecdsa", scheme, public), tuf(scheme, scheme, public)]).collect()
    }
}

fn pss(group: &rsa_pss_verify::TestGroup) -> Vec<Verify> {
    vec![tuf("rsa", "rsassa-pss-sha256", &group.pem)]
}

fn pkcs1(group: &rsa_pkcs1_verify::TestGroup) -> Vec<Verify> {
    vec![tuf("rsa", "rsa-pkcs1v15-sha256", &group.pem)]
}

#[test]
fn ecdsa_on_p256_over_sha_256() {
    let seen = run!(ecdsa::EcdsaSecp256r1Sha256, ec("ecdsa-sha2-nistp256"));
    assert_eq!(seen, Seen::new(174, 310, &[]));
}

#[test]
fn ecdsa_on_p384_over_sha_384() {
    let seen = run!(ecdsa::EcdsaSecp384r1Sha384, ec("ecdsa-sha2-nistp384"));
    assert_eq!(seen, Seen::new(194, 310, &[]));
}

#[test]
fn ecdsa_as_notary_has_it() {
    let p256 = |group: &ecdsa::TestGroup| vec![notary(Scheme::EcdsaP1363, &group.der)];
    assert_eq!(run!(ecdsa::EcdsaSecp256r1Sha256P1363, p256), Seen::new(173, 89, &[]));
    let p384 = |group: &ecdsa::TestGroup| vec![notary(Scheme::EcdsaDer, &group.der)];
    assert_eq!(run!(ecdsa::EcdsaSecp384r1Sha256, p384), Seen::new(162, 310, &[]));
}

#[test]
fn wk_10_ed25519_signatures_have_one_form() {
    let key = |group: &eddsa::TestGroup| vec![tuf("ed25519", "ed25519", &HEXLOWER.encode(&group.key.pk))];
    assert_eq!(run!(eddsa::Ed25519, key), Seen::new(88, 63, &[]));
}

#[test]
fn rsa_pss() {
    for seen in [
        run!(rsa_pss_verify::RsaPss2048Sha256Mgf1SaltLen32, pss),
        run!(rsa_pss_verify::RsaPss3072Sha256Mgf1SaltLen32, pss),
        run!(rsa_pss_verify::RsaPss4096Sha256Mgf1SaltLen32, pss),
    ] {
        assert_eq!(seen, Seen::new(63, 45, &[]));
    }
}

/// Sound signatures in schemes that TUF 1.0 does not name.
#[test]
fn wk_07_rsa_pss_with_another_salt_or_hash_is_refused() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha1Mgf1SaltLen20, RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss4096Sha512Mgf1SaltLen32,
    };
    for name in [
        RsaPss2048Sha1Mgf1SaltLen20,
        RsaPss2048Sha256Mgf1SaltLen0,
        RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss4096Sha512Mgf1SaltLen32,
    ] {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        let mut refused = 0;
        for group in &set.test_groups {
            let verify = &pss(group)[0];
            for case in group.tests.iter().filter(|case| case.result == TestResult::Valid) {
                assert!(!verify(&case.msg, &case.sig), "{name:?} {}: {}", case.tc_id, case.comment);
                refused += 1;
            }
        }
        assert!(refused > 20, "{name:?} {refused}");
    }
}

/// The case that is "acceptable" by the set, for older programs wrote it, lacks the NULL beside the
/// hash's name; RFC 8017 demands it.
#[test]
fn rsa_pkcs1_v1_5() {
    let missing_null = |verified, invalid| Seen::new(verified, invalid, &[("MissingNull", 1)]);
    assert_eq!(run!(rsa_pkcs1_verify::Rsa2048Sha256, pkcs1), missing_null(9, 249));
    assert_eq!(run!(rsa_pkcs1_verify::Rsa3072Sha256, pkcs1), missing_null(8, 250));
    assert_eq!(run!(rsa_pkcs1_verify::Rsa4096Sha256, pkcs1), missing_null(7, 250));
    assert_eq!(run!(rsa_pkcs1_verify::Rsa8192Sha256, pkcs1), missing_null(7, 250));
}
