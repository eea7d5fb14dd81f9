//! Folders as Notary 0.1 and 0.3 left them.

use super::*;

const GUN: &str = "registry.example.com/team/app";

/// A folder with a root key and a targets key of the first layout, and a key of the second.
fn old() -> (Folder, [KeyId; 3]) {
    let folder = Folder::with("long enough");
    let make = |place: &str, role: &str, headers: bool| {
        let key = PrivateKey::generate_ecdsa().unwrap();
        let id = canonical_id(key.public_key());
        let mut block = key.to_encrypted_pem("long enough", role, None).unwrap();
        let name = if headers {
            format!("{id}.key")
        } else {
            block.headers.clear();
            format!("{id}_{role}.key")
        };
        let path = folder.path(place).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, block.to_text().unwrap()).unwrap();
        id
    };
    let root = make("root_keys", "root", false);
    let targets = make(&format!("tuf_keys/{GUN}"), "targets", false);
    let alice = make("tuf_keys", "alice", true);
    (folder, [root, targets, alice])
}

fn expected([root, targets, alice]: &[KeyId; 3]) -> Vec<KeyInfo> {
    let gun = Gun::new(GUN).unwrap();
    let label = KeyRole::new("alice").unwrap();
    vec![
        KeyInfo::new(root.clone(), &KeyRole::Root, None),
        KeyInfo::new(alice.clone(), &label, None),
        KeyInfo::new(targets.clone(), &KeyRole::Targets, Some(&gun)),
    ]
}

#[test]
fn ks_15_old_layouts_are_read_where_they_lie() {
    let (folder, ids) = old();
    assert_eq!(folder.keys.list().unwrap(), expected(&ids));
    for id in &ids {
        assert_eq!(canonical_id(folder.keys.signer(id).unwrap().public_key()), *id);
    }
    assert_eq!(folder.keys.export_all().unwrap().keys, expected(&ids));
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["root_keys", "tuf_keys"], "reading moves nothing");
    folder.keys.remove(&ids[0]).unwrap();
    assert!(folder.keys.signer(&ids[0]).unwrap_err().is_not_found());
}

#[test]
fn ks_15_old_layouts_are_migrated() {
    let (folder, ids) = old();
    let before: Vec<_> = ids.iter().map(|id| folder.keys.signer(id).unwrap().public_key().clone()).collect();
    let mut done = folder.keys.migrate().unwrap();
    KeyInfo::sort(&mut done.moved);
    assert_eq!(done.moved, expected(&ids));
    assert!(done.left.is_empty(), "{done:?}");
    let mut names = folder.names();
    let mut files: Vec<_> = ids.iter().map(|id| format!("{id}.key")).collect();
    names.sort();
    files.sort();
    assert_eq!(names, files, "old folders are gone");
    assert_eq!(folder.keys.list().unwrap(), expected(&ids));
    for (id, public) in ids.iter().zip(&before) {
        assert_eq!(folder.keys.signer(id).unwrap().public_key(), public);
    }
    let text = fs::read_to_string(folder.path(&format!("{}.key", ids[1]))).unwrap();
    let head = format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\ngun: {GUN}\nrole: targets\n\n");
    assert!(text.starts_with(&head), "{text}");
    assert!(folder.keys.migrate().unwrap().moved.is_empty());
}

#[test]
fn cr_07_what_can_not_be_moved_stays_and_the_rest_is_whole() {
    let (folder, ids) = old();
    let bad = folder.path(&format!("root_keys/{}_root.key", "1".repeat(64)));
    fs::write(&bad, "no PEM").unwrap();
    let note = folder.path("tuf_keys/note.txt");
    fs::write(&note, "keep").unwrap();
    // Another file at a key's new place: neither of the two is lost.
    let taken = folder.put(ids[1].as_str(), ALICE);
    let done = folder.keys.migrate().unwrap();
    assert_eq!((done.moved.len(), done.left.len()), (2, 2), "{done:?}");
    assert!(bad.exists() && note.exists());
    assert_eq!(fs::read_to_string(folder.path(&format!("{taken}.key"))).unwrap(), ALICE);
    assert!(folder.path(&format!("tuf_keys/{GUN}/{taken}_targets.key")).exists());
}

#[test]
fn cr_07_a_migration_that_was_interrupted_is_finished() {
    let (folder, ids) = old();
    // As after a crash between writing the new file and removing the old one.
    let old_root = folder.path(&format!("root_keys/{}_root.key", ids[0]));
    let text = fs::read_to_string(&old_root).unwrap();
    folder.put(ids[0].as_str(), &text.replacen("-----\n", "-----\nrole: root\n\n", 1));
    assert_eq!(folder.keys.list().unwrap().len(), 3);
    assert_eq!(folder.keys.migrate().unwrap().moved.len(), 3);
    assert!(!old_root.exists());
    assert!(folder.keys.signer(&ids[0]).is_ok());
}

#[cfg(unix)]
#[test]
fn ks_03_links_in_old_layouts_are_passed_over() {
    let (folder, ids) = old();
    let outside = folder.outer.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join(format!("{PLAIN_ID}_root.key")), PLAIN).unwrap();
    std::os::unix::fs::symlink(&outside, folder.path("root_keys/more")).unwrap();
    std::os::unix::fs::symlink(&outside, folder.path("tuf_keys/loop")).unwrap();
    assert_eq!(folder.keys.list().unwrap(), expected(&ids));
    assert_eq!(folder.keys.migrate().unwrap().moved.len(), 3);
    assert!(outside.join(format!("{PLAIN_ID}_root.key")).exists());
}
