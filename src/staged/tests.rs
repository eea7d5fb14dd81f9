use std::num::NonZeroU32;

use super::*;
use crate::{
    crypto::{KeyKind, PublicKey},
    disk::FileError,
    edit::{Change, KeyScope},
    metadata::TargetInfo,
    name::{Hashes, KeyId, RoleName, SignerName, TargetName},
};

struct Lab {
    home: tempfile::TempDir,
    list: DirectoryChangelist,
}

fn lab() -> Lab {
    let home = tempfile::tempdir().unwrap();
    let list = DirectoryChangelist::open(&home.path().join("trust"), &Gun::new("example.com/one").unwrap());
    Lab { home, list }
}

impl Lab {
    fn folder(&self) -> PathBuf {
        self.home.path().join("trust/tuf/example.com/one/changelist")
    }

    fn plant(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(self.folder()).unwrap();
        fs::write(self.folder().join(name), content).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let staged = self.list.list().unwrap();
        staged.iter().map(|it| it.file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn paths(&self) -> Vec<String> {
        let staged = self.list.list().unwrap();
        staged.iter().map(|it| it.change.as_ref().unwrap().path().to_owned()).collect()
    }
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

fn info(custom: Option<&str>) -> TargetInfo {
    TargetInfo { length: 3, hashes: Hashes::sha256([1; 32]), custom: custom.map(str::to_owned) }
}

fn sign(names: &[&str]) -> Changes {
    let sign = |changes: Changes, name: &&str| changes.sign_as(RoleName::Targets, target(name), info(None));
    names.iter().fold(Changes::new(), sign)
}

/// One of each that Notary's format can say.
fn all() -> Changes {
    let key = PublicKey::new(KeyKind::Ed25519, vec![7; 32]);
    let ids = || vec![KeyId::from_digest(&[9; 32])];
    let alice = || role("targets/alice");
    Changes::new()
        .sign_as(RoleName::Targets, target("v1"), info(Some(r#"{"a":1}"#)))
        .revoke_as(alice(), target("v0"))
        .delegate(alice(), vec![key.clone()], NonZeroU32::MIN.saturating_add(1), Vec::new())
        .delegate(alice(), Vec::new(), NonZeroU32::MIN, vec![String::new(), "a/".to_owned()])
        .remove_keys(KeyScope::Role(alice()), ids())
        .remove_keys(KeyScope::Below(RoleName::Targets), ids())
        .remove_paths(alice(), vec!["a/".to_owned(), String::new()])
        .clear_paths(alice())
        .witness(alice())
        .undelegate(alice())
}

#[test]
fn what_is_staged_is_loaded_in_order() {
    let lab = lab();
    assert_eq!(lab.list.load().unwrap().0, Changes::new().repeatable());
    assert!(!lab.home.path().join("trust").exists(), "reading creates nothing");
    lab.list.stage(&all()).unwrap();
    let (changes, receipt) = lab.list.load().unwrap();
    assert_eq!(changes, all().repeatable());
    let staged = lab.list.list().unwrap();
    assert_eq!(staged.len(), all().iter().count());
    for staged in &staged {
        staged.change.as_ref().unwrap();
        assert!(staged.time.unwrap().elapsed().unwrap().as_secs() < 60);
    }
    lab.list.clear(&receipt).unwrap();
    lab.list.clear(&receipt).unwrap();
    assert!(lab.list.list().unwrap().is_empty());
}

#[test]
fn a_signer_becomes_two_delegations_and_keys_come_before_paths() {
    let lab = lab();
    let keys = || vec![PublicKey::new(KeyKind::Ed25519, vec![7; 32])];
    lab.list.stage(&Changes::new().add_signer(SignerName::new("alice").unwrap(), keys())).unwrap();
    let expected = ["targets/alice", "targets/releases"].into_iter().fold(Changes::new(), |changes, name| {
        let changes = changes.delegate(role(name), keys(), NonZeroU32::MIN, Vec::new());
        changes.delegate(role(name), Vec::new(), NonZeroU32::MIN, vec![String::new()])
    });
    assert_eq!(lab.list.load().unwrap().0, expected.repeatable());
}

#[test]
fn what_can_t_be_said_is_refused_and_nothing_of_its_batch_is_staged() {
    let lab = lab();
    lab.list.stage(&sign(&["before"])).unwrap();
    let alice = SignerName::new("alice").unwrap();
    for change in [
        Change::Sign { role: None, name: target("v2"), info: info(None) },
        Change::Sign { role: Some(RoleName::Root), name: target("v2"), info: info(None) },
        Change::Sign { role: Some(RoleName::Targets), name: target("v2"), info: info(Some("{\"a\":\"<\"}")) },
        Change::Sign { role: Some(RoleName::Targets), name: target("v2"), info: info(Some("{")) },
        Change::Revoke { role: None, name: target("v2") },
        Change::RemoveSigner { name: alice.clone(), keep_tags: true },
        Change::AddSigner { name: alice, keys: Vec::new() },
        Change::Restart { role: role("targets/alice") },
        Change::Renew { within: std::time::Duration::ZERO },
        Change::Witness { role: RoleName::Root },
        Change::Undelegate { role: RoleName::Targets },
        Change::RemoveKeys { scope: KeyScope::Below(RoleName::Targets), keys: Vec::new() },
    ] {
        let outcome = lab.list.stage(&sign(&["v1"]).with(change.clone()));
        let refused = matches!(outcome, Err(StagedError::NotStageable { .. }));
        assert!(refused, "{change:?}: {outcome:?}");
        assert_eq!(lab.paths(), ["before"], "{change:?}");
    }
}

#[test]
fn a_batch_that_fails_half_way_is_taken_back() {
    let lab = lab();
    lab.plant(&format!("{}_x.change", u64::MAX - 2), b"");
    let error = lab.list.stage(&sign(&["v1", "v2"])).unwrap_err();
    assert!(matches!(error, StagedError::Clock), "{error}");
    assert_eq!(lab.names().len(), 1);
    lab.list.stage(&sign(&["v1"])).unwrap();
    assert_eq!(lab.names().len(), 2);
}

#[test]
fn every_file_counts_and_folders_do_not() {
    let lab = lab();
    lab.list.stage(&sign(&["v1"])).unwrap();
    lab.plant(
        "zz.change~",
        br#"{"action":"delete","role":"targets","type":"target","path":"v0","data":null}"#,
    );
    fs::create_dir(lab.folder().join("00000000000000000000_folder.change")).unwrap();
    assert_eq!(lab.paths(), ["v1", "v0"]);
    assert_eq!(lab.list.list().unwrap()[1].time, None);
    lab.list.reset_all().unwrap();
    assert!(lab.names().is_empty());
    assert!(lab.folder().join("00000000000000000000_folder.change").is_dir());
}

#[test]
fn resetting_goes_by_the_numbers_of_the_list() {
    let lab = lab();
    lab.list.stage(&sign(&["v0", "v1", "v2", "v3"])).unwrap();
    let error = lab.list.reset(&[0, 4]).unwrap_err();
    assert_eq!(error.to_string(), "there is no staged change 4, there are 4");
    assert_eq!(lab.paths().len(), 4, "all or nothing");
    lab.list.reset(&[2, 0, 2]).unwrap();
    assert_eq!(lab.paths(), ["v1", "v3"]);
}

#[cfg(unix)]
#[test]
fn files_are_private_and_nothing_else_lies_beside_them() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    lab.list.stage(&all()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for staged in lab.list.list().unwrap() {
        assert_eq!(mode(&staged.file), 0o600);
    }
    for folder in ["trust", "trust/tuf", "trust/tuf/example.com", "trust/tuf/example.com/one/changelist"] {
        assert_eq!(mode(&lab.home.path().join(folder)), 0o700);
    }
    let beside: Vec<_> = fs::read_dir(lab.folder().parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let lab = lab();
    let elsewhere = lab.home.path().join("elsewhere");
    fs::write(&elsewhere, br#"{"action":"delete","role":"targets","type":"target","path":"v0","data":null}"#)
        .unwrap();
    fs::create_dir_all(lab.folder()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, lab.folder().join("link.change")).unwrap();
    let error = lab.list.load().unwrap_err();
    assert!(matches!(error, StagedError::File(FileError::NotAFile { .. })), "{error}");
    lab.list.reset(&[0]).unwrap();
    assert!(elsewhere.exists() && lab.names().is_empty());
}

#[test]
fn a_large_file_is_not_read() {
    let lab = lab();
    lab.plant("a", &vec![b' '; usize::try_from(MAX_FILE).unwrap() + 1]);
    let error = lab.list.load().unwrap_err();
    assert!(matches!(error, StagedError::File(FileError::TooLarge { .. })), "{error}");
}
