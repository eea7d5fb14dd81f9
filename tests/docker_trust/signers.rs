//! Signers come and go, by either program.

use crate::lab::*;

fn signers(image: &serde_json::Value) -> Vec<String> {
    let signers = image["Signers"].as_array().unwrap();
    signers.iter().map(|it| it["Name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_signer_whom_we_remove_takes_only_his_own_tags() {
    let test = "a_signer_whom_we_remove_takes_only_his_own_tags";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(bob) = Person::new(test, &lab) else { return };
    let repository = lab.image("app");
    for (person, name) in [(&alice, "alice"), (&bob, "bob")] {
        let key = person.generate(name);
        alice.docker_trust(&lab, &["signer", "add", "--key", &key, name, &repository]).ok();
    }
    for tag in ["v1", "v2", "v3"] {
        lab.registry.push("app", tag, tag);
    }
    let sign = |who: &Person, tag: &str| drop(who.ours(["sign", &lab.image(&format!("app:{tag}"))]).ok());
    sign(&alice, "v1");
    sign(&bob, "v2");
    sign(&alice, "v3");
    sign(&bob, "v3");
    let names = |person: &Person| -> Vec<_> {
        tags(&person.inspect(&lab, &repository)).into_iter().map(|(tag, ..)| tag).collect()
    };
    assert_eq!(names(&alice), ["v1", "v2", "v3"]);

    // Nobody says yes: nothing happens, as with Docker.
    let asked = alice.ours(["signer", "remove", "bob", &repository]).ok();
    assert!(asked.stdout.contains("v2") && !asked.stdout.contains("v3"), "{asked:#?}");
    assert!(!asked.stdout.contains("Successfully"), "{asked:#?}");
    assert_eq!(names(&alice), ["v1", "v2", "v3"]);

    let removed = alice.ours_told(["signer", "remove", "bob", &repository], "y\n").ok();
    assert!(removed.stdout.ends_with(&format!("Successfully removed bob from {repository}\n\n")));
    assert_eq!(names(&alice), ["v1", "v3"], "bob wrote targets/releases last");
    assert_eq!(signers(&alice.inspect(&lab, &repository)), ["alice"]);
    bob.ours(["sign", &lab.image("app:v2")]).failed();

    // The last one: only by a yes or by force, and then all is gone.
    let asked = alice.ours(["signer", "remove", "alice", &repository]).ok();
    assert!(asked.stdout.contains("will make") && asked.stdout.contains("unpullable"), "{asked:#?}");
    alice.ours(["signer", "remove", "--force", "alice", &repository]).ok();
    let seen = alice.inspect(&lab, &repository);
    assert!(signers(&seen).is_empty() && tags(&seen).is_empty(), "{seen}");

    // And one can begin again.
    sign(&alice, "v1");
    assert_eq!(tags(&alice.inspect(&lab, &repository))[0].2, "Repo Admin");
}

#[test]
fn tags_can_be_kept_when_a_signer_goes() {
    let test = "tags_can_be_kept_when_a_signer_goes";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(bob) = Person::new(test, &lab) else { return };
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    for (person, name) in [(&alice, "alice"), (&bob, "bob")] {
        let key = person.generate(name);
        alice.ours(["signer", "add", "--key", &key, name, &repository]).ok();
    }
    let pushed = lab.registry.push("app", "v1", "first");
    bob.ours(["sign", &image]).ok();
    // Somebody without a remaining signer's key can't keep the released tags signed.
    let removed = alice.ours(["signer", "remove", "--keep-tags", "bob", &repository]).ok();
    assert!(removed.stdout.contains("Successfully removed"), "{removed:#?}");
    assert_eq!(
        tags(&alice.inspect(&lab, &repository)),
        [("v1".to_owned(), pushed.digest, "alice".to_owned())]
    );
}

/// The admin holds the repository's key and no signer's: Docker would leave the repository dead.
#[test]
fn a_signer_is_not_removed_when_nobody_can_sign_the_rest() {
    let test = "a_signer_is_not_removed_when_nobody_can_sign_the_rest";
    let Some(lab) = Lab::new(test) else { return };
    let [admin, alice, bob] = [(); 3].map(|()| Person::without_docker(&lab.trust));
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    for (person, name) in [(&alice, "alice"), (&bob, "bob")] {
        let key = person.generate(name);
        admin.ours(["signer", "add", "--key", &key, name, &repository]).ok();
    }
    lab.registry.push("app", "v1", "first");
    alice.ours(["sign", &image]).ok();
    bob.ours(["sign", &image]).ok();
    lab.registry.push("app", "v2", "second");
    bob.ours(["sign", &lab.image("app:v2")]).ok();
    let refused = admin.ours(["signer", "remove", "-f", "bob", &repository]).failed();
    assert!(refused.stderr.ends_with(&format!("error removing signer from: {repository}\n")), "{refused:#?}");
    assert!(refused.stderr.contains("none of these keys is at hand"), "{refused:#?}");
    let listed = admin.ours(["inspect", &repository]).ok().stdout;
    assert!(listed.contains("\"v2\"") && listed.contains("\"bob\""), "{listed}");
}

#[test]
fn what_targets_hides_does_not_come_back_when_the_last_signer_goes() {
    let test = "what_targets_hides_does_not_come_back_when_the_last_signer_goes";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let (repository, image, stays) = (lab.image("app"), lab.image("app:v1"), lab.image("app:v2"));
    lab.registry.push("app", "v1", "old");
    lab.registry.push("app", "v2", "same");
    alice.ours(["sign", &image]).ok();
    alice.ours(["sign", &stays]).ok();
    let key = alice.generate("alice");
    alice.ours(["signer", "add", "--key", &key, "alice", &repository]).ok();
    lab.registry.push("app", "v1", "new");
    alice.ours(["sign", "--local", &image]).ok();
    alice.ours(["sign", &stays]).ok();
    alice.ours(["signer", "remove", "-f", "alice", &repository]).ok();
    let seen = tags(&alice.inspect(&lab, &repository));
    let names: Vec<_> = seen.iter().map(|(tag, ..)| tag.as_str()).collect();
    assert_eq!(names, ["v2"], "the old image of v1 stays revoked");
}

#[test]
fn several_repositories_go_on_after_a_failure() {
    let test = "several_repositories_go_on_after_a_failure";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let key = alice.generate("alice");
    let (first, second) = (lab.image("a"), lab.image("b"));
    let outcome = alice.ours(["signer", "add", "--key", &key, "alice", &first, "Wrong", &second]).failed();
    assert!(outcome.stderr.ends_with("failed to add signer to: Wrong\n"), "{outcome:#?}");
    for repository in [&first, &second] {
        let lines = format!(
            "Adding signer \"alice\" to {repository}...\nInitializing signed repository for {repository}...\n\
             Successfully initialized \"{repository}\"\nSuccessfully added signer: alice to {repository}\n\n"
        );
        assert!(outcome.stdout.contains(&lines), "{outcome:#?}");
        assert_eq!(signers(&alice.inspect(&lab, repository)), ["alice"]);
    }
    let outcome = alice.ours(["signer", "remove", "nobody", &first, &lab.image("none")]).failed();
    assert!(outcome.stderr.contains(&format!("no signer nobody for repository {first}\n")), "{outcome:#?}");
    assert!(outcome.stderr.contains(&format!("error retrieving signers for {}", lab.image("none"))));
    let failed = format!("error removing signer from: {first}, {}\n", lab.image("none"));
    assert!(outcome.stderr.ends_with(&failed), "{outcome:#?}");
    // Where nothing is signed yet, Docker refuses; a signer can be removed all the same.
    alice.ours(["signer", "remove", "alice", &first]).ok();
    assert!(signers(&alice.inspect(&lab, &first)).is_empty());
}
