//! ED: bodies without end, and lengths that are none.

use serde_json::{Value, json};
use tuf_notary::{name::TargetName, testkit::TufForge};

use crate::{
    lab::{Lab, keys, version},
    server::Answer,
    signing::{load, with_team},
};

/// A trusting client, and a server with a new version of `role` and of all above it.
fn with_update(role: &str) -> Lab {
    let mut lab = Lab::of(with_team());
    load(&lab).unwrap();
    lab.forge.bump(role);
    lab.serve();
    lab.server.clear_requests();
    lab
}

fn name(role: &str) -> String {
    if role == "timestamp" { "timestamp.json".to_owned() } else { format!("2.{role}.json") }
}

/// The load fails for this reason, the role's file stays, and a healthy server is trusted again.
#[track_caller]
fn refused(lab: &Lab, role: &str, code: &str) {
    let before = lab.kept(role);
    let error = load(lab).expect_err("the attack succeeded");
    assert_eq!(error.code(), code, "{role}: {error}");
    assert_eq!(lab.kept(role), before, "{role} changed in the cache");
    lab.server.behave();
    load(lab).expect("a healthy server is trusted again");
}

#[test]
fn ed_01_an_endless_timestamp_is_cut() {
    let lab = with_update("timestamp");
    lab.server.answer("timestamp.json", Answer::Endless);
    refused(&lab, "timestamp", "TOO_LARGE");
    let mut lab = with_update("timestamp");
    lab.limits.max_timestamp = 1000;
    lab.server.answer("timestamp.json", Answer::Endless);
    lab.refused("TOO_LARGE");
    assert_eq!(lab.server.limit("timestamp.json"), Some(1000));
    assert_eq!(lab.server.read(), 1001, "one byte tells that there are more");
}

#[test]
fn ed_02_an_endless_root_is_cut() {
    let mut lab = with_update("root");
    lab.limits.max_root = 4000;
    lab.server.answer("2.root.json", Answer::Endless);
    lab.refused("TOO_LARGE");
    assert_eq!((lab.server.limit("2.root.json"), lab.server.read()), (Some(4000), 4001));
    assert_eq!(lab.requests(), ["2.root.json"]);
    refused(&lab, "root", "TOO_LARGE");
}

#[test]
fn ed_03_a_file_longer_than_listed_is_cut_where_it_should_end() {
    for role in ["snapshot", "targets", "team"] {
        let lab = with_update(role);
        let listed = lab.forge.clone().build().newest(role).len() as u64;
        lab.server.answer(&name(role), Answer::Endless);
        let others: u64 = {
            load(&lab).unwrap_err();
            lab.server.read()
        };
        assert_eq!(lab.server.limit(&name(role)), Some(listed), "no more than is listed is asked for");
        assert!(others < 2 * listed + 4000, "{others} bytes were read");
        refused(&lab, role, "TOO_LARGE");
    }
}

#[test]
fn ed_03_without_a_listed_length_the_limit_counts() {
    for role in ["snapshot", "targets", "team"] {
        let mut forge = with_team();
        forge.list_hashes(false);
        let mut lab = Lab::of(forge);
        load(&lab).unwrap();
        lab.forge.bump(role);
        lab.serve();
        lab.server.answer(&name(role), Answer::Endless);
        lab.limits.max_metadata = 10_000;
        refused(&lab, role, "TOO_LARGE");
        assert_eq!(lab.server.limit(&name(role)), Some(10_000));
    }
}

#[test]
fn ed_04_a_listed_length_above_the_limit_is_refused_without_a_request() {
    for role in ["snapshot", "targets", "team"] {
        let limit = 64 << 20;
        for (length, code) in [
            (limit + 1, "TOO_LARGE"),
            (1 << 53, "TOO_LARGE"),
            (u64::MAX / 2, "MALFORMED"),
            (u64::MAX, "MALFORMED"),
        ] {
            let mut lab = Lab::of(with_team());
            load(&lab).unwrap();
            lab.forge.bump(role);
            let mut wrong = lab.forge.clone();
            wrong.pin(role, move |pin| pin["length"] = length.into());
            lab.server.serve(&wrong.build());
            let error = load(&lab).expect_err("the attack succeeded");
            assert_eq!(error.code(), code, "{role}, {length}: {error}");
            assert!(!lab.server.requests().contains(&name(role)));
            lab.forge.bump(role);
            lab.serve();
            load(&lab).expect("a healthy server is trusted again");
        }
        let mut lab = Lab::of(with_team());
        lab.forge.pin(role, move |pin| pin["length"] = limit.into());
        lab.serve();
        load(&lab).expect("the limit itself is allowed, and the hash decides");
        assert_eq!(lab.server.limit(&format!("1.{role}.json")), Some(limit));
    }
}

