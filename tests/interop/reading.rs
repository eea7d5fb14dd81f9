//! What `notary` publishes, we verify.

use std::fs;

use crate::lab::*;

#[test]
fn tags_that_notary_publishes_are_verified_and_removed_ones_are_not_signed() {
    for tls in SPEECHES {
        let test = "tags_that_notary_publishes_are_verified_and_removed_ones_are_not_signed";
        let Some((server, notary)) = start_as(test, tls) else { return };
        notary.init(GUN).ok();
        notary_signs(&notary, "v1", b"one");
        let file = notary.home().join("content");
        fs::write(&file, b"two").unwrap();
        notary.run(["add", GUN, "v2", file.to_str().unwrap(), "--publish"], b"").ok();

        let ours = fresh(&server);
        let view = ours.refresh().unwrap();
        let expected = [row("v1", b"one", "targets"), row("v2", b"two", "targets")];
        agree(&notary, &view, &["targets"], &expected);
        let (v1, v2) = (view.target("v1").unwrap(), view.target("v2").unwrap());
        assert!(v1.hashes().sha512.is_none() && v2.hashes().sha512.is_some());
        v1.verify(b"one").unwrap();
        v2.verify(b"two").unwrap();
        assert_eq!(v2.verify(b"twO").unwrap_err().code(), "CONTENT_MISMATCH");
        assert_eq!(view.target("v3").unwrap_err().code(), "NOT_SIGNED");
        // The first version of targets on a server is 2: notary made version 1 for itself.
        assert_eq!((version(&view, "root"), version(&view, "targets")), (1, 3));

        notary.remove(GUN, "v1").ok();
        notary.publish(GUN).ok();
        let view = ours.refresh().unwrap();
        assert_eq!(view.target("v1").unwrap_err().code(), "NOT_SIGNED");
        agree(&notary, &view, &["targets"], &[row("v2", b"two", "targets")]);
    }
}

#[test]
fn names_and_custom_data_that_stress_the_canonical_form_are_verified() {
    let test = "names_and_custom_data_that_stress_the_canonical_form_are_verified";
    let Some((server, notary)) = start(test) else { return };
    let custom = notary.home().join("custom");
    // Notary signs custom data as it stands and verifies its canonical form: only that can serve.
    fs::write(&custom, r#"{"a":{"b":"é"},"z":[1,true,null]}"#).unwrap();
    notary.init(GUN).ok();
    let names = ["a<b", "x&y", "é", "\u{fb00}", "\u{1f600}", "p\u{2028}q", "quo\"te", "back\\slash"];
    for name in names {
        notary.add_hash(GUN, name, 3, &sha256(b"one")).ok();
    }
    let custom = custom.to_str().unwrap();
    notary.run(["addhash", GUN, "custom", "3", "--sha256", &sha256(b"one"), "--custom", custom], b"").ok();
    notary.publish(GUN).ok();

    let view = fresh(&server).refresh().unwrap();
    for name in names {
        view.target(name).unwrap().verify(b"one").unwrap();
    }
    assert_eq!(view.target("custom").unwrap().custom(), Some(r#"{"a":{"b":"é"},"z":[1,true,null]}"#));
    assert_eq!(view.targets().unwrap().len(), names.len() + 1);
}

#[test]
fn a_certificate_of_another_authority_is_no_answer() {
    let test = "a_certificate_of_another_authority_is_no_answer";
    let Some((server, _notary)) = start_as(test, SPEECHES[1]) else { return };
    let Some((other, _notary)) = start_as(test, SPEECHES[2]) else { return };
    let builder = tuf_notary::transport::HttpTransport::builder(server.url().parse().unwrap(), &gun());
    let strange = builder.ca_pem(&fs::read(other.authority().unwrap()).unwrap()).build().unwrap();
    let ours = tuf_notary::blocking::Collection::builder(gun(), tuf_notary::verify::Trust::FirstUse)
        .transport(strange)
        .build();
    let error = ours.refresh().unwrap_err();
    assert!(error.is_unanswered() && error.code() == "NETWORK", "{error}");
    assert_eq!(fresh(&server).refresh().unwrap_err().code(), "NOT_SIGNED");
}
