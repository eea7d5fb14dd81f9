//! PD: depth, size and shape of what a server sends, signed or not.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tuf_notary::{
    edit::Changes,
    metadata::TargetInfo,
    name::{Hashes, TargetName},
    testkit::ForgeKey,
};

use crate::lab::Lab;

const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// Runs on a thread with little room, so that unbounded recursion shows (one level of it takes at
/// least a hundred bytes).
fn in_a_small_room(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap().join().unwrap();
}

/// What a new client makes of a change to what a role signs.
fn signed(role: &str, change: impl Fn(String) -> String + Send + Sync + 'static) -> Option<&'static str> {
    let mut lab = Lab::new();
    lab.forge.before_sign(role, change);
    lab.serve();
    lab.refresh().err().map(|error| error.code())
}

#[test]
fn pd_01_a_hundred_thousand_brackets_are_refused() {
    in_a_small_room(|| {
        for role in ROLES {
            for bracket in ["[", "{\"a\":"] {
                let bomb = bracket.repeat(100_000);
                let text = bomb.clone();
                let code = signed(role, move |signed| signed.replacen('{', &format!("{{\"x\":{text},"), 1));
                assert_eq!(code, Some("MALFORMED"), "{role} {bracket}");
                let mut lab = Lab::new();
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
        signed("targets", move |signed| {
            let custom = format!("\"custom\":{}{},\"hashes\"", "[".repeat(depth), "]".repeat(depth));
            signed.replacen("\"hashes\"", &custom, 1)
        })
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
        "2147483648",
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
    for role in ROLES {
        for version in versions {
            let code = signed(role, move |signed| {
                signed.replacen("\"version\":1", &format!("\"version\":{version}"), 1)
            });
            assert_eq!(code, Some("MALFORMED"), "{role} {version}");
        }
        let mut lab = Lab::new();
        lab.forge.doc(role).as_object_mut().unwrap().remove("version");
        lab.serve();
        lab.refused("MALFORMED");
    }
}

#[test]
fn pd_03_the_highest_version_that_servers_store_is_accepted() {
    for role in ROLES {
        let mut lab = Lab::new();
        lab.forge.version(role, 2_147_483_647);
        lab.serve();
        assert_eq!(Lab::version(&lab.refresh().unwrap(), role), Some(2_147_483_647));
        // Nothing comes after it, and looking for it must not wrap around.
        lab.forge.version(role, 1);
        lab.serve();
        assert!(lab.refresh().is_err(), "{role}");
    }
}

#[test]
fn pd_04_a_publisher_at_the_highest_version_refuses_before_it_uploads() {
    for role in ["targets", "snapshot"] {
        let mut lab = Lab::new();
        lab.forge.version(role, 2_147_483_647);
        lab.serve();
        let info = TargetInfo { length: 1, hashes: Hashes::sha256([7; 32]), custom: None };
        let changes = Changes::new().sign(TargetName::new("v2").unwrap(), info);
        let error = lab.publisher().publish(&changes).unwrap_err();
        assert_eq!(error.code(), "VERSION_LIMIT", "{role}: {error}");
        assert!(lab.server.requests().iter().all(|request| request.starts_with("GET")), "{role}");
    }
}

#[test]
fn pd_05_lengths_out_of_range_are_refused() {
    let lengths = ["-1", "9007199254740993", "9223372036854775808", "1.5", "\"1\"", "null", "[]"];
    for length in lengths {
        let code = signed("targets", move |signed| {
            signed.replacen("\"length\":1", &format!("\"length\":{length}"), 1)
        });
        assert_eq!(code, Some("MALFORMED"), "target {length}");
        for role in ["root", "targets", "snapshot"] {
            let mut lab = Lab::new();
            let wrong: Value = serde_json::from_str(length).unwrap();
            lab.forge.pin(role, move |pin| pin["length"] = wrong.clone());
            lab.serve();
            assert_eq!(lab.refresh().err().map(|error| error.code()), Some("MALFORMED"), "{role} {length}");
        }
    }
}

#[test]
fn pd_06_a_number_of_a_million_digits_costs_no_time() {
    let start = Instant::now();
    for role in ROLES {
        let code = signed(role, |signed| {
            signed.replacen("\"version\":1", &format!("\"version\":{}", "1".repeat(500_000)), 1)
        });
        assert_eq!(code, Some("MALFORMED"), "{role}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
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
    for role in ROLES {
        for shape in shapes {
            let mut lab = Lab::new();
            let healthy = lab.serve();
            lab.forge.after_sign(role, move |_| shape.as_bytes().to_vec());
            lab.serve();
            lab.refused_and_kept("MALFORMED", &[], &healthy);
        }
    }
}

#[test]
fn pd_08_a_file_without_signatures_is_refused() {
    for role in ROLES {
        for (signatures, code) in
            [("null", "MALFORMED"), ("{}", "MALFORMED"), ("[]", "THRESHOLD"), ("[null]", "MALFORMED")]
        {
            let mut lab = Lab::new();
            lab.forge.signatures(role, move |list| *list = serde_json::from_str(signatures).unwrap());
            lab.serve();
            assert_eq!(lab.refresh().err().map(|error| error.code()), Some(code), "{role} {signatures}");
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

/// Notary's own programs write `null` for what is empty in a targets file; a private key and custom
/// data are nobody's business.
fn expected(role: &str, place: &str, value: &Value) -> Option<&'static str> {
    let last = place.rsplit('/').next().unwrap();
    let may_be_null = ["targets", "delegations", "roles", "keyids", "paths", "hashes"];
    match value {
        Value::Null if last == "expires" => Some("EXPIRED"),
        Value::Null if role == "targets" && may_be_null.contains(&last) => None,
        _ if last == "private" || place.contains("/custom") => None,
        _ => Some("MALFORMED"),
    }
}

#[test]
fn cj_12_a_value_of_another_kind_is_an_error_wherever_it_stands() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &["v"]);
    lab.forge.doc("targets")["targets"]["v1"]["custom"] = json!({ "a": 1 });
    let published = lab.forge.build();
    for role in ROLES {
        let file: Value = serde_json::from_slice(&published.newest(role)).unwrap();
        let mut found = Vec::new();
        places(&file["signed"], String::new(), &mut found);
        for place in found {
            let present = file["signed"].pointer(&place).unwrap();
            let others = [json!(null), json!([]), json!({}), json!("x"), json!(1)];
            let differs = |other: &Value| std::mem::discriminant(other) != std::mem::discriminant(present);
            for other in others.into_iter().filter(differs) {
                let wanted = expected(role, &place, &other);
                let what = format!("{role}{place} {other}");
                let mut client = Lab::new();
                client.forge = lab.forge.clone();
                let at = place.clone();
                client.forge.before_sign(role, move |text| {
                    let mut document: Value = serde_json::from_str(&text).unwrap();
                    *document.pointer_mut(&at).unwrap() = other.clone();
                    document.to_string()
                });
                client.serve();
                assert_eq!(client.refresh().err().map(|error| error.code()), wanted, "{what}");
            }
        }
    }
}
