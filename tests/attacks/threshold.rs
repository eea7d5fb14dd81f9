//! TH: too few signatures, and thresholds that are none.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tuf_notary::testkit::{Forge, ForgeKey};

use crate::{
    lab::{GUN, Lab},
    signing::{ROLES, Trial, key, lab},
};

/// A root v2 with this change is refused: root v1 stays, and so do the files under it.
fn root_is_refused(code: &str, change: impl Fn(&mut Forge)) {
    let mut lab = Lab::trusting();
    let mut healthy = lab.forge.clone();
    lab.forge.bump("root");
    change(&mut lab.forge);
    lab.serve();
    for _ in 0..2 {
        healthy.bump("snapshot");
    }
    lab.refused_and_kept(code, &["root", "snapshot", "targets"], &healthy.build());
}

/// The same root at first contact: nothing is kept.
fn first_root_is_refused(code: &str, change: impl Fn(&mut Forge)) {
    let mut lab = Lab::new();
    change(&mut lab.forge);
    lab.serve();
    lab.refused(code);
    assert_eq!(lab.server.requests(), ["GET root.json"]);
    assert_eq!(lab.kept("root"), None);
}

fn refused_root(code: &str, change: impl Fn(&mut Forge)) {
    root_is_refused(code, &change);
    first_root_is_refused(code, &change);
}

/// Sets a role's threshold in the text, so that it can be what no type admits.
fn with_threshold(before: &str, text: &str) -> impl Fn(String) -> String + use<> {
    let (old, new) = (format!("\"threshold\":{before}"), format!("\"threshold\":{text}"));
    move |signed| {
        assert!(signed.contains(&old), "{signed}");
        signed.replacen(&old, &new, 1)
    }
}

/// Neither numbers from 1 to 2^32-1 nor spelled as such.
const NO_THRESHOLDS: [&str; 12] = [
    "0",
    "-0",
    "-1",
    "1.5",
    "\"1\"",
    "null",
    "[1]",
    "1.0",
    "1e0",
    "4294967296",
    "4294967297",
    "18446744073709551615",
];

#[test]
fn th_01_two_signatures_of_three_are_refused() {
    for role in ROLES {
        let (a, b, c) = (key(role), key(role), key(role));
        Trial::new(role, &[&a, &b, &c], 3, &[&a, &b]).refused();
        Trial::new(role, &[&a, &b, &c], 3, &[&c, &b, &a]).accepted();
    }
}

#[test]
fn th_02_a_threshold_above_the_number_of_keys_is_never_met() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        Trial::new(role, &[&a, &b], 3, &[&a, &b]).refused();
    }
    // The root that says so for another role is trusted all the same.
    let mut lab = lab();
    let (a, b) = (key("snapshot"), key("snapshot"));
    let trial = Trial::new("snapshot", &[&a, &b], 3, &[&a, &b]);
    assert_eq!(trial.verdict(&mut lab), Err("THRESHOLD"));
    assert_eq!(lab.kept("root"), lab.server.file(&lab.gun(), "2.root.json"));
}

#[test]
fn th_03_a_threshold_that_is_no_positive_number_is_refused() {
    for text in NO_THRESHOLDS {
        refused_root("MALFORMED", |forge| forge.before_sign("root", with_threshold("1", text)));
    }
}

#[test]
fn th_03_a_missing_threshold_is_refused() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        refused_root("MALFORMED", |forge| {
            forge.doc("root")["roles"][role].as_object_mut().unwrap().remove("threshold");
        });
    }
}

#[test]
fn th_04_a_delegation_threshold_that_is_no_positive_number_is_refused() {
    let without = |signed: String| signed.replacen(",\"threshold\":1", "", 1);
    for text in NO_THRESHOLDS.map(Some).into_iter().chain([None]) {
        let mut lab = lab();
        let mut healthy = lab.forge.clone();
        lab.forge.bump("targets");
        match text {
            Some(text) => lab.forge.before_sign("targets", with_threshold("1", text)),
            None => lab.forge.before_sign("targets", without),
        }
        lab.serve();
        healthy.bump("targets");
        let healthy = healthy.build();
        lab.refused_and_kept("MALFORMED", &["targets", "targets/a"], &healthy);
    }
}

