//! Logins from Docker's configuration, and the programs that keep them.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tuf_notary::transport::DockerConfig;

const REGISTRY: &str = "TUF_NOTARY_TEST_REGISTRY";
const OUTCOME: &str = "TUF_NOTARY_TEST_OUTCOME";

/// A user's folder with a configuration, and helpers in its `bin`.
struct User(TempDir);

impl User {
    fn new(config: &str, helpers: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), config).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        for (name, script) in helpers {
            let path = folder.path().join(format!("bin/docker-credential-{name}"));
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the user's login at a registry is, found by a process of its own.
    fn login(&self, registry: &str) -> String {
        let outcome = self.path().join("outcome");
        let mut path = vec![self.path().join("bin")];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "docker_config::child"])
            .env("PATH", env::join_paths(path).unwrap())
            .env("DOCKER_CONFIG", self.path())
            .env("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "hunter2")
            .env("NOTARY_AUTH", "hunter2")
            .env(REGISTRY, registry)
            .env(OUTCOME, &outcome)
            .current_dir(self.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        fs::read_to_string(outcome).unwrap()
    }
}

/// Not a test of its own: the process that asks for the login.
#[test]
fn child() {
    let (Ok(registry), Some(outcome)) = (env::var(REGISTRY), env::var_os(OUTCOME)) else { return };
    let found = DockerConfig::find().unwrap().credentials(&registry);
    let text = match found {
        Ok(login) => format!("{login:?}"),
        Err(error) => format!("error: {error}"),
    };
    fs::write(outcome, text).unwrap();
}

/// Answers for the registry in its input, and writes down what it was given.
const KEEPS: &str = r#"read -r url
echo "$1 $url" >> "$DOCKER_CONFIG/asked"
env >> "$DOCKER_CONFIG/environment"
case "$url" in
    https://index.docker.io/v1/) echo '{"ServerURL":"x","Username":"hub","Secret":"s3cret"}' ;;
    token.example.com) echo '{"Username":"<token>","Secret":"s3cret"}' ;;
    *) echo 'credentials not found in native keychain'; exit 1 ;;
esac"#;

#[test]
fn helpers_are_asked_as_docker_asks_them() {
    let config = r#"{
        "auths": {"docker.io": {}, "file.example.com": {"auth": "dTpw"}},
        "credsStore": "all", "credHelpers": {"own.example.com": "own"}
    }"#;
    let own = r#"read -r url; [ "$1" = get ] && echo "{\"Username\":\"$url\",\"Secret\":\"s\"}""#;
    let user = User::new(config, &[("all", KEEPS), ("own", own)]);
    assert_eq!(user.login("docker.io"), "Some(Credentials(name and password))");
    assert_eq!(user.login("token.example.com"), "Some(Credentials(identity token))");
    assert_eq!(user.login("file.example.com"), "Some(Credentials(name and password))", "not kept there");
    assert_eq!(user.login("elsewhere.example.com"), "None");
    let asked = fs::read_to_string(user.path().join("asked")).unwrap();
    let expected =
        ["https://index.docker.io/v1/", "token.example.com", "file.example.com", "elsewhere.example.com"];
    assert_eq!(asked.lines().collect::<Vec<_>>(), expected.map(|url| format!("get {url}")));
    assert_eq!(user.login("own.example.com"), "Some(Credentials(name and password))");
    assert_eq!(fs::read_to_string(user.path().join("asked")).unwrap(), asked, "its own helper comes first");
}

#[test]
fn ta_16_a_helper_does_not_get_our_secrets() {
    let user = User::new(r#"{"credsStore":"all"}"#, &[("all", KEEPS)]);
    user.login("docker.io");
    let environment = fs::read_to_string(user.path().join("environment")).unwrap();
    assert!(environment.contains("DOCKER_CONFIG=") && !environment.contains("hunter2"), "{environment}");
}

#[test]
fn a_helper_that_fails_is_an_error_and_not_nobody() {
    for (script, why) in [
        ("echo 'the vault is locked\u{1b}[2J'; exit 1", "the vault is locked\\u{1b}[2J"),
        ("echo 'hunter2 is no JSON'", "no login"),
        ("echo '{\"Username\":\"u\"}'", "no login"),
        ("echo '{\"Username\":\"\",\"Secret\":\"hunter2\"}'", "no user name"),
        ("exec cat /dev/zero", "more than 65536 bytes"),
        ("exit 0", "no login"),
    ] {
        let outcome = User::new(r#"{"credsStore":"x"}"#, &[("x", script)]).login("reg.example.com");
        assert!(outcome.starts_with("error: ") && outcome.contains(why), "{script}: {outcome}");
        assert!(!outcome.contains("hunter2"), "{outcome}");
    }
    let missing = User::new(r#"{"credsStore":"missing"}"#, &[]).login("reg.example.com");
    assert!(missing.contains("docker-credential") || missing.contains("does not start"), "{missing}");
}

#[test]
fn a_helpers_name_leads_nowhere_else() {
    let user = User::new(r#"{"credsStore":"x/../../evil"}"#, &[]);
    let marker = user.path().join("marker");
    fs::create_dir(user.path().join("docker-credential-x")).unwrap();
    fs::write(user.path().join("evil"), format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    fs::set_permissions(user.path().join("evil"), Permissions::from_mode(0o755)).unwrap();
    let outcome = user.login("reg.example.com");
    assert!(outcome.contains("no name of a credential helper"), "{outcome}");
    assert!(!marker.exists());
}

#[test]
fn a_helper_that_leaves_a_child_behind_is_not_waited_for() {
    let script = r#"sleep 20 >/dev/null & echo '{"Username":"u","Secret":"s"}'"#;
    let begun = Instant::now();
    let user = User::new(r#"{"credsStore":"x"}"#, &[("x", script)]);
    assert_eq!(user.login("reg.example.com"), "Some(Credentials(name and password))");
    assert!(begun.elapsed() < Duration::from_secs(15));
}