#[test]
fn ed_04_negative_and_fractional_lengths_are_refused() {
    for length in [json!(-1), json!(1.5), json!("7"), Value::Null] {
        for role in ["snapshot", "targets", "team"] {
            let (mut forge, length) = (with_team(), length.clone());
            forge.pin(role, move |pin| pin["length"] = length.clone());
            assert_eq!(load(&Lab::of(forge)).unwrap_err().code(), "MALFORMED");
        }
        let mut forge = TufForge::new();
        forge.doc("targets")["targets"]["file.txt"]["length"] = length;
        Lab::of(forge).refused("MALFORMED");
    }
}

#[test]
fn ed_05_a_listed_length_of_metadata_is_an_upper_bound_and_the_hash_decides() {
    for role in ["snapshot", "targets", "team"] {
        let longer = |pin: &mut Value| pin["length"] = json!(pin["length"].as_u64().unwrap() + 1000);
        let mut lab = with_update(role);
        lab.forge.pin(role, longer);
        let healthy = lab.serve();
        lab.server.put(&name(role), [&healthy.newest(role)[..], b"\n"].concat());
        refused(&lab, role, "HASH_MISMATCH");
        // Without a hash it is the exact length.
        let mut lab = with_update(role);
        lab.forge.pin(role, move |pin| {
            longer(pin);
            pin.as_object_mut().unwrap().remove("hashes");
        });
        lab.serve();
        assert_eq!(load(&lab).unwrap_err().code(), "HASH_MISMATCH");
    }
}

#[test]
fn ed_05_a_file_one_byte_longer_than_listed_is_refused() {
    for role in ["snapshot", "targets", "team"] {
        let mut lab = with_update(role);
        let mut wrong = lab.forge.clone();
        wrong.pin(role, |pin| pin["length"] = json!(pin["length"].as_u64().unwrap() - 1));
        lab.server.serve(&wrong.build());
        assert_eq!(load(&lab).unwrap_err().code(), "TOO_LARGE", "{role}");
        lab.forge.bump(role);
        lab.serve();
        load(&lab).unwrap();
    }
}

#[test]
fn ed_05_the_length_of_a_target_is_exact() {
    let lab = Lab::new();
    let path = lab.find("file.txt").unwrap().unwrap().paths()[0].clone();
    for (content, code) in [
        (&b"conten"[..], "LENGTH_MISMATCH"),
        (b"content!", "LENGTH_MISMATCH"),
        (b"", "LENGTH_MISMATCH"),
        (b"CONTENT", "HASH_MISMATCH"),
    ] {
        lab.server.put(&path, content);
        assert_eq!(lab.download("file.txt").unwrap_err().code(), code);
    }
    lab.server.behave();
    assert_eq!(lab.download("file.txt").unwrap(), b"content");
}

#[test]
fn ed_06_an_announcement_above_the_limit_is_refused_before_the_body() {
    for role in ["root", "timestamp", "snapshot", "targets", "team"] {
        let lab = with_update(role);
        lab.server.answer(&name(role), Answer::Announces(u64::MAX));
        let read = lab.server.read();
        assert_eq!(load(&lab).unwrap_err().code(), "TOO_LARGE", "{role}");
        assert!(lab.server.read() - read < 10_000);
        refused(&lab, role, "TOO_LARGE");
    }
    let lab = Lab::new();
    let path = lab.find("file.txt").unwrap().unwrap().paths()[0].clone();
    lab.server.answer(&path, Answer::Announces(8));
    assert_eq!(lab.download("file.txt").unwrap_err().code(), "LENGTH_MISMATCH");
    assert_eq!(lab.server.limit(&path), Some(7));
}

#[test]
fn ed_07_bytes_are_counted_whatever_was_announced() {
    for (role, limit) in [("root", 3000), ("timestamp", 3000), ("snapshot", 0), ("targets", 0), ("team", 0)] {
        let mut lab = with_update(role);
        let file = lab.forge.clone().build().newest(role);
        if limit > 0 {
            (lab.limits.max_root, lab.limits.max_timestamp) = (limit, limit);
        }
        // As much white space as makes it too long; the document in it is right.
        let padding = usize::try_from(limit).unwrap().saturating_sub(file.len()) + 1;
        lab.server.put(&name(role), [&file[..], &vec![b' '; padding]].concat());
        refused(&lab, role, "TOO_LARGE");
    }
}

