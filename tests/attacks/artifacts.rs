//! AD: content that is not what was signed.

use data_encoding::BASE64;
use serde_json::json;
use sha2::{Digest as _, Sha256, Sha512};

use crate::lab::Lab;

const CONTENT: &[u8] = b"a manifest";

fn sha256(content: &[u8]) -> String {
    BASE64.encode(Sha256::digest(content).as_slice())
}

fn sha512(content: &[u8]) -> String {
    BASE64.encode(Sha512::digest(content).as_slice())
}

/// A client of a collection whose tag `v2` has this entry.
fn signed(entry: serde_json::Value) -> tuf_notary::view::SignedTarget {
    let mut lab = Lab::new();
    lab.forge.doc("targets")["targets"]["v2"] = entry;
    lab.serve();
    lab.refresh().unwrap().target("v2").unwrap()
}

#[test]
fn ad_06_without_sha256_there_is_no_image_digest() {
    let target = signed(json!({ "hashes": { "sha512": sha512(CONTENT) }, "length": CONTENT.len() }));
    assert_eq!(target.image_digest().unwrap_err().code(), "NO_DIGEST");
    target.verify(CONTENT).expect("as content it can be compared");
    assert_eq!(target.verify(b"a Manifest").unwrap_err().code(), "CONTENT_MISMATCH");
}

#[test]
fn ad_06_without_any_digest_the_metadata_or_the_content_is_refused() {
    for hashes in [json!({}), json!({ "md5": "AAAA" }), json!({ "SHA256": sha256(CONTENT) })] {
        let mut lab = Lab::new();
        lab.forge.doc("targets")["targets"]["v2"] = json!({ "hashes": hashes, "length": CONTENT.len() });
        lab.serve();
        match lab.refresh() {
            Ok(view) => {
                let target = view.target("v2").unwrap();
                assert_eq!(target.image_digest().unwrap_err().code(), "NO_DIGEST");
                assert_eq!(target.verify(CONTENT).unwrap_err().code(), "NO_DIGEST");
            }
            Err(error) => assert_eq!(error.code(), "MALFORMED"),
        }
    }
}

#[test]
fn ad_07_another_length_is_refused_though_the_digest_is_right() {
    for length in [0, CONTENT.len() - 1, CONTENT.len() + 1, 1 << 40] {
        let target = signed(json!({ "hashes": { "sha256": sha256(CONTENT) }, "length": length }));
        let error = target.verify(CONTENT).unwrap_err();
        assert_eq!(error.code(), "CONTENT_MISMATCH");
        assert!(error.to_string().contains("length"), "{error}");
    }
    let target = signed(json!({ "hashes": { "sha256": sha256(CONTENT) }, "length": CONTENT.len() }));
    target.verify(CONTENT).unwrap();
    assert!(target.image_digest().unwrap().starts_with("sha256:"));
}

#[test]
fn every_digest_that_is_listed_must_match() {
    let other = b"another";
    for (first, second) in [(sha256(other), sha512(CONTENT)), (sha256(CONTENT), sha512(other))] {
        let target =
            signed(json!({ "hashes": { "sha256": first, "sha512": second }, "length": CONTENT.len() }));
        assert_eq!(target.verify(CONTENT).unwrap_err().code(), "CONTENT_MISMATCH");
    }
}
