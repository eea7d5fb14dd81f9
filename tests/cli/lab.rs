//! Runs the examples that `cargo test` has built.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

pub use crate::common::programs::example as program;
use crate::common::{
    process::{self, Finished},
    static_server::StaticServer,
};

pub const GUN: &str = "registry.example.com/team/app";

/// The instant at which what the forge makes is valid.
pub const NOW: &str = "2026-11-24T12:00:00Z";

/// A user of the examples: a home, a trust folder in it, an environment.
#[derive(Debug)]
pub struct User {
    home: TempDir,
    pub environment: Vec<(&'static str, String)>,
}

impl User {
    /// A user with passphrases for keys.
    pub fn new() -> Self {
        let passphrases = ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"];
        let name = |role| -> &'static str {
            match role {
                "ROOT" => "NOTARY_ROOT_PASSPHRASE",
                "TARGETS" => "NOTARY_TARGETS_PASSPHRASE",
                "SNAPSHOT" => "NOTARY_SNAPSHOT_PASSPHRASE",
                _ => "NOTARY_DELEGATION_PASSPHRASE",
            }
        };
        let environment = passphrases.map(|role| (name(role), format!("secret of {role}"))).into();
        Self { home: tempfile::tempdir().unwrap(), environment }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Docker's folder, by default.
    pub fn trust_dir(&self) -> PathBuf {
        self.home().join(".docker/trust")
    }

    pub fn metadata(&self, file: &str) -> PathBuf {
        self.trust_dir().join("tuf").join(GUN).join("metadata").join(file)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.home().join(name);
        fs::write(&path, content).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, example: &str, arguments: impl IntoIterator<Item = A>) -> Outcome {
        let mut command = process::command(&program(example), self.home());
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).args(arguments);
        Outcome(process::run(command, b"", process::LONGEST))
    }

    /// Asks a plain server about a tag, at [`NOW`].
    #[track_caller]
    pub fn verify(&self, server: &StaticServer, more: &[&str], tag: &str) -> Outcome {
        self.verify_at(server, NOW, more, tag)
    }

    #[track_caller]
    pub fn verify_at(&self, server: &StaticServer, at: &str, more: &[&str], tag: &str) -> Outcome {
        let (url, image) = (server.url(), format!("{GUN}:{tag}"));
        let mut arguments = vec!["--plain-http", "--server", &url, "--clock", at];
        arguments.extend(more);
        arguments.push(&image);
        self.run("verify_tag", arguments)
    }
}

/// How an example ended.
#[derive(Debug)]
pub struct Outcome(pub Finished);

impl Outcome {
    /// It printed exactly this line, and nothing on stderr, and ended with 0.
    #[track_caller]
    pub fn prints(&self, line: &str) {
        let Self(it) = self;
        assert_eq!((it.status, it.stdout.as_str()), (Some(0), format!("{line}\n").as_str()), "{it:#?}");
        assert_eq!(it.stderr, "", "{it:#?}");
    }

    /// It printed the forge's digest for a tag with this byte.
    #[track_caller]
    pub fn verifies(&self, byte: u8) {
        self.prints(&format!("{GUN}@sha256:{}", format!("{byte:02x}").repeat(32)));
    }

    /// It printed nothing on stdout, gave this reason in the first line on stderr, and ended so.
    #[track_caller]
    pub fn fails(&self, status: i32, reason: &str) {
        let Self(it) = self;
        assert_eq!((it.status, it.stdout.as_str()), (Some(status), ""), "{it:#?}");
        let first = it.stderr.lines().next().unwrap_or_default();
        let sentence = first.strip_prefix(&format!("error[{reason}]: ")).unwrap_or_default();
        assert!(!sentence.is_empty(), "{reason} expected: {it:#?}");
        if reason != "USAGE" {
            assert_eq!(it.stderr.lines().count(), 1, "{it:#?}");
        }
    }

    #[track_caller]
    pub fn says(&self, text: &str) {
        assert!(self.0.says(text), "{text:?} expected: {:#?}", self.0);
    }
}

/// Permission bits of a file or folder.
#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
