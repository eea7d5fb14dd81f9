//! The real `docker trust inspect`, which needs no daemon.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{notary_server::NotaryServer, process, programs};

/// Docker's program. It is skipped wherever it is missing, with a loud note: it shares Notary's
/// client code, and its package weighs more than this proof.
pub fn program(test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join("docker")).find(|file| file.is_file());
    programs::decide(found, false, test, "docker")
}

/// What it prints of an image, asking a server that speaks TLS.
#[track_caller]
pub fn inspect(program: &Path, home: &Path, server: &NotaryServer, image: &str) -> String {
    let config = home.join("docker-config");
    let folder = config.join("tls").join(server.address().to_string());
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::copy(server.authority().expect("it speaks TLS"), folder.join("ca.crt"))
        .expect("a file can be copied");
    let mut command = process::command(program, home);
    command.env("DOCKER_CONFIG", &config).env("DOCKER_CONTENT_TRUST_SERVER", server.url());
    command.args(["trust", "inspect", image]);
    process::run(command, b"", process::LONGEST).ok().stdout
}
