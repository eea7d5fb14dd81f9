//! TH: too few signatures, and thresholds that are none.

use serde_json::{Value, json};

use crate::{
    lab::{FOUR, Kept, Lab, keys},
    signing::{ROLES, Trial, load, with_team},
};

#[test]
fn th_01_two_signatures_of_three_are_refused() {
    for role in ROLES {
        let [a, b, c] = &keys();
        Trial::new(role, &[a, b, c], 3, &[a, b, c]).accepted();
        Trial::new(role, &[a, b, c], 3, &[a, b]).refused("THRESHOLD");
        Trial::new(role, &[a, b, c], 3, &[a, b, &c.garbled()]).refused("THRESHOLD");
    }
}

#[test]
fn th_01_a_root_needs_the_threshold_of_the_one_before() {
    let mut lab = Lab::new();
    let [a, b, new] = keys();
    lab.forge.set_keys("root", &[a.clone(), b.clone()], 2);
    lab.shipped = lab.serve().newest("root");
    lab.refresh().unwrap();
    lab.forge.rotate_root(std::slice::from_ref(&new), 1);
    let healthy = lab.forge.build();
    *lab.forge.keys("root") = vec![a, new];
    lab.serve();
    lab.refused("ROOT_CHANGED");
    lab.requests();
    lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
    assert_eq!(lab.requests()[0], "2.root.json");
}

#[test]
fn th_02_a_threshold_that_no_keys_can_meet_is_never_met() {
    for role in ROLES {
        let five = keys::<5>();
        let five: Vec<_> = five.iter().collect();
        Trial::new(role, &five, 6, &five).refused("THRESHOLD");
    }
    // The root that says so is kept.
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    let own = lab.forge.keys("snapshot").clone();
    lab.forge.list_keys("snapshot", &own, 2);
    lab.serve();
    lab.refused("THRESHOLD");
    assert_eq!(lab.kept_version("root"), Some(2));
}

/// What is no threshold. Numbers that JSON values can't carry are put into the text.
fn none() -> Vec<String> {
    let texts = [
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e0",
        "1e3",
        "1E0",
        "-0",
        "01",
        "+1",
        "0x1",
        "\"1\"",
        "null",
        "true",
        "[1]",
        "{}",
        "4294967296",
        "4294967297",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551617",
        "340282366920938463463374607431768211457",
    ];
    texts.map(str::to_owned).to_vec()
}

