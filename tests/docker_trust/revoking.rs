//! Revoking: what is taken back is gone, wherever it lay.

use crate::lab::*;

#[test]
fn a_revoked_tag_is_gone_from_targets_too() {
    let test = "a_revoked_tag_is_gone_from_targets_too";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let repository = lab.image("app");
    let image = |tag: &str| lab.image(&format!("app:{tag}"));
    for tag in ["v1", "v2"] {
        lab.registry.push("app", tag, tag);
        alice.ours(["sign", &image(tag)]).ok();
    }
    let key = alice.generate("alice");
    alice.ours(["signer", "add", "--key", &key, "alice", &repository]).ok();
    lab.registry.push("app", "v1", "newer");
    alice.ours(["sign", "--local", &image("v1")]).ok();
    assert_eq!(tags(&alice.inspect(&lab, &image("v1"))).len(), 2, "the older one lies in targets");

    alice.ours(["revoke", &image("v1")]).ok();
    assert!(tags(&alice.inspect(&lab, &image("v1"))).is_empty(), "Docker would have left the older one");
    // Only in targets: Docker reports success and leaves it.
    let revoked = alice.ours(["revoke", &image("v2")]).ok();
    assert_eq!(revoked.stdout, format!("Successfully deleted signature for {}\n", image("v2")));
    assert!(tags(&alice.inspect(&lab, &repository)).is_empty());
    let refused = alice.ours(["revoke", &image("v2")]).failed();
    let expected = format!("could not remove signature for {}: No valid trust data for v2\n", image("v2"));
    assert_eq!(refused.stderr, expected);
}

#[test]
fn all_tags_go_after_a_yes() {
    let test = "all_tags_go_after_a_yes";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let repository = lab.image("app");
    for tag in ["v1", "v2"] {
        lab.registry.push("app", tag, tag);
        alice.ours(["sign", &lab.image(&format!("app:{tag}"))]).ok();
    }
    let question = format!("Confirm you would like to delete all signature data for {repository}? [y/N] ");
    for answer in ["", "n\n", "yes\n"] {
        assert_eq!(alice.ours_told(["revoke", &repository], answer).ok().stdout, question);
    }
    assert_eq!(tags(&alice.inspect(&lab, &repository)).len(), 2);
    let revoked = alice.ours_told(["revoke", &repository], "y\n").ok();
    assert_eq!(revoked.stdout, format!("{question}Successfully deleted signature for {repository}\n"));
    assert!(tags(&alice.inspect(&lab, &repository)).is_empty());
    let refused = alice.ours(["revoke", "--yes", &repository]).failed();
    assert_eq!(
        refused.stderr,
        format!("could not remove signature for {repository}: no signed tags to remove\n")
    );
}

/// A signer who does not hold the others' keys takes back what Docker would pull.
#[test]
fn one_signer_revokes_what_another_has_signed_too() {
    let test = "one_signer_revokes_what_another_has_signed_too";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(bob) = Person::new(test, &lab) else { return };
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    for (person, name) in [(&alice, "alice"), (&bob, "bob")] {
        let key = person.generate(name);
        alice.ours(["signer", "add", "--key", &key, name, &repository]).ok();
    }
    lab.registry.push("app", "v1", "first");
    alice.ours(["sign", &image]).ok();
    bob.ours(["sign", &image]).ok();
    bob.ours(["revoke", &image]).ok();
    assert!(tags(&alice.inspect(&lab, &repository)).is_empty());
}
