//! PP: a repository is uploaded file by file, and clients come in between.

use tuf_notary::{
    crypto::PrivateKey,
    edit::repository::{Lifetimes, Publication, RepositoryEditor},
    metadata::TargetInfo,
    name::{Resource, RoleName, TargetName},
    testkit::{TufForge, TufPublished},
    wire::Bytes,
};

use crate::lab::{Lab, version};

fn edit(editor: &RepositoryEditor, key: &PrivateKey) -> Publication {
    let mut release = editor.stage(TufForge::now()).unwrap();
    release.sign(key).unwrap();
    release.complete(TufForge::now()).unwrap()
}

fn upload(server: &mut TufPublished, files: &[(Resource, Bytes)]) {
    for (what, bytes) in files {
        server.insert(what.clone(), bytes.to_vec());
        // The first root is what clients are shipped with.
        if what.role == RoleName::Root {
            server.insert(Resource::latest(RoleName::Root), bytes.to_vec());
        }
    }
}

/// A first release, and the files of a second one in the order in which they are to be uploaded.
fn releases(consistent: bool) -> (TufPublished, Vec<(Resource, Bytes)>) {
    let key = PrivateKey::generate_ed25519().unwrap();
    let mut editor = RepositoryEditor::new(Lifetimes::default());
    editor.set_consistent_snapshot(consistent);
    for role in [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp] {
        editor.add_key(&role, key.public_key()).unwrap();
    }
    let add = |editor: &mut RepositoryEditor, name: &str| {
        let name = TargetName::new(name).unwrap();
        editor.add_target(&RoleName::Targets, &name, &TargetInfo::from_bytes(b"content")).unwrap();
    };
    add(&mut editor, "v1");
    let first = edit(&editor, &key);
    let mut server = TufPublished::default();
    upload(&mut server, &owned(&first));
    let mut editor = first.into_editor();
    add(&mut editor, "v2");
    editor.renew(&RoleName::Root).unwrap();
    (server, owned(&edit(&editor, &key)))
}

fn owned(publication: &Publication) -> Vec<(Resource, Bytes)> {
    publication.resources().map(|(what, bytes)| (what.clone(), bytes.clone())).collect()
}

fn client(server: &TufPublished) -> Lab {
    let mut lab = Lab::new();
    lab.shipped = server.newest("root");
    lab.server.serve(server);
    lab.refresh().unwrap();
    lab.requests();
    lab
}

#[test]
fn pp_06_leaves_first_and_the_timestamp_last_and_no_client_in_between_fails() {
    let (first, second) = releases(true);
    let names: Vec<_> = second.iter().map(|(what, _)| what.tuf_name()).collect();
    assert_eq!(names, ["2.targets.json", "2.snapshot.json", "2.root.json", "timestamp.json"]);
    for uploaded in 0..=second.len() {
        let lab = client(&first);
        let mut server = first.clone();
        upload(&mut server, &second[..uploaded]);
        lab.server.serve(&server);
        let set = lab.refresh().unwrap_or_else(|error| panic!("{uploaded} files: {error}"));
        let newest = if uploaded == second.len() { 2 } else { 1 };
        assert_eq!(version(&set, "targets"), newest, "{uploaded} files");
        upload(&mut server, &second);
        assert_eq!(version(&lab.recovers(&server), "targets"), 2);
    }
}

#[test]
fn pp_06_the_timestamp_first_fails_cleanly_and_the_rest_heals_it() {
    let (first, mut second) = releases(true);
    second.reverse();
    for uploaded in 1..second.len() {
        let lab = client(&first);
        let mut server = first.clone();
        upload(&mut server, &second[..uploaded]);
        lab.server.serve(&server);
        let kept = lab.kept("targets");
        lab.refused("MISSING");
        assert_eq!((lab.kept_version("timestamp"), lab.kept("targets")), (Some(2), kept));
        upload(&mut server, &second);
        assert_eq!(version(&lab.recovers(&server), "targets"), 2);
    }
}
