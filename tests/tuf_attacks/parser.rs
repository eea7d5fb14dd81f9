//! PD: depth, size and shape of what a server sends, signed or not.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tuf_notary::{
    crypto::PrivateKey,
    edit::repository::{Lifetimes, RepositoryEditor},
    error::Error,
    name::RoleName,
    testkit::{TufForge, TufForgeKey},
};

use crate::{
    lab::{FOUR, Lab, keys, version},
    tools::{before, signed, with_version},
};

/// Runs on a thread with little room, so that unbounded recursion shows (one level of it takes at
/// least a hundred bytes).
fn in_a_small_room(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap().join().unwrap();
}

#[test]
fn pd_01_a_hundred_thousand_brackets_are_refused() {
    in_a_small_room(|| {
        for role in FOUR {
            for bracket in ["[", "{\"a\":"] {
                let bomb = bracket.repeat(100_000);
                let text = bomb.clone();
                let outcome =
                    signed(role, move |signed| signed.replacen('{', &format!("{{\"a\":{text},"), 1));
                assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {bracket}");
                let mut lab = before(role);
                lab.forge.after_sign(role, move |_| bomb.clone().into_bytes());
                lab.serve();
                lab.refused("MALFORMED");
            }
        }
    });
}

#[test]
fn pd_02_custom_data_nests_no_deeper_than_the_rest() {
    // `signed`, `targets`, the entry and the envelope are open around it.
    let code = |depth: usize| {
        let outcome = signed("targets", move |signed| {
            let custom = format!("\"custom\":{}{},\"hashes\"", "[".repeat(depth), "]".repeat(depth));
            signed.replacen("\"hashes\"", &custom, 1)
        });
        outcome.err()
    };
    in_a_small_room(move || {
        assert_eq!(code(60), None);
        assert_eq!(code(61), Some("MALFORMED"));
        assert_eq!(code(50_000), Some("MALFORMED"));
    });
}

#[test]
fn pd_03_versions_out_of_range_or_of_another_spelling_are_refused() {
    let versions = [
        "0",
        "-1",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551617",
        "1e400",
        "\"1\"",
        "1.0",
        "1e0",
        "null",
        "true",
        "[1]",
    ];
    for role in FOUR {
        for version in versions {
            let outcome = signed(role, move |text| with_version(&text, version));
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {version}");
        }
        let mut lab = before(role);
        lab.forge.doc(role).as_object_mut().unwrap().remove("version");
        lab.server.put(if role == "root" { "2.root.json" } else { "x" }, lab.forge.build().newest(role));
        lab.serve();
        assert!(["MALFORMED", "MISSING"].contains(&lab.refresh().unwrap_err().code()), "{role}");
    }
}

#[test]
fn pd_03_the_highest_version_is_accepted_and_nothing_comes_after_it() {
    for role in FOUR {
        for highest in [1 << 31, 1 << 53] {
            let mut forge = TufForge::new();
            forge.version(role, highest);
            let lab = Lab::of(forge);
            assert_eq!(version(&lab.refresh().unwrap(), role), highest, "{role}");
            lab.refresh().unwrap();
            let after = format!("{}.root.json", (1_u64 << 53) + 1);
            assert!(!lab.requests().contains(&after));
        }
    }
}

#[test]
fn pd_04_a_publisher_at_the_highest_version_refuses_before_it_signs() {
    let key = PrivateKey::generate_ed25519().unwrap();
    let mut forge = TufForge::new();
    let forge_key = TufForgeKey::from_private_key(PrivateKey::generate_ed25519().unwrap());
    for role in FOUR {
        forge.set_keys(role, std::slice::from_ref(&forge_key), 1);
    }
    for role in FOUR {
        let mut forge = forge.clone();
        forge.version(role, 1 << 53);
        let published = forge.build();
        let files =
            |what: &tuf_notary::name::Resource| Ok(published.file(&what.tuf_name()).map(<[u8]>::to_vec));
        let mut editor = RepositoryEditor::open(Lifetimes::default(), files).unwrap();
        if role == "root" {
            editor.add_key(&RoleName::Root, key.public_key()).unwrap();
        } else {
            editor.renew(&RoleName::tuf(role).unwrap()).unwrap();
        }
        let error = Error::from(editor.stage(TufForge::now()).unwrap_err());
        assert_eq!(error.code(), "VERSION_LIMIT", "{role}: {error}");
    }
}

#[test]
fn pd_05_lengths_out_of_range_are_refused() {
    for length in ["-1", "9223372036854775808", "18446744073709551616", "1.5", "\"1\"", "null", "[]"] {
        let outcome = signed("targets", move |signed| {
            assert!(signed.contains("\"length\":7"));
            signed.replacen("\"length\":7", &format!("\"length\":{length}"), 1)
        });
        assert_eq!(outcome.err(), Some("MALFORMED"), "target {length}");
        for parent in ["snapshot", "timestamp"] {
            let outcome = signed(parent, move |signed| {
                let (head, tail) = signed.split_once("\"length\":").unwrap();
                let (_, tail) = tail.split_once(',').unwrap();
                format!("{head}\"length\":{length},{tail}")
            });
            assert_eq!(outcome.err(), Some("MALFORMED"), "{parent} {length}");
        }
    }
    // In range, and more than anybody is ready to read.
    for role in ["targets", "snapshot"] {
        let mut lab = Lab::new();
        lab.forge.pin(role, |pin| pin["length"] = json!(1_u64 << 53));
        lab.serve();
        lab.refused("TOO_LARGE");
    }
}

