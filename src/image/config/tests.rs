use std::fs;

use proptest::prelude::*;

use super::*;
use crate::{
    blocking::Collection,
    name::RoleName,
    testkit::{Forge, ForgeKey, TrustServer},
    view::Freshness,
};

const ID: &str = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";

fn toml(text: &str) -> Result<TrustConfig, ConfigError> {
    TrustConfig::from_toml(text, Path::new("/nowhere"))
}

fn entry_of(more: &str) -> Result<TrustConfig, ConfigError> {
    toml(&format!("[[image]]\nmatch = \"reg.example.com\"\n{more}\n"))
}

fn pinned(more: &str) -> Result<TrustConfig, ConfigError> {
    entry_of(&format!("root-keys = [\"{ID}\"]\n{more}"))
}

fn image(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

#[track_caller]
fn refused(config: Result<TrustConfig, ConfigError>, code: &str, words: &[&str]) {
    let error = config.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} expected: {error}");
    }
}

#[test]
fn the_longest_entry_decides_alone() {
    let config = toml(&format!(
        r#"
        [[image]]
        match = "reg.example.com/team/app"
        root-keys = ["{ID}"]
        server = "https://app.example.com"
        [[image]]
        match = "Reg.Example.com"
        root-keys = ["{ID}"]
        roles = ["targets"]
        server = "https://reg-notary.example.com"
        [[image]]
        match = "reg.example.com/team"
        root-keys = ["{ID}"]
        freshness = "offline"
        max-age-seconds = 60
        "#
    ))
    .unwrap();
    let entry = |text: &str| config.for_image(&image(text)).map(|trust| trust.entry().to_owned()).ok();
    assert_eq!(entry("reg.example.com/x").as_deref(), Some("reg.example.com"));
    assert_eq!(entry("REG.example.com/team/x:1").as_deref(), Some("reg.example.com/team"));
    assert_eq!(entry("reg.example.com/team/app").as_deref(), Some("reg.example.com/team/app"));
    assert_eq!(entry("reg.example.com/team/app/sub").as_deref(), Some("reg.example.com/team/app"));
    assert_eq!(entry("reg.example.com/team/application").as_deref(), Some("reg.example.com/team"));
    assert_eq!(entry("reg.example.com/teams/app").as_deref(), Some("reg.example.com"));
    // Nothing is inherited from the shorter one.
    let team = image("reg.example.com/team/x");
    let team = config.for_image(&team).unwrap();
    assert_eq!(team.server().unwrap().as_str(), "https://reg.example.com/");
    assert_eq!(team.policy(), &crate::image::Policy::docker());
    assert_eq!((team.freshness(), team.max_age().as_secs()), (Freshness::Offline, 60));
    let app = image("reg.example.com/team/app");
    let app = config.for_image(&app).unwrap();
    assert_eq!((app.freshness(), app.max_age().as_secs()), (Freshness::Online, 0));
    assert_eq!(app.server().unwrap().as_str(), "https://app.example.com/");
}

#[test]
fn an_image_that_no_entry_matches_is_refused() {
    for (config, text) in [
        ("", "alpine"),
        (
            &format!("[[image]]\nmatch = \"reg.example.com\"\nroot-keys = [\"{ID}\"]"),
            "reg.example.com:5000/app",
        ),
    ] {
        let error = toml(config).unwrap().for_image(&image(text)).unwrap_err();
        assert!(error.is_unlisted() && error.code() == "UNLISTED", "{error}");
    }
    let all = toml(&format!("[[image]]\nmatch = \"*\"\nroot-keys = [\"{ID}\"]")).unwrap();
    assert_eq!(all.for_image(&image("alpine")).unwrap().entry(), "*");
}

#[test]
fn tp_09_what_is_misspelled_is_refused_with_its_place() {
    refused(pinned("root-kays = []"), "CONFIG_SYNTAX", &["line 4, column 1", "root-kays"]);
    refused(toml("imaje = []"), "CONFIG_SYNTAX", &["line 1, column 1", "imaje"]);
    refused(entry_of(&format!("root-keys = \"{ID}\"")), "CONFIG_SYNTAX", &["line 3"]);
    refused(pinned("required-signers = [{ atleast = 1, of = [\"alice\"] }]"), "CONFIG_SYNTAX", &["atleast"]);
    refused(pinned("first-use = \"no\""), "CONFIG_SYNTAX", &["line 4"]);
    refused(
        toml("[[mirror]]\nfrom = \"m.example/a\"\nto = \"docker.io/a\"\nfor = 1"),
        "CONFIG_SYNTAX",
        &["line 4"],
    );
    refused(toml("[[image]]\nserver = \"https://x\""), "CONFIG_SYNTAX", &["match"]);
    let json = |text| TrustConfig::from_json(text, Path::new(""));
    refused(json("{\n \"imaje\": []}"), "CONFIG_SYNTAX", &["line 2, column", "imaje"]);
    refused(json("{\"image\": [], \"image\": []}"), "CONFIG_SYNTAX", &["duplicate"]);
    refused(json("{} {}"), "CONFIG_SYNTAX", &["line 1"]);
}