fn put(marker: &'static str, threshold: String) -> impl Fn(String) -> String + Send + Sync + 'static {
    move |text| text.replace(&format!("\"{marker}\""), &threshold)
}

#[test]
fn th_03_a_root_with_a_threshold_that_is_none_is_refused() {
    for role in FOUR {
        for threshold in none() {
            let mut lab = Lab::trusting();
            lab.forge.bump("root");
            let healthy = lab.forge.build();
            lab.forge.doc("root")["roles"][role]["threshold"] = json!("#");
            lab.forge.before_sign("root", put("#", threshold));
            lab.serve();
            lab.refused("MALFORMED");
            lab.refused_and_kept("MALFORMED", &FOUR, &healthy);
        }
        let mut lab = Lab::trusting();
        lab.forge.bump("root");
        lab.forge.doc("root")["roles"][role].as_object_mut().unwrap().remove("threshold");
        lab.serve();
        lab.refused("MALFORMED");
    }
}

#[test]
fn th_04_th_05_a_delegation_with_a_threshold_that_is_none_is_refused() {
    for threshold in none() {
        let mut lab = Lab::trusting_of(with_team());
        lab.forge.bump("targets");
        let mut attack = lab.forge.clone();
        attack.change_delegation("targets", "team", |entry| entry["threshold"] = json!("#"));
        attack.before_sign("targets", put("#", threshold));
        lab.server.serve(&attack.build());
        lab.refused("MALFORMED");
        lab.forge.bump("targets");
        let healthy = lab.forge.build();
        lab.refused_and_kept("MALFORMED", &["root", "targets"], &healthy);
    }
}

#[test]
fn th_04_hash_bins_with_a_threshold_that_is_none_are_refused() {
    for threshold in none() {
        let mut lab = Lab::trusting();
        let [key] = keys();
        let bins = json!({ "bit_length": 2, "keyids": [key.id()], "name_prefix": "bin", "threshold": "#" });
        lab.forge.doc("targets")["delegations"] =
            json!({ "keys": { key.id(): key.to_json() }, "succinct_roles": bins });
        lab.forge.before_sign("targets", put("#", threshold));
        lab.forge.bump("targets");
        lab.serve();
        lab.refused("MALFORMED");
    }
}

#[test]
fn th_05_the_highest_threshold_is_one_that_is_not_met() {
    for role in ROLES {
        let [a] = &keys();
        Trial::new(role, &[a], u32::MAX, &[a]).refused("THRESHOLD");
    }
}

#[test]
fn th_06_signatures_that_do_not_hold_do_no_harm() {
    for role in ROLES {
        let [a, b] = &keys();
        Trial::new(role, &[a, b], 1, &[a, &b.garbled()]).accepted();
        for text in ["", "zz", "0", "00", "\u{1f511}", &"00".repeat(10_000)] {
            let (text, id) = (text.to_owned(), b.id().to_owned());
            let bad = move |list: &mut Vec<Value>| list.insert(0, json!({ "keyid": id, "sig": text }));
            Trial::new(role, &[a, b], 1, &[a]).with_signatures(bad.clone()).accepted();
            Trial::new(role, &[a, b], 2, &[a]).with_signatures(bad).refused("THRESHOLD");
        }
    }
}

#[test]
fn th_07_signatures_of_nobody_and_of_unknown_schemes_do_no_harm() {
    for role in ROLES {
        let [a, b, stranger] = &keys();
        let other = b.listed_as(json!({
            "keytype": "ml-dsa-65", "keyval": { "public": "x" }, "scheme": "ml-dsa-65",
        }));
        Trial::new(role, &[a, &other], 1, &[&other, stranger, a]).accepted();
        Trial::new(role, &[a, &other], 2, &[&other, stranger, a]).refused("THRESHOLD");
        let unknown = |list: &mut Vec<Value>| list.push(json!({ "keyid": "nobody", "sig": "00", "x": 1 }));
        Trial::new(role, &[a], 1, &[a]).with_signatures(unknown).accepted();
    }
}

#[test]
fn th_08_no_signatures_are_refused() {
    for role in ROLES {
        let [a] = &keys();
        let code = if role == "root" { "ROOT_CHANGED" } else { "THRESHOLD" };
        Trial::new(role, &[a], 1, &[a]).with_signatures(|list| list.clear()).refused(code);
        for (member, value) in [("signatures", "null"), ("signatures", "{}"), ("other", "[]")] {
            let strip = move |file: Vec<u8>| {
                let file = String::from_utf8(file).unwrap();
                let signed = file.find(",\"signed\":").unwrap();
                format!("{{\"{member}\":{value}{}", &file[signed..]).into_bytes()
            };
            let trial = Trial::new(role, &[a], 1, &[a]).with(|forge| forge.after_sign(role, strip));
            trial.refused("MALFORMED");
        }
    }
}

#[test]
fn th_08_the_root_that_a_client_is_shipped_with_must_sign_itself() {
    for signers in [Vec::new(), keys::<1>().to_vec()] {
        let mut lab = Lab::new();
        let healthy = lab.forge.build();
        *lab.forge.keys("root") = signers;
        lab.shipped = lab.serve().newest("root");
        lab.refused("PIN_INVALID");
        assert!(lab.requests().is_empty(), "nobody is asked");
        assert_eq!(lab.kept("root"), None);
        lab.shipped = healthy.newest("root");
        lab.recovers(&healthy);
    }
}

#[test]
fn th_09_a_signature_under_the_id_of_another_key_does_not_count() {
    for role in ROLES {
        let [a, b] = &keys();
        let (first, second) = (a.with_id(b.id()), b.with_id(a.id()));
        Trial::new(role, &[a, b], 2, &[&first, &second]).refused("THRESHOLD");
        Trial::new(role, &[a, b], 1, &[&first]).refused("THRESHOLD");
    }
}

#[test]
fn th_10_a_broken_first_root_is_refused_without_a_request() {
    let lab = Lab::new();
    let whole = String::from_utf8(lab.shipped.clone()).unwrap();
    let forged = |change: &dyn Fn(&mut Value)| {
        let mut forge = lab.forge.clone();
        change(forge.doc("root"));
        forge.build().newest("root")
    };
    let without = |member: &'static str| forged(&|root| drop(root.as_object_mut().unwrap().remove(member)));
    let mut broken: Vec<Vec<u8>> =
        ["version", "roles", "keys", "_type", "expires", "spec_version"].map(without).to_vec();
    broken.extend([
        forged(&|root| root["version"] = json!(0)),
        forged(&|root| root["version"] = json!("1")),
        forged(&|root| root["roles"]["timestamp"] = Value::Null),
        forged(&|root| drop(root["roles"].as_object_mut().unwrap().remove("targets"))),
        forged(&|root| root["_type"] = json!("targets")),
        Vec::new(),
        b"{}".to_vec(),
        whole[..whole.len() - 1].into(),
        format!("{whole}x").into(),
        whole.replace("\"version\":1", "\"version\":2").into(),
    ]);
    for root in broken {
        let mut lab = Lab::new();
        lab.shipped = root.clone();
        let error = lab.refused("PIN_INVALID");
        assert!(lab.requests().is_empty(), "{error}");
        assert_eq!(lab.kept("root"), None);
        // A root that is already trusted does not make up for it either.
        let trusted = Lab::trusting();
        lab.store = trusted.store.clone();
        let before = lab.kept("root");
        lab.refused("PIN_INVALID");
        assert_eq!(lab.kept("root"), before);
    }
    let mut lab = lab;
    lab.store = Kept::folder();
    load_any(&lab);
}

fn load_any(lab: &Lab) {
    lab.refresh().expect("the whole one is trusted");
    assert!(load(&Lab::of(with_team())).is_ok());
}
