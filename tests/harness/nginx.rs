//! A real nginx as an upstream.

use std::fmt;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools;
use crate::upstream::Upstream;
use crate::wait::{LONG, until};

/// An nginx on a port of its own, with a folder that it serves. Written as a config's target.
///
/// One master and one worker, as in production, for only so does it finish what it has begun when
/// it is stopped. A master that is killed leaves its worker behind: it is asked to stop when this is
/// dropped.
#[derive(Debug)]
pub struct Nginx {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    master: Option<Child>,
}

impl Nginx {
    /// `server`: the inside of its `server` block, where `PORT` is its own port; `/` is its folder.
    /// `None` where there is no nginx, which is said; see [`tools::need`].
    pub async fn start(server: &str) -> Option<Self> {
        let program = tools::need("nginx", "scripts/setup-peers")?;
        let folder = tempfile::tempdir().unwrap();
        let port = Upstream::refusing_port().await;
        std::fs::create_dir(folder.path().join("www")).unwrap();
        std::fs::write(folder.path().join("nginx.conf"), config(server).replace("PORT", &port.to_string())).unwrap();
        let mut nginx = Self { program, folder, port, master: None };
        nginx.run().await;
        Some(nginx)
    }

    /// Puts a file into the folder it serves.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder.path().join("www").join(name), content).unwrap();
        self
    }

    /// Stops it as an operator does, what it has begun is finished, and starts it again.
    pub async fn restart(&mut self) {
        self.stop("QUIT");
        self.run().await;
    }

    async fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut nginx = Command::new(&self.program);
        nginx.arg("-p").arg(self.folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let master = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.master = Some(master);
        until("nginx to listen", || TcpStream::connect(("127.0.0.1", self.port)).ok().map(drop)).await;
    }

    fn stop(&mut self, signal: &str) {
        let Some(mut master) = self.master.take() else { return };
        let process = master.id().to_string();
        drop(Command::new("kill").args(["-s", signal, &process]).status());
        let end = Instant::now() + LONG;
        while master.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl fmt::Display for Nginx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop("TERM");
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            eprintln!("--- nginx's log:\n{}", log.unwrap_or_default());
        }
    }
}

/// Paths are relative to its folder (`-p`). Who starts it as root must let the worker read there.
fn config(server: &str) -> String {
    let user = if is_root() { "user root;" } else { "" };
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {kind};\n"))
        .concat();
    format!(
        "{user}\ndaemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr;\n\
         events {{}}\n\
         http {{\n{folders}    access_log off;\n    types {{ text/plain txt; }}\n\
         server {{\n    listen 127.0.0.1:PORT;\n    root www;\n{server}\n}}\n}}\n"
    )
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
