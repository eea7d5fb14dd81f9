//! The real `docker trust`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    notary_server::NotaryServer,
    process::{self, Finished},
    programs,
};

/// The program.
pub fn program(test: &str) -> Option<PathBuf> {
    programs::find(test, "docker")
}

/// One user of `docker trust`.
#[derive(Debug)]
pub struct Docker {
    pub program: PathBuf,
    pub home: PathBuf,
    /// `DOCKER_CONFIG`
    pub config: PathBuf,
    /// For the keys of every role.
    pub passphrase: String,
}

impl Docker {
    /// A user who trusts a server's TLS; `None` when `test` is skipped.
    pub fn new(test: &str, home: &Path, server: &NotaryServer) -> Option<Self> {
        let config = home.join(".docker");
        let folder = config.join("tls").join(server.address().to_string());
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::copy(server.authority().expect("it speaks TLS"), folder.join("ca.crt"))
            .expect("it can be copied");
        Some(Self {
            program: program(test)?,
            home: home.to_owned(),
            config,
            passphrase: "passphrase of docker".to_owned(),
        })
    }

    /// Runs `docker trust`.
    #[track_caller]
    pub fn trust(&self, server: &NotaryServer, arguments: &[&str]) -> Finished {
        let mut command = process::command(&self.program, &self.home);
        command.env("DOCKER_CONFIG", &self.config).env("DOCKER_CONTENT_TRUST_SERVER", server.url());
        for role in ["ROOT", "REPOSITORY"] {
            command.env(format!("DOCKER_CONTENT_TRUST_{role}_PASSPHRASE"), &self.passphrase);
        }
        command.arg("trust").args(arguments);
        process::run(command, b"", process::LONGEST)
    }
}
