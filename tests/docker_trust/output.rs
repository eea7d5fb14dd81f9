//! What is printed, byte for byte as Docker prints it.

use crate::lab::*;

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