#[test]
fn pd_06_a_number_of_a_million_digits_costs_no_time() {
    let start = Instant::now();
    for role in FOUR {
        let outcome = signed(role, |text| with_version(&text, &"1".repeat(500_000)));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{role}");
    }
    // Where it means nothing it is kept as it is.
    signed("targets", |text| text.replacen('{', &format!("{{\"A\":{},", "1".repeat(500_000)), 1)).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// A repository whose targets are spread over hash bins.
fn binned(bits: Value, bin: &str) -> Lab {
    let mut forge = TufForge::new();
    let bin_keys = keys::<1>();
    forge.delegate("targets", bin, &bin_keys, 1, &[]);
    forge.add_target(bin, "some/target", b"in a bin");
    forge.doc("targets")["delegations"] = json!({
        "keys": { bin_keys[0].id(): bin_keys[0].to_json() },
        "succinct_roles": {
            "bit_length": bits, "keyids": [bin_keys[0].id()], "name_prefix": "bin", "threshold": 1,
        },
    });
    Lab::of(forge)
}

#[test]
fn pd_07_bit_lengths_out_of_1_to_32_are_refused() {
    for bits in
        [json!(0), json!(-1), json!(33), json!(1_u64 << 31), json!(1_u64 << 40), json!("8"), json!(null)]
    {
        binned(bits, "bin-0").refused("MALFORMED");
    }
}

#[test]
fn pd_07_of_four_billion_bins_one_is_asked() {
    let bin = tuf_notary::name::HashBins::new("bin", 32).unwrap().bin_of("some/target");
    let lab = binned(json!(32), &bin);
    assert_eq!(lab.download("some/target").unwrap(), b"in a bin");
    let asked: Vec<_> = lab.requests().into_iter().filter(|name| name.contains(".bin-")).collect();
    assert_eq!(asked, [format!("1.{bin}.json")]);
    // One that the snapshot does not list may be withheld.
    lab.not_found("another/target", "MISSING");
}

#[test]
fn pd_08_json_of_another_shape_is_an_error_and_the_next_refresh_succeeds() {
    let shapes = [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "1",
        "\"signed\"",
        "<html><body>502</body></html>",
        "{\"signed\":null,\"signatures\":[]}",
        "{\"signed\":{},\"signatures\":[]}",
        "{\"signed\":[],\"signatures\":{}}",
        "{\"signatures\":[]}",
        "{\"errors\":[{\"code\":\"X\"}]}",
    ];
    for role in FOUR {
        for shape in shapes {
            let mut lab = before(role);
            let healthy = lab.forge.clone().build();
            lab.forge.after_sign(role, move |_| shape.as_bytes().to_vec());
            lab.serve();
            lab.refused("MALFORMED");
            assert_eq!(lab.kept(role).filter(|_| role != "root"), None);
            lab.server.serve(&healthy);
            let mut newer = lab.forge.clone();
            newer.clear_hooks(role);
            newer.bump("targets");
            lab.recovers(&newer.build());
        }
    }
}

#[test]
fn pd_08_a_file_without_signatures_is_refused() {
    for role in FOUR {
        let none = if role == "root" { "ROOT_CHANGED" } else { "THRESHOLD" };
        for (signatures, code) in
            [("null", "MALFORMED"), ("{}", "MALFORMED"), ("[]", none), ("[null]", "MALFORMED")]
        {
            let mut lab = before(role);
            lab.forge.signatures(role, move |list| *list = serde_json::from_str(signatures).unwrap());
            lab.serve();
            lab.refused(code);
        }
    }
}

/// Every place in a document, as JSON pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            let escape = |name: &String| name.replace('~', "~0").replace('/', "~1");
            members.iter().map(|(name, value)| (escape(name), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        places(value, format!("{at}/{name}"), found);
    }
    found.push(at);
}

/// Custom data is nobody's business, and a key whose value is of a kind that nobody knows is not usable.
fn expected(role: &str, place: &str) -> &'static [Option<&'static str>] {
    match place {
        _ if place.contains("/custom") => &[None],
        _ if place.ends_with("/public") && role == "targets" => &[None],
        _ if place.ends_with("/public") => &[Some("THRESHOLD")],
        _ => &[Some("MALFORMED")],
    }
}

#[test]
fn cj_12_a_value_of_another_kind_is_an_error_wherever_it_stands() {
    for role in FOUR {
        let mut lab = before(role);
        lab.forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
        lab.forge.doc("targets")["targets"]["file.txt"]["custom"] = json!({ "a": 1 });
        let file: Value = serde_json::from_slice(&lab.forge.build().newest(role)).unwrap();
        let mut found = Vec::new();
        places(&file["signed"], String::new(), &mut found);
        assert!(found.len() > 9, "{role}");
        for place in found {
            let present = file["signed"].pointer(&place).unwrap();
            let others = [json!(null), json!([]), json!({}), json!("x"), json!(1)];
            let differs = |other: &Value| std::mem::discriminant(other) != std::mem::discriminant(present);
            for other in others.into_iter().filter(differs) {
                let what = format!("{role}{place} {other}");
                let mut client = Lab::new();
                (client.forge, client.shipped) = (lab.forge.clone(), lab.shipped.clone());
                let at = place.clone();
                client.forge.before_sign(role, move |text| {
                    let mut document: Value = serde_json::from_str(&text).unwrap();
                    *document.pointer_mut(&at).unwrap() = other.clone();
                    document.to_string()
                });
                client.serve();
                let code = client.refresh().err().map(|error| error.code());
                assert!(expected(role, &place).contains(&code), "{what}: {code:?}");
            }
        }
    }
}
