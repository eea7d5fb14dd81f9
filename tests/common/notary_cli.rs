//! The real `notary` command, as one user runs it: with a trust folder, a server and passphrases.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    notary_server::NotaryServer,
    process::{self, Finished},
    programs,
};

/// One user of `notary`. Each method runs the command of the same name to its end.
#[derive(Debug)]
pub struct NotaryCli {
    program: PathBuf,
    home: TempDir,
    /// Keys and cache of this user.
    pub trust_dir: PathBuf,
    /// Base URL of the server.
    pub server_url: String,
    /// The certificate to trust for HTTPS.
    pub authority: Option<PathBuf>,
    /// Its whole environment, but for `PATH` and `HOME`: the passphrases, at first.
    pub environment: BTreeMap<String, String>,
}

/// A line of `notary list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// SHA-256 in hex.
    pub sha256: String,
    pub size: u64,
    pub role: String,
}

impl NotaryCli {
    /// A user with an empty trust folder; `None` when `test` is skipped.
    pub fn new(test: &str, server: &NotaryServer) -> Option<Self> {
        let program = programs::find(test, "notary")?;
        let home = tempfile::tempdir().expect("a folder can be made");
        let passphrases = ["root", "targets", "snapshot", "delegation"]
            .map(|role| (format!("NOTARY_{}_PASSPHRASE", role.to_uppercase()), passphrase(role)));
        Some(Self {
            program,
            trust_dir: home.path().join("trust"),
            home,
            server_url: server.url(),
            authority: server.authority().map(Path::to_owned),
            environment: passphrases.into(),
        })
    }

    /// The same user with a trust folder that lies elsewhere.
    #[must_use]
    pub fn with_trust_dir(mut self, folder: &Path) -> Self {
        self.trust_dir = folder.to_owned();
        self
    }

    /// A folder for this user's other files, gone with it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Creates the collection locally; it reaches the server with the first [`Self::publish`].
    #[track_caller]
    pub fn init(&self, gun: &str) -> Finished {
        self.run(["init", gun], b"")
    }

    /// Stages a target.
    #[track_caller]
    pub fn add_hash(&self, gun: &str, name: &str, size: u64, sha256: &str) -> Finished {
        self.run(["addhash", gun, name, &size.to_string(), "--sha256", sha256], b"")
    }

    /// Stages a target of a delegated role.
    #[track_caller]
    pub fn add_hash_as(&self, gun: &str, role: &str, name: &str, size: u64, sha256: &str) -> Finished {
        self.run(["addhash", gun, name, &size.to_string(), "--sha256", sha256, "--roles", role], b"")
    }

    /// Stages the removal of a target.
    #[track_caller]
    pub fn remove(&self, gun: &str, name: &str) -> Finished {
        self.run(["remove", gun, name], b"")
    }

    /// Stages the removal of a target of a delegated role.
    #[track_caller]
    pub fn remove_as(&self, gun: &str, role: &str, name: &str) -> Finished {
        self.run(["remove", gun, name, "--roles", role], b"")
    }

    /// Publishes what is staged.
    #[track_caller]
    pub fn publish(&self, gun: &str) -> Finished {
        self.run(["publish", gun], b"")
    }

    /// Lists the signed targets; [`listed`] reads the answer.
    #[track_caller]
    pub fn list(&self, gun: &str) -> Finished {
        self.run(["list", gun], b"")
    }

    /// Looks one target up.
    #[track_caller]
    pub fn lookup(&self, gun: &str, name: &str) -> Finished {
        self.run(["lookup", gun, name], b"")
    }

    /// Checks content against its signed hash; the content is echoed when it is good.
    #[track_caller]
    pub fn verify(&self, gun: &str, name: &str, content: &[u8]) -> Finished {
        self.run(["verify", gun, name], content)
    }

    /// Rotates a key and publishes that; `server` hands the role to the server.
    #[track_caller]
    pub fn key_rotate(&self, gun: &str, role: &str, server: bool) -> Finished {
        let server = if server { &["--server-managed"][..] } else { &[] };
        // Without this answer a root rotation is abandoned, with exit code 0.
        self.run(["key", "rotate", gun, role].iter().chain(server), b"yes\n")
    }

    /// Imports a private key under a role: `delegation` or a signer's name.
    #[track_caller]
    pub fn key_import(&self, file: &Path, role: &str) -> Finished {
        self.run(
            [OsStr::new("key"), OsStr::new("import"), file.as_ref(), OsStr::new("--role"), role.as_ref()],
            b"",
        )
    }

    /// Lists the private keys.
    #[track_caller]
    pub fn key_list(&self) -> Finished {
        self.run(["key", "list"], b"")
    }

    /// Stages a delegation for a signer's certificate; no paths means all.
    #[track_caller]
    pub fn delegation_add(&self, gun: &str, role: &str, certificate: &Path, paths: &[&str]) -> Finished {
        let paths =
            if paths.is_empty() { "--all-paths".to_owned() } else { format!("--paths={}", paths.join(",")) };
        let arguments = ["delegation", "add", gun, role].map(OsStr::new);
        self.run(arguments.into_iter().chain([certificate.as_ref(), OsStr::new(&paths)]), b"")
    }

    /// Stages the removal of a whole delegation.
    #[track_caller]
    pub fn delegation_remove(&self, gun: &str, role: &str) -> Finished {
        self.run(["delegation", "remove", gun, role, "--yes"], b"")
    }

    /// Lists the delegations.
    #[track_caller]
    pub fn delegation_list(&self, gun: &str) -> Finished {
        self.run(["delegation", "list", gun], b"")
    }

    /// Stages a new signature of a role as it is.
    #[track_caller]
    pub fn witness(&self, gun: &str, role: &str) -> Finished {
        self.run(["witness", gun, role], b"")
    }

    /// Deletes the local content and, with `remote`, the server's too.
    #[track_caller]
    pub fn delete(&self, gun: &str, remote: bool) -> Finished {
        let remote = if remote { &["--remote"][..] } else { &[] };
        self.run(["delete", gun].iter().chain(remote), b"")
    }

    /// Runs any other command.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Finished {
        let mut command = process::command(&self.program, self.home.path());
        command.envs(&self.environment).args(arguments);
        command.arg("--server").arg(&self.server_url).arg("--trustDir").arg(&self.trust_dir);
        if let Some(authority) = &self.authority {
            command.arg("--tlscacert").arg(authority);
        }
        process::run(command, input, process::LONGEST)
    }
}

/// The passphrase that a [`NotaryCli`] uses for the keys of a role.
pub fn passphrase(role: &str) -> String {
    format!("passphrase of {role}")
}

/// The lines of a `notary list`, in its order.
pub fn listed(answer: &Finished) -> Vec<Listed> {
    let row = |line: &str| {
        let mut columns = line.split_whitespace().map(str::to_owned);
        let (name, sha256, size, role) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
        Some(Listed { name, sha256, size: size.parse().ok()?, role })
    };
    answer.stdout.lines().filter_map(row).collect()
}
