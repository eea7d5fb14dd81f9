//! What other clients got wrong and no published test finds.

use tuf_notary::{
    name::{Form, Resource, RoleName, TargetName, Version},
    testkit::TufForge,
    view::Freshness,
};

use crate::lab::{Kept, Lab, keys, version};

fn find(client: &crate::facade::Repository, name: &str) -> Result<bool, &'static str> {
    let found = client.find(&TargetName::new(name).unwrap());
    found.map(|found| found.is_some()).map_err(|error| error.code())
}

/// `targets` delegates to `a`, which delegates to `b`; `c` is asked last.
fn tree() -> TufForge {
    let mut forge = TufForge::new();
    for (parent, role) in [("targets", "a"), ("a", "b"), ("targets", "c")] {
        forge.delegate(parent, role, &keys::<1>(), 1, &["*"]);
        forge.add_target(role, &format!("in-{role}"), b"content");
    }
    forge
}

#[test]
fn a_new_root_does_not_lower_the_floors_of_a_client_without_a_store() {
    for role in ["timestamp", "snapshot", "targets"] {
        let mut lab = Lab::new();
        let mut former = lab.forge.clone();
        for _ in 0..2 {
            lab.forge.bump(role);
        }
        lab.serve();
        let client = lab.storeless();
        client.refresh().unwrap();
        // A new root, other keys of the root itself even, and below it what was there at first.
        lab.forge.rotate_root(&keys::<1>(), 1);
        let (mut replay, former) = (lab.forge.build(), former.build());
        for old in ["timestamp", "snapshot", "targets"].map(|old| RoleName::tuf(old).unwrap()) {
            for form in [Form::Latest, Form::Version(Version::ONE)] {
                let what = Resource { role: old.clone(), form };
                replay.insert(what, former.newest(old.as_str()));
            }
        }
        lab.server.serve(&replay);
        for _ in 0..2 {
            assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK", "{role}");
        }
        lab.forge.bump("timestamp");
        lab.serve();
        assert_eq!(version(&client.refresh().unwrap(), "root"), 2);
    }
}

#[test]
fn a_new_root_does_not_lower_what_the_snapshot_listed_for_a_client_without_a_store() {
    let mut lab = Lab::of(tree());
    lab.forge.bump("a");
    lab.serve();
    let client = lab.storeless();
    assert_eq!(find(&client, "in-b"), Ok(true));
    // Everything is new and higher, but for the delegated role.
    lab.forge.rotate_root(&keys::<1>(), 1);
    lab.forge.version("a", 1);
    lab.forge.bump("targets");
    lab.serve();
    assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK");
}

#[test]
fn delegated_roles_are_not_fetched_again() {
    for (lab, with_hashes) in [(Lab::of(tree()), true), (Lab::of(tree()), false), (Lab::on_disk(), true)] {
        let mut lab = lab;
        lab.forge = tree();
        lab.forge.list_hashes(with_hashes);
        lab.shipped = lab.serve().newest("root");
        lab.store = if lab.store.is_folder() { Kept::folder() } else { Kept::memory() };
        assert!(lab.find("in-c").unwrap().is_some());
        let roles = |requests: Vec<String>| -> Vec<String> {
            let names = requests.into_iter();
            names.filter(|name| !name.contains("root") && !name.contains("timestamp")).collect()
        };
        assert_eq!(
            roles(lab.requests()),
            ["1.snapshot.json", "1.targets.json", "1.a.json", "1.b.json", "1.c.json"]
        );
        // By another client, by the same one twice, and after another role has changed.
        let client = lab.repository();
        for target in ["in-c", "in-c", "in-b", "nowhere"] {
            assert_eq!(find(&client, target), Ok(target != "nowhere"));
        }
        assert_eq!(roles(lab.requests()), [""; 0]);
        lab.forge.bump("c");
        lab.serve();
        client.refresh().unwrap();
        assert_eq!(find(&client, "in-c"), Ok(true));
        assert_eq!(roles(lab.requests()), ["2.snapshot.json", "2.c.json"]);
        // The delegating role is new, the others are what they were.
        lab.forge.bump("a");
        lab.serve();
        assert!(lab.find("in-c").unwrap().is_some());
        assert_eq!(roles(lab.requests()), ["3.snapshot.json", "2.a.json"]);
    }
}

#[test]
fn offline_the_cache_answers_with_consistent_snapshots_and_without() {
    for consistent in [true, false] {
        for on_disk in [true, false] {
            let mut forge = tree();
            forge.consistent_snapshot(consistent);
            let mut lab = Lab::of(forge);
            lab.store = if on_disk { Kept::folder() } else { Kept::memory() };
            assert!(lab.find("in-b").unwrap().is_some());
            lab.requests();
            lab.freshness = Freshness::Offline;
            let client = lab.repository();
            for _ in 0..2 {
                client.refresh().unwrap();
                assert_eq!(find(&client, "in-b"), Ok(true));
                assert_eq!(find(&client, "file.txt"), Ok(true));
                assert_eq!(find(&client, "in-c"), Err("NOT_CACHED"), "c was never asked for");
            }
            let found = client.find(&TargetName::new("in-b").unwrap()).unwrap().unwrap();
            assert_eq!(client.download(&found, Vec::new()).unwrap_err().code(), "UNSUPPORTED");
            assert!(lab.requests().is_empty(), "nobody is asked");
        }
    }
}

#[test]
fn patterns_with_other_signs_than_ours_do_not_end_the_look_up() {
    let strange = [
        "**", "**/x", "[", "]", "[a", "a[!", "[z-a]", "{", "{a,", "\\", "a\\", "(", "***", "", "/", "//",
        "?[",
    ];
    let mut forge = TufForge::new();
    forge.delegate("targets", "strange", &keys::<1>(), 1, &strange);
    forge.delegate("targets", "plain", &keys::<1>(), 1, &["dir/*"]);
    forge.add_target("plain", "dir/file", b"content");
    let lab = Lab::of(forge);
    let found = lab.find("dir/file").unwrap().expect("the other role is asked");
    assert_eq!(found.role().as_str(), "plain");
    assert!(!lab.requests().contains(&"1.strange.json".to_owned()), "none of them fits");
    // They stand for themselves, two stars for what one of them stands for.
    let mut forge = TufForge::new();
    forge.delegate("targets", "stars", &keys::<1>(), 1, &["**/f**e"]);
    forge.add_target("stars", "dir/file", b"content");
    forge.add_target("stars", "dir/dir/file", b"content");
    let lab = Lab::of(forge);
    assert_eq!(lab.find("dir/file").unwrap().unwrap().role().as_str(), "stars");
    assert!(lab.find("dir/dir/file").unwrap().is_none(), "no star crosses a slash");
    for pattern in ["[", "a[!", "{a,", "\\"] {
        let mut forge = TufForge::new();
        forge.delegate("targets", "strange", &keys::<1>(), 1, &[pattern]);
        forge.add_target("strange", pattern, b"content");
        assert!(Lab::of(forge).find(pattern).unwrap().is_some(), "{pattern}");
    }
}