#[test]
fn th_05_a_threshold_in_another_spelling_or_out_of_range_is_refused() {
    for text in ["1e3", "1E0", "1.0", "01", "+1", "0x1", "1000000000000000000000", "9007199254740993"] {
        refused_root("MALFORMED", |forge| forge.before_sign("root", with_threshold("1", text)));
    }
    // The largest one is legal, cannot be met, and overflows nothing.
    for role in ROLES {
        let a = key(role);
        Trial::new(role, &[&a], u32::MAX, &[&a]).refused();
    }
}

#[test]
fn th_06_garbage_besides_enough_signatures_is_accepted() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        Trial::new(role, &[&a, &b], 1, &[&b.garbled(), &a]).accepted();
        Trial::new(role, &[&a, &b], 2, &[&b.garbled(), &a]).refused();
    }
    for sig in ["", "AA==", "\r\n"] {
        let mut lab = Lab::new();
        let b = ForgeKey::ecdsa();
        let mut listed = lab.forge.keys("targets").clone();
        listed.push(b.clone());
        lab.forge.list_keys("targets", &listed, 1);
        lab.forge.signatures("targets", move |list| {
            let empty = json!({ "keyid": b.id(), "method": "ecdsa", "sig": sig });
            list.as_array_mut().unwrap().insert(0, empty);
        });
        lab.serve();
        lab.refresh().unwrap();
    }
}

#[test]
fn th_07_unknown_keys_and_schemes_besides_enough_signatures_are_ignored() {
    for role in ROLES {
        let (a, b, stranger) = (key(role), key(role), key(role));
        let odd = b.with_method("dilithium");
        let nameless = stranger.with_id("no id");
        Trial::new(role, &[&a, &b], 1, &[&stranger, &odd, &nameless, &a]).accepted();
        Trial::new(role, &[&a, &b], 2, &[&stranger, &odd, &nameless, &a]).refused();
    }
}

#[test]
fn th_08_a_file_without_signatures_is_refused() {
    for role in ROLES {
        let a = key(role);
        if role != "root" {
            Trial::new(role, &[&a], 1, &[]).refused();
        }
    }
    // Even the first root has to be signed by itself.
    first_root_is_refused("THRESHOLD", |forge| forge.keys("root").clear());
    for list in [json!(null), json!({}), json!("none")] {
        first_root_is_refused("MALFORMED", |forge| {
            let list = list.clone();
            forge.signatures("root", move |signatures| *signatures = list.clone());
        });
    }
    first_root_is_refused("MALFORMED", |forge| {
        forge.after_sign("root", |file| {
            let mut file: Value = serde_json::from_slice(&file).unwrap();
            file.as_object_mut().unwrap().remove("signatures");
            file.to_string().into_bytes()
        });
    });
}

#[test]
fn th_09_a_signature_under_the_id_of_another_key_does_not_count() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        Trial::new(role, &[&a, &b], 2, &[&a, &a.with_id(&b.id())]).refused();
        Trial::new(role, &[&a, &b], 1, &[&a.with_id(&b.id())]).refused();
    }
}

#[test]
fn th_11_a_root_without_a_role_or_without_its_keys_is_refused() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        for none in [json!([]), json!(null)] {
            refused_root("MALFORMED", |forge| forge.doc("root")["roles"][role]["keyids"] = none.clone());
        }
        refused_root("MALFORMED", |forge| {
            forge.doc("root")["roles"][role].as_object_mut().unwrap().remove("keyids");
        });
        refused_root("MALFORMED", |forge| {
            forge.doc("root")["roles"].as_object_mut().unwrap().remove(role);
        });
    }
}

#[test]
fn th_12_a_root_that_lists_a_key_it_does_not_hold_is_refused() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        refused_root("MALFORMED", |forge| {
            let ids = &mut forge.doc("root")["roles"][role]["keyids"];
            ids.as_array_mut().unwrap().push("0".repeat(64).into());
        });
    }
}