#[test]
fn trust_begins_in_exactly_one_way() {
    refused(entry_of(""), "CONFIG_ENTRY", &["image entry 1 (reg.example.com)", "exactly one of"]);
    refused(entry_of("first-use = false"), "CONFIG_ENTRY", &["exactly one of"]);
    refused(pinned("first-use = true"), "CONFIG_ENTRY", &["exactly one of"]);
    refused(pinned("root-ca = [\"ca.pem\"]"), "CONFIG_ENTRY", &["exactly one of"]);
    refused(entry_of("root-keys = []"), "CONFIG_ENTRY", &["root-keys: an empty list"]);
    refused(entry_of("root-ca = []"), "CONFIG_ENTRY", &["root-ca: an empty list"]);
    for id in ["", "*", &ID.to_uppercase(), &ID[1..]] {
        refused(entry_of(&format!("root-keys = [\"{id}\"]")), "CONFIG_ENTRY", &["64 lower-case hex"]);
    }
    // First use is named, and has a place where it is remembered.
    refused(entry_of("first-use = true"), "CONFIG_ENTRY", &["first-use needs trust-dir"]);
    let first = toml("trust-dir = \"t\"\n[[image]]\nmatch = \"*\"\nfirst-use = true").unwrap();
    let alpine = image("alpine");
    let first = first.for_image(&alpine).unwrap();
    assert!(matches!(first.trust(), Trust::FirstUse));
    assert_eq!(first.trust_dir(), Some(Path::new("/nowhere/t")));
}

#[test]
fn tp_08_a_pin_that_can_not_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.toml");
    fs::write(folder.path().join("empty.pem"), "").unwrap();
    for (key, file) in
        [("root-ca", "none.pem"), ("root-ca", "empty.pem"), ("root-ca", ""), ("tls-ca", "none.pem")]
    {
        let rest = if key == "tls-ca" { format!("root-keys = [\"{ID}\"]") } else { String::new() };
        fs::write(&path, format!("[[image]]\nmatch = \"*\"\n{rest}\n{key} = [\"{file}\"]")).unwrap();
        refused(TrustConfig::read(&path), "CONFIG_ENTRY", &["trust.toml", "image entry 1 (*)", key]);
    }
    fs::write(&path, "[[image]]\nmatch = \"*\"\nroot-file = \"none.json\"").unwrap();
    refused(TrustConfig::read(&path), "CONFIG_ENTRY", &["root-file", "none.json"]);
    fs::write(folder.path().join("root.json"), "{}").unwrap();
    fs::write(&path, "[[image]]\nmatch = \"*\"\nroot-file = \"root.json\"").unwrap();
    let config = TrustConfig::read(&path).unwrap();
    assert!(
        matches!(config.for_image(&image("alpine")).unwrap().trust(), Trust::Root(root) if root == b"{}")
    );
    refused(TrustConfig::read(folder.path().join("no.toml")), "CONFIG_FILE", &["no.toml"]);
    refused(TrustConfig::read(folder.path().join("empty.pem")), "CONFIG_FILE", &[".toml"]);
}

