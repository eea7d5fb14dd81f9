//! A real `dockerd` of its own: socket, images and helpers in a folder that goes with the test.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{process, programs};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running engine without network of its own: it pulls, tags and pushes.
#[derive(Debug)]
pub struct Dockerd {
    child: Child,
    folder: TempDir,
}

impl Dockerd {
    /// Starts an engine; `None` when `test` is skipped: the program is missing or we are not root.
    pub fn start(test: &str) -> Option<Self> {
        let program = programs::find(test, "dockerd")?;
        // Its images are copies, it touches no firewall and makes no bridge.
        let fixed = ["--storage-driver", "vfs", "--iptables=false", "--bridge=none"];
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = |name: &str| folder.path().join(name);
        let log = File::create(path("log")).expect("a file can be written");
        let mut command = process::command(&program, folder.path());
        command.args(fixed).arg("--data-root").arg(path("root")).arg("--exec-root").arg(path("exec"));
        command.arg("--pidfile").arg(path("pid")).arg("--host").arg(host(folder.path()));
        command.arg("--config-file").arg(path("none.json"));
        fs::write(path("none.json"), "{}").expect("a file can be written");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("dockerd starts");
        // From here on Drop stops the child, whatever happens.
        let mut engine = Self { child, folder };
        engine.wait_until_it_answers();
        Some(engine)
    }

    /// `DOCKER_HOST`
    pub fn host(&self) -> String {
        host(self.folder.path()).into_os_string().into_string().expect("it is UTF-8")
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("dockerd ended with {status}: {}", self.log());
            }
            // The socket is there before the engine serves; this line comes after.
            if self.log().contains("API listen on") {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("dockerd does not answer within {PATIENCE:?}: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // Asked to end, it ends its containerd and unmounts its folder; killed, it leaves both.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn host(folder: &Path) -> PathBuf {
    PathBuf::from(format!("unix://{}/sock", folder.display()))
}
