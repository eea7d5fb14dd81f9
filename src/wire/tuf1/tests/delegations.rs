//! Delegations (TUF specification 4.5, TAP 15).

use super::{altered, fixture, read, rewritten};
use crate::{
    limits::Limits,
    metadata::Targets,
    name::PathRule,
    wire::{Dialect, Envelope, WireError},
};

#[track_caller]
fn refused(file: &str) -> String {
    read::<Targets>(file).map(drop).unwrap_err().to_string()
}

#[test]
fn dg_06_delegations_to_reserved_names_are_refused() {
    for name in ["root", "timestamp", "snapshot", "targets", ""] {
        refused(&altered("targets.json", "\"name\": \"team\"", &format!("\"name\": \"{name}\"")));
    }
    for name in ["Root", "targets/x", "../x", "ÄÖ", "a.b", " "] {
        let file = altered("targets.json", "\"name\": \"team\"", &format!("\"name\": \"{name}\""));
        assert_eq!(read::<Targets>(&file).unwrap().body().delegations[0].name.as_str(), name);
    }
}

#[test]
fn dk_12_a_role_that_is_delegated_twice_makes_the_file_invalid() {
    let error = refused(&altered("targets.json", "\"name\": \"hash.ed\"", "\"name\": \"team\""));
    assert!(error.contains("team is delegated twice"), "{error}");
}

#[test]
fn dg_17_paths_and_hash_prefixes_exclude_each_other() {
    let error = refused(&altered(
        "targets.json",
        "\"name\": \"team\",",
        "\"name\": \"team\",\"path_hash_prefixes\":[],",
    ));
    assert!(error.contains("either paths or path_hash_prefixes"), "{error}");
    refused(&altered("targets.json", "\"paths\":", "\"other\":"));
    refused(&altered("targets.json", "\"path_hash_prefixes\":", "\"other\":"));
    refused(&altered("targets.json", "\"path_hash_prefixes\":", "\"paths\":null,\"path_hash_prefixes\":"));
    let emptied = fixture("targets.json").replace("\"a/*\",", "").replace("\"b/?.txt\"", "");
    assert_eq!(read::<Targets>(&emptied).unwrap().body().delegations[0].paths, PathRule::Globs(Vec::new()));
}

#[test]
fn dg_18_hash_prefixes_are_hex_of_any_length_and_case_but_not_empty() {
    let targets = read::<Targets>(&altered("targets.json", "\"ab1\"", "\"AB1\"")).unwrap();
    assert_eq!(targets.body().delegations[1].paths, PathRule::hash_prefixes(["00", "AB1"]).unwrap());
    assert!(rewritten(&targets).contains("[\"00\",\"AB1\"]"), "spelled as received");
    for prefix in ["", "xyz", "0x", " 1"] {
        refused(&altered("targets.json", "\"ab1\"", &format!("\"{prefix}\"")));
    }
}

#[test]
fn th_04_thresholds_of_delegations_are_1_and_more() {
    for threshold in ["0", "-1", "1.0", "\"2\"", "null", "4294967296"] {
        refused(&altered("targets.json", "\"threshold\": 2", &format!("\"threshold\": {threshold}")));
        refused(&altered("bins.json", "\"threshold\": 1", &format!("\"threshold\": {threshold}")));
    }
    for member in ["threshold", "keyids", "name", "terminating"] {
        let error = refused(&altered("targets.json", &format!("\"{member}\":"), "\"other\":"));
        assert!(error.contains(member), "{error}");
    }
}

#[test]
fn pd_07_hash_bins_have_1_to_32_bits() {
    for bits in ["0", "-1", "33", "2147483648", "\"8\"", "8.0", "null"] {
        refused(&altered("bins.json", "\"bit_length\": 10", &format!("\"bit_length\": {bits}")));
    }
    for bits in [1_u32, 32] {
        let file = altered("bins.json", "\"bit_length\": 10", &format!("\"bit_length\": {bits}"));
        let bins = read::<Targets>(&file).unwrap().body().bins.clone().unwrap();
        assert_eq!(bins.bins.count(), 1 << bits);
    }
    for member in ["bit_length", "name_prefix", "keyids", "threshold"] {
        refused(&altered("bins.json", &format!("\"{member}\":"), "\"other\":"));
    }
}

#[test]
fn roles_and_bins_exclude_each_other() {
    refused(&altered(
        "targets.json",
        "\"roles\": [",
        "\"succinct_roles\":{\"bit_length\":1,\"keyids\":[],\"name_prefix\":\"\",\"threshold\":1},\"roles\": [",
    ));
    refused(&altered("bins.json", "\"succinct_roles\":", "\"other\":"));
    refused(&altered("empty.json", "\"keys\":", "\"other\":"));
    refused(&altered("empty.json", "\"roles\": []", "\"roles\": null"));
}

#[test]
fn limits_hold() {
    let limits = Limits { max_listed_delegations: 1, ..Limits::default() };
    let file = fixture("targets.json").into_bytes();
    let error = Envelope::<Targets>::read(Dialect::Tuf1, file, &limits).unwrap_err();
    assert_eq!(error, WireError::TooMany { what: "delegations", limit: 1 });
}