#[test]
fn what_can_not_be_meant_is_refused() {
    for (more, word) in [
        ("server = \"http://notary.example.com\"", "dangerous-plain-http"),
        ("server = \"notary.example.com\"", "server"),
        ("server = \"ftp://notary.example.com\"", "https://HOST"),
        ("dangerous-plain-http = true", "only with an http:// server"),
        ("server = \"https://x\"\ndangerous-plain-http = true", "only with an http:// server"),
        ("roles = []", "roles: an empty list"),
        ("roles = [\"snapshot\"]", "signs no images"),
        ("roles = [\"releases\"]", "roles: role"),
        ("required-roles = []", "required-roles: an empty list"),
        ("required-signers = []", "required-signers: an empty list"),
        ("required-signers = [{ of = [] }]", "required-signers"),
        ("required-signers = [{ at-least = 0, of = [\"alice\"] }]", "expected 1 to 1"),
        ("required-signers = [{ at-least = 2, of = [\"alice\"] }]", "expected 1 to 1"),
        ("required-signers = [{ at-least = 1, of = [\"a\", \"a\"] }]", "named twice"),
        ("required-signers = [{ of = [\"releases\"] }]", "releases"),
        ("freshness = \"as-of\"", "freshness"),
        ("tls-ca = []", "tls-ca: an empty list"),
    ] {
        refused(pinned(more), "CONFIG_ENTRY", &["image entry 1 (reg.example.com)", word]);
    }
    let twice = format!("[[image]]\nmatch = \"docker.io\"\nroot-keys = [\"{ID}\"]\n");
    let twice = format!("{twice}{}", twice.replace("docker.io", "index.docker.io"));
    refused(toml(&twice), "CONFIG_ENTRY", &["image entry 2 (index.docker.io)", "second entry"]);
    refused(toml("trust-dir = \"\""), "CONFIG_ENTRY", &["trust-dir"]);
}

fn mirrors(pairs: &[(&str, &str)]) -> Result<TrustConfig, ConfigError> {
    let mut text = format!("[[image]]\nmatch = \"docker.io/library\"\nroot-keys = [\"{ID}\"]\n");
    for (from, to) in pairs {
        text.push_str(&format!("[[mirror]]\nfrom = \"{from}\"\nto = \"{to}\"\n"));
    }
    toml(&text)
}

#[test]
fn a_mirror_is_mapped_as_the_file_says_and_not_otherwise() {
    let config = mirrors(&[
        ("mirror.example/proxy/library/*", "docker.io/library/*"),
        ("Mirror.example/proxy/library/special", "docker.io/library/other"),
        ("chain.example/*", "mirror.example/proxy/*"),
        ("flat.example/*", "docker.io/*"),
    ])
    .unwrap();
    let gun =
        |text: &str| config.for_image(&image(text)).map(|it| it.gun().to_string()).map_err(|e| e.code());
    assert_eq!(gun("mirror.example/proxy/library/alpine:3").as_deref(), Ok("docker.io/library/alpine"));
    assert_eq!(gun("mirror.example/proxy/library/special").as_deref(), Ok("docker.io/library/other"));
    assert_eq!(gun("flat.example/alpine").as_deref(), Ok("docker.io/library/alpine"));
    // Not below the prefix, the prefix itself, and no chains.
    assert_eq!(gun("mirror.example/proxy/library-evil/x"), Err("UNLISTED"));
    assert_eq!(gun("mirror.example/proxy/library"), Err("UNLISTED"));
    assert_eq!(gun("mirror.example/library/alpine"), Err("UNLISTED"));
    assert_eq!(gun("chain.example/library/alpine"), Err("UNLISTED"));
    let asked = image("mirror.example/proxy/library/alpine:3");
    let trust = config.for_image(&asked).unwrap();
    // What is mapped already is not mapped again.
    let of = |gun: &str| config.for_collection(&Gun::new(gun).unwrap()).map(|_| ()).map_err(|e| e.code());
    assert_eq!(of(trust.gun().as_str()), Ok(()));
    assert_eq!(of("mirror.example/proxy/library/alpine"), Err("UNLISTED"));
    assert_eq!(of("docker.io/alpine"), Err("UNMAPPED"));
    assert_eq!(of("docker.io/library/alpine:3"), Err("UNMAPPED"));
    assert_eq!(trust.server().unwrap().as_str(), "https://notary.docker.io/");
    for (from, to) in [
        ("mirror.example/a/*", "docker.io/library/a"),
        ("mirror.example/a", "docker.io/library/*"),
        ("*", "docker.io/library/*"),
        ("*", "*"),
        ("mirror.example", "docker.io/library/a"),
        ("mirror.example/a", "docker.io"),
        ("library/*", "docker.io/library/*"),
        ("mirror.example/A/*", "docker.io/library/*"),
    ] {
        refused(mirrors(&[(from, to)]), "CONFIG_ENTRY", &["mirror entry 1"]);
    }
    let twice = [("m.example/a/*", "docker.io/a/*"), ("M.example/a/*", "docker.io/b/*")];
    refused(mirrors(&twice), "CONFIG_ENTRY", &["mirror entry 2", "mapped twice"]);
}

