//! A trust server, a registry, and people who use Docker's program and ours on the same folder.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{
    certificates::Tls,
    docker,
    dockerd::Dockerd,
    notary_server::NotaryServer,
    process::{self, Finished},
    registry::Registry,
};

/// The servers of a test.
pub struct Lab {
    pub trust: NotaryServer,
    pub registry: Registry,
    pub engine: Option<Dockerd>,
}

impl Lab {
    /// Without an engine.
    pub fn new(test: &str) -> Option<Self> {
        let trust = NotaryServer::start_tls(test, Tls::SelfSigned)?;
        Some(Self { trust, registry: Registry::start(test)?, engine: None })
    }

    /// With an engine.
    pub fn with_engine(test: &str) -> Option<Self> {
        let engine = Dockerd::start(test)?;
        Some(Self { engine: Some(engine), ..Self::new(test)? })
    }

    /// A reference: `app:v1` becomes `127.0.0.1:5000/app:v1`.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }
}

/// Somebody with a Docker folder of their own.
pub struct Person {
    home: TempDir,
    docker: Option<PathBuf>,
    pub environment: Vec<(String, String)>,
}

impl Person {
    /// Somebody who trusts the trust server's certificate; `test` is skipped without Docker's CLI.
    pub fn new(test: &str, lab: &Lab) -> Option<Self> {
        let docker = docker::program(test)?;
        Some(Self { docker: Some(docker), ..Self::without_docker(&lab.trust) })
    }

    pub fn without_docker(trust: &NotaryServer) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = tls_folder(home.path(), trust);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(trust.authority().unwrap(), folder.join("ca.crt")).unwrap();
        let mut environment = vec![("DOCKER_CONTENT_TRUST_SERVER".to_owned(), trust.url())];
        for role in ["ROOT", "REPOSITORY"] {
            let name = format!("DOCKER_CONTENT_TRUST_{role}_PASSPHRASE");
            environment.push((name, format!("secret of {role}")));
        }
        Self { home, docker: None, environment }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn config(&self) -> PathBuf {
        self.home().join(".docker")
    }

    /// Where Docker looks for a trust server's certificates.
    pub fn tls(&self, trust: &NotaryServer) -> PathBuf {
        tls_folder(self.home(), trust)
    }

    pub fn private(&self) -> PathBuf {
        self.config().join("trust/private")
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.home().join(name);
        fs::write(&path, content).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// Runs `docker-trust`.
    #[track_caller]
    pub fn ours<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        self.ours_told(arguments, "")
    }

    /// Runs `docker-trust` with something to read.
    #[track_caller]
    pub fn ours_told<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Finished {
        let mut command = self.command(&program());
        command.args(arguments);
        process::run(command, input.as_bytes(), process::LONGEST)
    }

    /// Runs `docker trust`.
    #[track_caller]
    pub fn docker_trust(&self, lab: &Lab, arguments: &[&str]) -> Finished {
        self.docker(lab, &[&["trust"], arguments].concat())
    }

    /// Runs `docker`.
    #[track_caller]
    pub fn docker(&self, lab: &Lab, arguments: &[&str]) -> Finished {
        let mut command = self.command(self.docker.as_ref().unwrap());
        if let Some(engine) = &lab.engine {
            command.env("DOCKER_HOST", engine.host());
        }
        process::run(
            {
                command.args(arguments);
                command
            },
            b"",
            process::LONGEST,
        )
    }

    /// Pulls with content trust.
    #[track_caller]
    pub fn trusted_pull(&self, lab: &Lab, image: &str) -> Finished {
        self.docker(lab, &["pull", "--disable-content-trust=false", image])
    }

    /// What both programs print about images, the same.
    #[track_caller]
    pub fn inspect(&self, lab: &Lab, image: &str) -> Value {
        let ours = self.ours(["inspect", image]).ok();
        assert_eq!(ours.stderr, "", "{ours:#?}");
        let dockers = self.docker_trust(lab, &["inspect", image]).ok();
        let seen = serde_json::from_str::<Value>(&ours.stdout).unwrap()[0].take();
        let names: Vec<_> = tags(&seen).into_iter().map(|(tag, ..)| tag).collect();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            // Docker sorts by tag alone: two digests of one tag come in any order.
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(lines(&ours.stdout), lines(&dockers.stdout));
            return seen;
        }
        assert_eq!(ours.stdout, dockers.stdout);
        let pretty = self.ours(["inspect", "--pretty", image]).ok().stdout;
        assert_eq!(pretty, self.docker_trust(lab, &["inspect", "--pretty", image]).ok().stdout);
        assert_eq!(pretty, self.ours(["view", image]).ok().stdout);
        seen
    }

    /// The key pair of a signer, made by us; the public key's file.
    #[track_caller]
    pub fn generate(&self, name: &str) -> String {
        self.ours(["key", "generate", name]).ok();
        self.home().join(format!("{name}.pub")).into_os_string().into_string().unwrap()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = process::command(program, self.home());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn tls_folder(home: &Path, trust: &NotaryServer) -> PathBuf {
    home.join(".docker/tls").join(trust.address().to_string())
}

/// The tags that are listed, each with its digest and its signers.
pub fn tags(image: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |tag: &Value| {
        let signers: Vec<_> = tag["Signers"].as_array().unwrap().iter().map(text).collect();
        (text(&tag["SignedTag"]), text(&tag["Digest"]), signers.join(" "))
    };
    image["SignedTags"].as_array().unwrap().iter().map(row).collect()
}

/// Plain `cargo test` builds it, beside the folder of this very test; `--test docker_trust` alone
/// takes what is there.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/docker-trust");
    assert!(path.is_file(), "{} is missing: cargo build --examples makes it", path.display());
    path
}
