//! What is printed, byte for byte as Docker prints it.

use crate::{common::notary_cli::NotaryCli, lab::*};

#[test]
fn many_tags_and_signers_are_listed_as_docker_lists_them() {
    let test = "many_tags_and_signers_are_listed_as_docker_lists_them";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let repository = lab.image("team/app");
    let sign = |tag: &str| {
        lab.registry.push("team/app", tag, tag);
        alice.ours(["sign", &lab.image(&format!("team/app:{tag}"))]).ok();
    };
    sign("old");
    for name in ["alice", "bob", "a-signer-with-a-long-name"] {
        let key = alice.generate(name);
        alice.ours(["signer", "add", "--key", &key, name, &repository]).ok();
    }
    for tag in ["v10", "v9", "latest", "v1.10", "v1.9"] {
        sign(tag);
    }
    let seen = alice.inspect(&lab, &repository);
    let names: Vec<_> = tags(&seen).into_iter().map(|(tag, ..)| tag).collect();
    assert_eq!(names, ["latest", "old", "v1.9", "v1.10", "v9", "v10"]);
    for image in [lab.image("team/app:v9"), lab.image("team/app:none")] {
        alice.inspect(&lab, &image);
    }
    // Several at once, and the plugin's form of the call.
    let images = [repository.as_str(), &lab.image("team/app:old")];
    for flag in ["--pretty", "--pretty=false"] {
        let arguments = ["inspect", flag, images[0], images[1]];
        let ours = alice.ours(arguments).ok().stdout;
        assert_eq!(ours, alice.docker_trust(&lab, &arguments).ok().stdout);
        assert_eq!(ours, alice.ours(["trust"].iter().chain(&arguments)).ok().stdout);
    }
    // What failed comes after what was found.
    let none = lab.image("none");
    for arguments in
        [&["inspect", images[0], &none, images[1]][..], &["inspect", "--pretty", images[0], &none]]
    {
        let (ours, dockers) = (alice.ours(arguments).failed(), alice.docker_trust(&lab, arguments).failed());
        assert_eq!((ours.status, &ours.stdout), (dockers.status, &dockers.stdout));
        // Docker 20.10 begins with a capital letter.
        let expected = dockers.stderr.trim_end().to_lowercase();
        assert!(ours.stderr.to_lowercase().starts_with(&expected), "{ours:#?} {dockers:#?}");
    }
}

/// A name that a hostile signer chose drives no terminal, and JSON stays JSON. (Notary itself can't
/// carry lower control characters.)
#[test]
fn names_with_terminal_codes_are_shown_as_text() {
    let test = "names_with_terminal_codes_are_shown_as_text";
    let Some(lab) = Lab::new(test) else { return };
    let alice = Person::without_docker(&lab.trust);
    let Some(notary) = NotaryCli::new(test, &lab.trust) else { return };
    let repository = lab.image("app");
    let names = ["v1\u{9b}31m", "v3\u{7f}", "v4\u{202e}gpj"];
    notary.init(&repository).ok();
    for name in names {
        notary.add_hash(&repository, name, 3, &"ab".repeat(32)).ok();
    }
    notary.publish(&repository).ok();
    let json = alice.ours(["inspect", &repository]).ok().stdout;
    assert!(!json.contains(|c: char| c.is_control() && c != '\n'), "{json:?}");
    let seen: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(tags(&seen[0]).iter().map(|(tag, ..)| tag.as_str()).collect::<Vec<_>>(), names);
    let pretty = alice.ours(["inspect", "--pretty", &repository]).ok().stdout;
    let drives = |c: char| c.is_control() && !"\n\t".contains(c) || c == '\u{202e}';
    assert!(!pretty.contains(drives) && pretty.contains("v4"), "{pretty:?}");
}