#[test]
fn a_mirror_s_image_is_pinned_under_the_mirror_s_name() {
    const GUN: &str = "docker.io/library/alpine";
    let mut forge = Forge::new(GUN);
    forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.add_tag("targets/releases", "v2", 2, 20);
    let key = forge.keys("root")[0].id();
    let text = format!(
        "[[image]]\nmatch = \"docker.io/library\"\nroot-keys = [\"{key}\"]\nrequired-roles = [\"targets/releases\"]\n\
         [[mirror]]\nfrom = \"mirror.example/hub/*\"\nto = \"docker.io/library/*\"\n"
    );
    let (config, server) = (toml(&text).unwrap(), TrustServer::new());
    server.serve(&forge.build());
    let view = |trust: &ResolvedTrust<'_>| {
        let builder = trust.blocking(server.transport(trust.gun()));
        builder.freshness(Freshness::AsOf(Forge::now())).build().refresh().unwrap()
    };
    let asked = image("mirror.example/hub/alpine:v2");
    let trust = config.for_image(&asked).unwrap();
    let pinned = trust.judge(&view(&trust)).unwrap();
    let reference = format!("mirror.example/hub/alpine@sha256:{}", "02".repeat(32));
    assert_eq!((pinned.reference.to_string(), pinned.role), (reference, RoleName::releases()));
    let v1 = image("mirror.example/hub/alpine:v1");
    let v1 = config.for_image(&v1).unwrap();
    assert_eq!(v1.judge(&view(&v1)).unwrap_err().code(), "ROLE_REQUIRED");
    // The mirror's own name names another collection.
    assert_eq!(trust.policy().judge(&view(&trust), &asked).unwrap_err().code(), "WRONG_COLLECTION");
    // The pin is the entry's.
    let other = toml(&text.replace(&key, ID)).unwrap();
    let other = other.for_image(&asked).unwrap();
    let refused = other.blocking(server.transport(other.gun())).freshness(Freshness::AsOf(Forge::now()));
    assert_eq!(refused.build().refresh().unwrap_err().code(), "PIN_MISMATCH");
    let _: Collection = trust.blocking(server.transport(trust.gun())).build();
}

#[test]
fn json_says_the_same_as_toml() {
    let json = format!(
        r#"{{"trust-dir": "t", "image": [{{"match": "reg.example.com", "root-keys": ["{ID}"],
            "required-signers": [{{"at-least": 1, "of": ["alice", "bob"]}}], "freshness": "prefer-cache"}}]}}"#
    );
    let json = TrustConfig::from_json(&json, Path::new("/etc")).unwrap();
    let toml = pinned("required-signers = [{ at-least = 1, of = [\"bob\", \"alice\"] }]").unwrap();
    let app = image("reg.example.com/app");
    // Without a number, all of them.
    let all = pinned("required-signers = [{ of = [\"alice\", \"bob\"] }]").unwrap();
    let both = pinned("required-signers = [{ at-least = 2, of = [\"alice\", \"bob\"] }]").unwrap();
    assert_eq!(all.for_image(&app).unwrap().policy(), both.for_image(&app).unwrap().policy());
    let (json, toml) = (json.for_image(&app).unwrap(), toml.for_image(&app).unwrap());
    assert_eq!(json.policy(), toml.policy());
    assert_eq!((json.freshness(), json.trust_dir()), (Freshness::PreferCache, Some(Path::new("/etc/t"))));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z\\[\\]{}\"=:, \n*/.-]{0,80}") {
        let _ = toml(&text);
        let _ = TrustConfig::from_json(&text, Path::new(""));
        let _ = prefix::Prefix::parse(&text);
    }

    /// A name is mapped only where the file's prefix ends at one of its boundaries.
    #[test]
    fn only_whole_segments_are_mapped(path in "[a-c]{1,3}(/[a-c]{1,3}){0,3}") {
        let config = mirrors(&[("m.example/a/*", "docker.io/library/*")]).unwrap();
        let found = config.for_image(&image(&format!("m.example/{path}")));
        match path.strip_prefix("a/") {
            Some(rest) => prop_assert_eq!(found.unwrap().gun().to_string(), format!("docker.io/library/{rest}")),
            None => prop_assert!(found.unwrap_err().is_unlisted()),
        }
    }
}
