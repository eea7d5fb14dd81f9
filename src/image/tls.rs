//! Which certificates Docker uses for a server: those in the server's own folder.
//!
//! `<Docker's configuration>/tls/<host[:port]>` holds `*.crt` (authorities to trust besides the
//! system's) and pairs of `NAME.cert` and `NAME.key` (who we are). A half of a pair is an error:
//! a connection without our certificate is not what was asked for (TA-04).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use url::Url;

/// The files in a server's folder, each kind by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// Authorities: PEM.
    pub authorities: Vec<PathBuf>,
    /// Our certificates, each with its private key: PEM.
    pub identities: Vec<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// The files for a server, below Docker's configuration folder (`$DOCKER_CONFIG` or
    /// `~/.docker`). No folder means no files.
    ///
    /// # Errors
    /// The folder can't be read, or a certificate has no key or a key no certificate.
    pub fn find(config: &Path, server: &Url) -> io::Result<Self> {
        let Some(host) = server.host_str() else { return Ok(Self::default()) };
        let host = match server.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self::in_folder(&config.join("tls").join(host))
    }

    /// The files in one folder.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries?,
        };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        let with = |extension: &str| -> Vec<PathBuf> {
            let has = |path: &&PathBuf| path.extension().is_some_and(|it| it == extension);
            paths.iter().filter(has).cloned().collect()
        };
        let counterpart = |path: PathBuf, extension: &str| {
            let other = path.with_extension(extension);
            let missing = || {
                let why = format!("{} has no {} beside it", path.display(), other.display());
                io::Error::new(io::ErrorKind::InvalidData, why)
            };
            if paths.contains(&other) { Ok((path, other)) } else { Err(missing()) }
        };
        for key in with("key") {
            counterpart(key, "cert")?;
        }
        let identities =
            with("cert").into_iter().map(|it| counterpart(it, "key")).collect::<Result<_, _>>()?;
        Ok(Self { authorities: with("crt"), identities })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> (tempfile::TempDir, Url) {
        let config = tempfile::tempdir().unwrap();
        let folder = config.path().join("tls/trust.example.com:4443");
        fs::create_dir_all(&folder).unwrap();
        for file in files {
            fs::write(folder.join(file), "").unwrap();
        }
        (config, Url::parse("https://trust.example.com:4443/path").unwrap())
    }

    #[test]
    fn a_servers_folder_is_named_by_host_and_port() {
        let (config, server) = folder(&["b.crt", "a.crt", "me.cert", "me.key", "readme.txt"]);
        let found = TlsFiles::find(config.path(), &server).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|it| it.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&found.authorities), ["a.crt", "b.crt"]);
        let (certificate, key) = &found.identities[0];
        assert_eq!(names(&[certificate.clone(), key.clone()]), ["me.cert", "me.key"]);
        assert_eq!(found.identities.len(), 1);
        let other = Url::parse("https://trust.example.com").unwrap();
        assert_eq!(TlsFiles::find(config.path(), &other).unwrap(), TlsFiles::default());
    }

    #[test]
    fn ta_04_half_a_pair_is_refused() {
        for half in ["me.cert", "me.key"] {
            let (config, server) = folder(&[half, "other.cert", "other.key"]);
            let error = TlsFiles::find(config.path(), &server).unwrap_err().to_string();
            assert!(error.contains(half), "{error}");
        }
    }
}