#[test]
fn th_12_a_targets_file_that_lists_a_key_it_does_not_hold_is_refused() {
    let mut lab = lab();
    let mut healthy = lab.forge.clone();
    lab.forge.bump("targets");
    lab.forge.doc("targets")["delegations"]["keys"] = json!({});
    lab.serve();
    healthy.bump("targets");
    let healthy = healthy.build();
    lab.refused_and_kept("MALFORMED", &["targets"], &healthy);
}

/// How one private key is listed, or how it signs.
#[derive(Clone, Copy, Debug)]
enum Guise {
    Plain,
    /// In one of two certificates.
    Certified(bool),
    /// Under an id that is not its own.
    Misfiled,
    /// Over other bytes.
    Garbled,
    /// In a scheme of other keys.
    OtherMethod,
}

impl Guise {
    fn lists(self) -> bool {
        matches!(self, Self::Plain | Self::Certified(_))
    }
}

/// Private keys, each in all its guises: a guise that is chosen twice must be the same key.
struct Pool(Vec<[ForgeKey; 3]>);

static POOL: LazyLock<Pool> = LazyLock::new(Pool::new);

impl Pool {
    fn new() -> Self {
        let one = |_| {
            let plain = ForgeKey::ecdsa();
            [plain.certified(GUN), plain.certified(GUN), plain]
        };
        Self((0..4).map(one).collect())
    }

    fn key(&self, role: &str, at: usize, guise: Guise) -> ForgeKey {
        let [first, second, plain] = &self.0[at];
        let usual = if role == "root" { first } else { plain };
        match guise {
            Guise::Plain => usual.clone(),
            Guise::Certified(false) => first.clone(),
            Guise::Certified(true) => second.clone(),
            Guise::Misfiled => usual.with_id(&format!("{at:064x}")),
            Guise::Garbled => usual.garbled(),
            Guise::OtherMethod => usual.with_method("rsapss"),
        }
    }
}

fn guises() -> impl Strategy<Value = Vec<(usize, Guise)>> {
    let guise = prop_oneof![
        4 => Just(Guise::Plain),
        4 => any::<bool>().prop_map(Guise::Certified),
        1 => Just(Guise::Misfiled),
        1 => Just(Guise::Garbled),
        1 => Just(Guise::OtherMethod),
    ];
    prop::collection::vec((0..4_usize, guise), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// Accepted when, and only when, enough distinct private keys have signed under an id that
    /// is listed and theirs, however many ids, certificates and repetitions there are.
    #[test]
    fn distinct_keys_are_counted_by_every_verifier(
        role in prop::sample::select(ROLES.to_vec()),
        listed in guises(),
        signing in guises(),
        threshold in 1_u32..5,
    ) {
        let pool = &*POOL;
        let listing: Vec<_> = listed.iter().map(|(at, guise)| match guise {
            Guise::Garbled | Guise::OtherMethod => (*at, Guise::Plain),
            _ => (*at, *guise),
        }).collect();
        let trial = Trial {
            role,
            threshold,
            listed: listing.iter().map(|(at, guise)| pool.key(role, *at, *guise)).collect(),
            signers: signing.iter().map(|(at, guise)| pool.key(role, *at, *guise)).collect(),
        };
        let ids: Vec<_> =
            trial.listed.iter().zip(&listing).filter(|(_, (_, guise))| guise.lists()).map(|(key, _)| key.id()).collect();
        let mut counted: Vec<_> = signing.iter().zip(&trial.signers)
            .filter(|((_, guise), key)| guise.lists() && ids.contains(&key.id()))
            .map(|((at, _), _)| *at)
            .collect();
        counted.sort_unstable();
        counted.dedup();
        let enough = counted.len() >= usize::try_from(threshold).unwrap();
        let expected = if enough { Ok(()) } else { Err("THRESHOLD") };
        prop_assert_eq!(trial.verdict(&mut lab()), expected);
    }
}
