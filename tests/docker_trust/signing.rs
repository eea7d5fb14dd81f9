//! Signing and pulling, each by either program.

use crate::lab::*;

#[test]
fn what_we_sign_docker_pulls_and_a_changed_image_it_refuses() {
    let test = "what_we_sign_docker_pulls_and_a_changed_image_it_refuses";
    let Some(lab) = Lab::with_engine(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(reader) = Person::new(test, &lab) else { return };
    let image = lab.image("team/app:v1");
    let first = lab.registry.push("team/app", "v1", "first");

    reader.trusted_pull(&lab, &image).failed();
    let signed = alice.ours(["sign", &image]).ok();
    assert!(signed.stdout.ends_with(&format!("Successfully signed {image}\n")), "{signed:#?}");
    let pulled = reader.trusted_pull(&lab, &image).ok();
    assert!(pulled.says(&format!("{image}@sha256:{}", first.digest)), "{pulled:#?}");
    let rows = tags(&alice.inspect(&lab, &lab.image("team/app")));
    assert_eq!(rows, [("v1".to_owned(), first.digest.clone(), "Repo Admin".to_owned())]);

    // The tag moves: what is signed is still what Docker pulls, and we don't sign it unasked.
    let second = lab.registry.push("team/app", "v1", "second");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stdout.is_empty(), "{refused:#?}");
    for digest in [&first.digest, &second.digest] {
        assert!(refused.stderr.contains(digest.as_str()), "{refused:#?}");
    }
    let pulled = reader.trusted_pull(&lab, &image).ok();
    assert!(pulled.says(&first.digest) && !pulled.says(&second.digest), "{pulled:#?}");
    alice.ours(["sign", "--local", &image]).ok();
    assert!(reader.trusted_pull(&lab, &image).ok().says(&second.digest));

    // What the registry hands out in the place of what is signed, Docker does not take.
    let third = lab.registry.push("team/app", "v3", "third");
    let image = lab.image("team/app:v3");
    alice.ours(["sign", &image]).ok();
    lab.registry.tamper(&third.digest, r#"{"schemaVersion":2}"#);
    reader.trusted_pull(&lab, &image).failed();
    alice.ours(["sign", "--local", &image]).failed();

    // An index is signed and pulled as it is.
    let index = lab.registry.push_index("team/app", "multi", "fourth");
    let multi = lab.image("team/app:multi");
    reader.trusted_pull(&lab, &multi).failed();
    alice.ours(["sign", &multi]).ok();
    assert!(reader.trusted_pull(&lab, &multi).ok().says(&index.digest));
    alice.ours(["revoke", &multi]).ok();
    let refused = reader.trusted_pull(&lab, &multi).failed();
    assert!(refused.says("No valid trust data for multi"), "{refused:#?}");
}

#[test]
fn docker_and_we_sign_in_turn() {
    let test = "docker_and_we_sign_in_turn";
    let Some(lab) = Lab::with_engine(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(bob) = Person::new(test, &lab) else { return };
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    lab.registry.push("app", "v1", "first");

    // The signers: one whom Docker adds, one whom we add to what Docker began.
    alice.docker_trust(&lab, &["key", "generate", "alice"]).ok();
    let key = alice.home().join("alice.pub");
    alice.docker_trust(&lab, &["signer", "add", "--key", key.to_str().unwrap(), "alice", &repository]).ok();
    let key = bob.generate("bob");
    alice.ours(["signer", "add", "--key", &key, "bob", &repository]).ok();

    // Docker signs the image that its engine holds, with the key that it has made.
    alice.docker(&lab, &["pull", &image]).ok();
    alice.docker_trust(&lab, &["sign", &image]).ok();
    let digest = lab.registry.digest("app", "v1");
    let row = |signers: &str| [("v1".to_owned(), digest.clone(), signers.to_owned())];
    assert_eq!(tags(&bob.inspect(&lab, &repository)), row("alice"));

    // What is unchanged in the registry gets the other's signature too.
    let signed = bob.ours(["sign", &image]).ok();
    let existing = format!("Existing signatures for tag v1 digest {digest} from:\nalice\n");
    assert!(signed.stdout.contains(&existing), "{signed:#?}");
    assert_eq!(tags(&alice.inspect(&lab, &repository)), row("alice bob"));
    assert!(alice.trusted_pull(&lab, &image).ok().says(&digest));

    // And the other way round: first we, then Docker, with the key that we have made.
    lab.registry.push("app", "v2", "second");
    let image = lab.image("app:v2");
    alice.ours(["sign", &image]).ok();
    bob.docker_trust(&lab, &["sign", &image]).ok();
    let rows = tags(&alice.inspect(&lab, &image));
    assert_eq!(rows, [("v2".to_owned(), lab.registry.digest("app", "v2"), "alice bob".to_owned())]);
    assert!(alice.trusted_pull(&lab, &image).ok().says(&rows[0].1));
}

#[test]
fn a_repository_without_signer_begins_with_the_login() {
    let test = "a_repository_without_signer_begins_with_the_login";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    let pushed = lab.registry.push("app", "v1", "first");
    let auths = format!(r#"{{"auths":{{"{}":{{"auth":"Y2Fyb2w6c2VjcmV0"}}}}}}"#, lab.registry.host());
    alice.write(".docker/config.json", auths);
    let signed = alice.ours(["sign", &image]).ok();
    assert!(signed.stdout.contains("Created signer: carol\n"), "{signed:#?}");
    assert!(signed.stdout.contains(&format!("Finished initializing signed repository for {image}\n")));
    let seen = alice.inspect(&lab, &repository);
    assert_eq!(tags(&seen), [("v1".to_owned(), pushed.digest, "carol".to_owned())]);

    // The key serves the next repository too.
    let other = lab.image("other:v1");
    lab.registry.push("other", "v1", "first");
    alice.ours(["sign", &other]).ok();
    assert_eq!(alice.inspect(&lab, &other)["Signers"], seen["Signers"]);

    // A login that can't be got is not no login.
    alice.write(
        ".docker/config.json",
        r#"{"credsStore":"desktop","auths":{"@":{}}}"#.replace('@', &lab.registry.host()),
    );
    let third = lab.image("third:v1");
    lab.registry.push("third", "v1", "first");
    let refused = alice.ours(["sign", &third]).failed();
    assert!(refused.stderr.contains("the credential helper desktop: does not start"), "{refused:#?}");
    alice.ours(["inspect", &third]).failed();
}

#[test]
fn an_absent_tag_is_not_signed_and_nothing_is_begun() {
    let test = "an_absent_tag_is_not_signed_and_nothing_is_begun";
    let Some(lab) = Lab::new(test) else { return };
    let alice = Person::without_docker(&lab.trust);
    let image = lab.image("app:v1");
    let refused = alice.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains(&format!("no such image in registry {}: {image}", lab.registry.host())));
    assert!(!alice.private().exists());
    let unknown = alice.ours(["inspect", &image]).failed();
    assert_eq!(unknown.stdout, "[]\n");
    assert!(unknown.stderr.starts_with(&format!("no signatures or cannot access {image}")), "{unknown:#?}");
}

#[test]
fn without_a_signers_key_nothing_is_signed() {
    let test = "without_a_signers_key_nothing_is_signed";
    let Some(lab) = Lab::new(test) else { return };
    let (admin, other) = (Person::without_docker(&lab.trust), Person::without_docker(&lab.trust));
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    lab.registry.push("app", "v1", "first");
    let key = other.generate("bob");
    admin.ours(["signer", "add", "--key", &key, "bob", &repository]).ok();
    let refused = admin.ours(["sign", &image]).failed();
    assert!(refused.stderr.contains(&format!("failed to sign {image}: ")), "{refused:#?}");
    assert!(refused.stderr.contains("targets/bob"), "{refused:#?}");
    other.ours(["sign", &image]).ok();
}