#[test]
fn ed_15_a_chain_at_the_limit_is_walked_and_one_above_it_stops_with_progress() {
    for (chain, expected) in [(2, Ok(3)), (3, Ok(4)), (4, Err("TOO_LARGE")), (20, Err("TOO_LARGE"))] {
        let mut lab = Lab::trusting();
        for _ in 0..chain {
            lab.forge.rotate_root(&keys::<1>(), 1);
        }
        lab.serve();
        lab.limits.max_root_rotations = 3;
        let outcome = lab.refresh().map(|set| version(&set, "root")).map_err(|error| error.code());
        assert_eq!(outcome, expected, "{chain} new roots");
        assert_eq!(lab.kept_version("root"), Some(chain.min(3) + 1), "progress is kept");
        let requests = lab.requests();
        match expected {
            Ok(_) => assert_eq!(requests.len() as u64, chain + 2, "{requests:?}"),
            Err(_) => assert!(!requests.contains(&"timestamp.json".to_owned()), "{requests:?}"),
        }
        // Each run goes on where the last one ended.
        let runs = (0..10).take_while(|_| lab.refresh().is_err()).count() as u64;
        assert_eq!(runs, (chain - 1) / 3 - u64::from(expected.is_err()), "{chain} new roots");
        assert_eq!(lab.kept_version("root"), Some(chain + 1));
    }
}

#[test]
fn ed_15_the_default_chain_is_longer_than_any_year_of_rotations() {
    let mut lab = Lab::trusting();
    for _ in 0..256 {
        lab.forge.bump("root");
    }
    lab.serve();
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 257);
    for _ in 0..257 {
        lab.forge.bump("root");
    }
    let healthy = lab.serve();
    lab.refused("TOO_LARGE");
    assert_eq!(lab.kept_version("root"), Some(513), "progress is kept");
    assert_eq!(version(&lab.recovers(&healthy), "root"), 514);
}

#[test]
fn ed_17_an_endless_target_is_cut_at_its_length() {
    let (lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    let client = lab.repository();
    let found = client.find(&TargetName::new("file.txt").unwrap()).unwrap().unwrap();
    let path = &found.paths()[0];
    for (answer, code) in [
        (Answer::Endless, "LENGTH_MISMATCH"),
        (Answer::BreaksAfter(3), "NETWORK"),
        (Answer::Bytes(b"CONTENT".to_vec()), "HASH_MISMATCH"),
        (Answer::Status(404), "MISSING"),
    ] {
        lab.server.answer(path, answer);
        lab.requests();
        let (mut written, mut told) = (Vec::new(), Vec::new());
        let outcome = client.download_with(&found, &mut written, |length| told.push(length));
        assert_eq!(outcome.unwrap_err().code(), code);
        assert!(written.len() <= 7 && told.iter().all(|length| *length <= 7), "{told:?}");
        assert!(lab.server.read() <= 8 + (64 << 10), "one piece at most goes beyond");
        assert_eq!(client.save_in(&found, folder.path()).unwrap_err().code(), code);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
    // A file that is there stays until the new one is whole.
    let place = folder.path().join("place");
    std::fs::write(&place, "earlier").unwrap();
    lab.server.answer(path, Answer::Endless);
    client.save(&found, &place).unwrap_err();
    assert_eq!(std::fs::read(&place).unwrap(), b"earlier");
    lab.server.behave();
    client.save(&found, &place).unwrap();
    assert_eq!(std::fs::read(&place).unwrap(), b"content");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Pads a role's document with a member that nobody knows.
fn pad(forge: &mut TufForge, role: &str, length: usize) {
    forge.doc(role)["x-padding"] = "x".repeat(length).into();
}

#[test]
fn a_file_as_large_as_its_parent_lists_is_taken_whatever_others_cap() {
    // Others stop at 512,000 bytes of a root, 16 KiB of a timestamp, 2 and 5 million of the rest.
    let mut forge = with_team();
    for (role, length) in [
        ("root", 600_000),
        ("timestamp", 600_000),
        ("snapshot", 2_100_000),
        ("targets", 5_100_000),
        ("team", 5_100_000),
    ] {
        pad(&mut forge, role, length);
    }
    let published = forge.build();
    let lab = Lab::of(forge);
    load(&lab).unwrap();
    for role in ["snapshot", "targets", "team"] {
        let length = published.newest(role).len() as u64;
        assert_eq!(lab.server.limit(&format!("1.{role}.json")), Some(length), "exactly what is listed");
    }
    load(&lab).expect("from the cache as well");
}

#[test]
fn each_limit_is_the_one_that_counts_in_the_cache_as_well() {
    // Roots and timestamps have limits of their own, which may lie above the others'.
    let mut forge = TufForge::new();
    for role in ["root", "timestamp"] {
        pad(&mut forge, role, 20_000);
    }
    let mut lab = Lab::of(forge);
    lab.limits.max_metadata = 10_000;
    lab.refresh().unwrap();
    lab.refresh().expect("what was kept is read again");
    lab.forge.version("timestamp", 7);
    lab.serve();
    lab.refresh().unwrap();
    lab.steal_record();
    lab.forge.version("timestamp", 6);
    lab.serve();
    lab.refused("ROLLBACK");
}
