//! Signatures that come together in steps, from people who don't trust the post.

use tuf_notary::{
    crypto::{PrivateKey, Signer as _},
    edit::{EditError, repository::SigningRequest},
    name::RoleName,
};

use super::lab::{DAY, Lab, info, key, names, target};

/// A root of two out of three, one of which is at hand.
fn with_owners() -> (Lab, [PrivateKey; 2]) {
    let (mut lab, owners) = (Lab::unpublished(), [key(), PrivateKey::generate_ecdsa().unwrap()]);
    let mut editor = lab.editor();
    for owner in &owners {
        editor.add_key(&RoleName::Root, owner.public_key()).unwrap();
    }
    editor.set_threshold(&RoleName::Root, 2).unwrap();
    lab.publish_with(&editor, &[&owners[0]]);
    (lab, owners)
}

#[test]
fn th_01_nothing_leaves_below_a_threshold() {
    let (lab, owners) = with_owners();
    let mut editor = lab.open();
    editor.renew(&RoleName::Root).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    let missing = release.request().missing().unwrap();
    assert_eq!((missing[0].needed, missing[0].valid, missing[0].keys.len()), (2, 0, 3));
    release.sign(&lab.offline).unwrap();
    assert_eq!(release.sign(&lab.offline).unwrap(), [], "once is enough");
    let error = release.clone().complete(lab.now).unwrap_err();
    assert!(matches!(error, EditError::Unsigned { needed: 2, valid: 1, .. }), "{error}");
    release.sign(&owners[1]).unwrap();
    assert_eq!(release.request().missing().unwrap(), []);
    assert_eq!(names(&release.complete(lab.now).unwrap()), ["2.root.json"]);
}

#[test]
fn requests_are_carried_signed_and_merged() {
    let (mut lab, owners) = with_owners();
    let mut editor = lab.open();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    editor.add_key(&RoleName::Timestamp, owners[0].public_key()).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    let sent = release.request().to_bytes();
    let back: Vec<_> = owners.iter().map(|owner| signed(&sent, owner)).collect();
    for request in &back {
        assert!(release.merge(request).unwrap() > 0);
        assert_eq!(release.merge(request).unwrap(), 0, "nothing new");
    }
    lab.sign(&mut release, &[]);
    let publication = release.complete(lab.now).unwrap();
    lab.upload(&publication);
    assert_eq!(lab.client().root().body().version.get(), 2);
}

fn signed(sent: &[u8], owner: &PrivateKey) -> SigningRequest {
    let mut request = SigningRequest::read(sent).unwrap();
    assert_eq!(request.to_bytes(), sent, "read as it was written");
    let root = request.documents().iter().find_map(|document| document.as_root()).unwrap();
    assert_eq!(root.version.get(), 2, "a signer can look at it");
    assert!(request.sign(owner).unwrap().contains(&RoleName::Root));
    SigningRequest::read(&request.to_bytes()).unwrap()
}

#[test]
fn a_request_comes_back_to_another_process() {
    let (mut lab, owners) = with_owners();
    let mut editor = lab.open();
    editor.remove_key(&RoleName::Root, owners[0].public_key()).unwrap();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    let release = editor.stage(lab.now).unwrap();
    let back = signed(&release.request().to_bytes(), &owners[1]);
    lab.now += DAY * 5;
    let mut release = lab.open().resume(&back).unwrap();
    lab.sign(&mut release, &[]);
    let error = release.clone().complete(lab.now).unwrap_err();
    assert!(matches!(error, EditError::Rejected(_)), "the timestamp is expired: {error}");
    release.redate(&RoleName::Timestamp, lab.now).unwrap();
    assert_eq!(release.request().missing().unwrap()[0].role, RoleName::Timestamp);
    lab.sign(&mut release, &[]);
    let publication = release.complete(lab.now).unwrap();
    lab.upload(&publication);
    assert!(lab.client().targets().body().targets.get("v2").is_some());
    let error = lab.open().resume(&back).unwrap_err();
    assert!(matches!(error, EditError::NotPinned { .. }), "published by now: {error}");
}

#[test]
fn wk_01_what_a_request_says_of_keys_counts_for_nothing_at_home() {
    let (lab, owners) = with_owners();
    let stranger = key();
    let mut editor = lab.open();
    editor.renew(&RoleName::Root).unwrap();
    let release = editor.stage(lab.now).unwrap();
    let sent = String::from_utf8(release.request().to_bytes()).unwrap();
    // Somebody on the way puts a key of his own beside those that may sign.
    let mut forged: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let mut other = lab.editor();
    let id = other.add_key(&RoleName::Root, stranger.public_key()).unwrap();
    let public = data_encoding::HEXLOWER.encode(stranger.public_key().published());
    let authority = &mut forged["documents"][0]["authorities"][0];
    authority["keyids"].as_array_mut().unwrap().push(id.as_str().into());
    authority["keys"][id.as_str()] =
        serde_json::json!({"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"});
    let mut request = SigningRequest::read(forged.to_string().as_bytes()).unwrap();
    request.sign(&stranger).unwrap();
    request.sign(&owners[0]).unwrap();
    let mut home = release.clone();
    assert_eq!(home.merge(&request).unwrap(), 1, "only the owner's");
    assert!(matches!(home.complete(lab.now), Err(EditError::Unsigned { valid: 1, .. })));
    let resumed = lab.open().resume(&request).unwrap();
    assert!(matches!(resumed.complete(lab.now), Err(EditError::Unsigned { valid: 1, .. })));
}

#[test]
fn a_request_that_says_something_else_is_not_merged() {
    let (lab, owners) = with_owners();
    let mut editor = lab.open();
    editor.renew(&RoleName::Root).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    let other = editor.stage(lab.now + DAY).unwrap();
    let mut request = other.request().clone();
    request.sign(&owners[0]).unwrap();
    assert!(matches!(release.merge(&request), Err(EditError::NotPinned { .. })));
    for bytes in [&b""[..], b"{}", b"[]", b"{\"documents\":[],\"format\":\"x\"}"] {
        assert!(SigningRequest::read(bytes).is_err());
    }
}

#[test]
fn signatures_of_other_programs_are_added_when_they_verify() {
    let lab = Lab::unpublished();
    let mut release = lab.editor().stage(lab.now).unwrap();
    let root = release.request().documents().iter().find(|it| *it.role() == RoleName::Root).unwrap();
    let (id, signature) =
        (root.as_root().unwrap().root.key_ids[0].clone(), lab.offline.sign(root.message()).unwrap());
    let mut wrong = signature.clone();
    wrong[7] ^= 1;
    let error = release.add_signature(&RoleName::Root, &id, wrong).unwrap_err();
    assert!(matches!(error, EditError::BadSignature { .. }), "{error}");
    release.add_signature(&RoleName::Root, &id, signature.clone()).unwrap();
    release.add_signature(&RoleName::Root, &id, signature.clone()).unwrap();
    release.sign(&lab.offline).unwrap();
    release.sign(&lab.online).unwrap();
    let unknown = "somebody".parse().unwrap();
    assert!(matches!(
        release.add_signature(&RoleName::Root, &unknown, signature),
        Err(EditError::NotListed { .. })
    ));
    release.complete(lab.now).unwrap();
}
