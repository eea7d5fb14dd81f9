//! One trust folder, used by `notary` and by us.

use std::fs;

use crate::{common::notary_cli::listed, lab::*};

#[test]
fn a_trust_folder_of_notary_is_read_as_it_is_and_still_works_with_notary() {
    let test = "a_trust_folder_of_notary_is_read_as_it_is_and_still_works_with_notary";
    let Some((mut server, notary)) = start(test) else { return };
    let Some(publisher) = crate::common::notary_cli::NotaryCli::new(test, &server) else { return };
    publisher.init(GUN).ok();
    notary_signs(&publisher, "v1", b"one");
    let v1 = row("v1", b"one", "targets");
    assert_eq!(listed(&notary.list(GUN).ok()), std::slice::from_ref(&v1));

    // Its anchor is ours: it is kept byte by byte, and the record of it is made.
    let root = notary.trust_dir.join("tuf").join(GUN).join("metadata/root.json");
    let anchor = fs::read(&root).unwrap();
    let ours = ours(&server, &notary.trust_dir);
    agree(&notary, &ours.refresh().unwrap(), &["targets"], std::slice::from_ref(&v1));
    assert_eq!(fs::read(&root).unwrap(), anchor);
    assert!(notary.trust_dir.join("tuf-notary").is_dir());

    publisher.key_rotate(GUN, "root", false).ok();
    notary_signs(&publisher, "v2", b"two");
    let v2 = row("v2", b"two", "targets");
    agree(&notary, &ours.refresh().unwrap(), &["targets"], &[v1.clone(), v2.clone()]);
    notary_signs(&publisher, "v3", b"three");
    let expected = [v1, v2, row("v3", b"three", "targets")];
    assert_eq!(rows(&ours.refresh().unwrap(), &["targets"]), expected);

    // Only we have fetched v3: without a server, notary lists it from what we have written.
    server.stop();
    assert_eq!(listed(&notary.list(GUN).ok()), expected);
}

#[test]
fn a_root_that_notary_trusts_holds_us_too() {
    let test = "a_root_that_notary_trusts_holds_us_too";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    notary.list(GUN).ok();
    let Some((other, stranger)) = start(test) else { return };
    stranger.init(GUN).ok();
    notary_signs(&stranger, "v1", b"evil");
    let error = ours(&other, &notary.trust_dir).refresh().unwrap_err();
    assert_eq!(error.code(), "ROOT_CHANGED", "{error}");
    ours(&server, &notary.trust_dir).refresh().unwrap();
}

#[test]
fn notary_deletes_its_cache_and_our_floors_stay() {
    let test = "notary_deletes_its_cache_and_our_floors_stay";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let client = ours(&server, &notary.trust_dir);
    client.refresh().unwrap();
    notary.delete(GUN, false).ok();
    let error = client.refresh().unwrap_err();
    assert_eq!(error.code(), "LOCAL_STATE", "an anchor that is gone is no first use: {error}");
    client.dangerous().forget().unwrap();
    client.refresh().unwrap();
}
