//! DK: one key that would count as several.

use data_encoding::BASE64;
use serde_json::Value;
use tuf_notary::{
    crypto::{KeyKind, PublicKey, Scheme},
    testkit::ForgeKey,
};

use crate::{
    lab::GUN,
    signing::{ROLES, Trial, key, lab},
    spki,
};

/// The verdict when every signature of the file is there twice.
fn verdict_twice(trial: &Trial) -> Result<(), &'static str> {
    let mut lab = lab();
    lab.forge.signatures(trial.role, |list| {
        let list = list.as_array_mut().unwrap();
        list.extend(list.clone());
    });
    trial.verdict(&mut lab)
}

/// The RSA key as the historic PEM text, with these line ends.
fn rsa_in_pem(line_end: &str) -> ForgeKey {
    let rsa = ForgeKey::rsa();
    let body = BASE64.encode(rsa.public().published());
    let text = ["-----BEGIN PUBLIC KEY-----", &body, "-----END PUBLIC KEY-----", ""].join(line_end);
    let public = PublicKey::new(KeyKind::Rsa, text.into_bytes());
    rsa.with_public(public).with_method("pycrypto-pkcs#1 pss")
}

#[test]
fn dk_02_a_repeated_signature_counts_once() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        assert_eq!(verdict_twice(&Trial::new(role, &[&a, &b], 1, &[&a])), Ok(()), "{role}");
        assert_eq!(verdict_twice(&Trial::new(role, &[&a, &b], 2, &[&a])), Err("THRESHOLD"), "{role}");
        assert_eq!(verdict_twice(&Trial::new(role, &[&a, &b], 2, &[&a, &b])), Ok(()), "{role}");
    }
}

#[test]
fn dk_03_two_different_signatures_by_one_key_count_once() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        Trial::new(role, &[&a, &b], 2, &[&a, &a, &a]).refused();
        Trial::new(role, &[&a, &b], 2, &[&a, &a, &b]).accepted();
    }
    let mut lab = lab();
    let a = ForgeKey::ecdsa();
    *lab.forge.keys("targets") = vec![a.clone(), a];
    let file: Value = serde_json::from_slice(&lab.forge.build().newest("targets")).unwrap();
    let signatures = &file["signatures"];
    assert_ne!(signatures[0]["sig"], signatures[1]["sig"], "the two are not the same signature");
}

#[test]
fn dk_04_a_repeated_signature_counts_once_for_a_delegation() {
    // Two levels deep too, where another role's file is the authority.
    let (a, b) = (ForgeKey::ecdsa(), ForgeKey::ecdsa());
    for parent in ["targets", "targets/a"] {
        let mut lab = lab();
        let role = format!("{parent}/b");
        lab.forge.delegate(parent, &role, &[a.clone(), b.clone()], 2, &[""]);
        *lab.forge.keys(&role) = vec![a.clone(), a.clone()];
        lab.forge.bump(parent);
        lab.serve();
        let view = lab.refresh().unwrap();
        assert_eq!(view.trusted().targets_of(&role.parse().unwrap()).map(|_| ()), None, "{role}");
        *lab.forge.keys(&role) = vec![a.clone(), b.clone()];
        lab.forge.bump(&role);
        lab.serve();
        let view = lab.refresh().unwrap();
        assert!(view.trusted().targets_of(&role.parse().unwrap()).is_some(), "{role}");
    }
}

#[test]
fn dk_05_one_key_under_two_ids_counts_once() {
    for role in ROLES {
        let a = key(role);
        let own = a.id();
        for other in ["0".repeat(64), own.to_uppercase(), format!("{own} "), own[..63].to_owned()] {
            let twin = a.with_id(&other);
            Trial::new(role, &[&a, &twin], 2, &[&a, &twin]).refused();
            // Under the wrong id alone, it doesn't count at all.
            Trial::new(role, &[&twin], 1, &[&twin]).refused();
        }
    }
}

#[test]
fn dk_06_one_key_in_two_encodings_counts_once() {
    for role in ["timestamp", "targets", "targets/a"] {
        let der = ForgeKey::rsa();
        let (lf, crlf) = (rsa_in_pem("\n"), rsa_in_pem("\r\n"));
        for twin in [&lf, &crlf, &der.certified(GUN)] {
            assert_ne!(twin.id(), der.id());
            Trial::new(role, &[twin], 1, &[twin]).accepted();
            Trial::new(role, &[&der, twin], 2, &[&der, twin]).refused();
        }
        Trial::new(role, &[&lf, &crlf], 2, &[&lf, &crlf]).refused();

        let plain = ForgeKey::ecdsa();
        let short = spki::compressed(plain.public().published());
        let short = plain.with_public(PublicKey::new(KeyKind::Ecdsa, short));
        assert_eq!(short.public().material(), plain.public().material());
        Trial::new(role, &[&plain, &short], 2, &[&plain, &short]).refused();
    }
}

#[test]
fn dk_07_one_rsa_key_in_two_schemes_counts_once() {
    for role in ROLES {
        let pss = if role == "root" { ForgeKey::rsa().certified(GUN) } else { ForgeKey::rsa() };
        let pkcs1 = pss.with_scheme(Scheme::RsaPkcs1v15);
        let other = key(role);
        Trial::new(role, &[&pss, &other], 1, &[&pkcs1]).accepted();
        Trial::new(role, &[&pss, &other], 2, &[&pss, &pkcs1]).refused();
    }
}

#[test]
fn dk_08_one_key_in_two_certificates_counts_once() {
    for role in ROLES {
        let plain = ForgeKey::ecdsa();
        let (first, second) = (plain.certified(GUN), plain.certified(GUN));
        assert_ne!(first.id(), second.id());
        Trial::new(role, &[&second], 1, &[&second]).accepted();
        Trial::new(role, &[&first, &second], 2, &[&first, &second]).refused();
        if role != "root" {
            Trial::new(role, &[&plain, &second], 2, &[&plain, &second]).refused();
        }
    }
}

#[test]
fn dk_12_two_delegations_of_one_name_are_refused() {
    for keys in [[ForgeKey::ecdsa()], [ForgeKey::ed25519()]] {
        let mut lab = lab();
        let mut healthy = lab.forge.clone();
        lab.forge.delegate("targets", "targets/a", &keys, 1, &["b"]);
        lab.forge.bump("targets");
        lab.serve();
        healthy.bump("targets");
        let healthy = healthy.build();
        lab.refused_and_kept("MALFORMED", &["targets", "targets/a"], &healthy);
    }
}
