//! A real Redis.

use std::fmt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::tools;
use crate::upstream::Upstream;
use crate::wait::until;

/// A Redis on a port of its own, with nothing on disk. Written as its address.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// `None` where there is no Redis, which is said; see [`tools::need`].
    pub async fn start() -> Option<Self> {
        let mut redis = Self::prepared(&[]).await?;
        redis.run().await;
        Some(redis)
    }

    /// One that does not run yet, with further arguments.
    pub async fn prepared(arguments: &[&str]) -> Option<Self> {
        let program = tools::need("redis-server", "scripts/setup-peers")?;
        let port = Upstream::refusing_port().await;
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Some(Self { program, port, arguments, child: None })
    }

    pub async fn run(&mut self) {
        let mut server = Command::new(&self.program);
        server.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let server = server.args(&self.arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(server.spawn().unwrap());
        let ready = || Some(self.ask(&["PING"])).filter(|answer| answer.contains("PONG") || answer.contains("NOAUTH"));
        until("Redis to answer", ready).await;
    }

    /// Ends it at once: what it had is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let process = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    /// What it answers to a command, a line for each part.
    pub fn ask(&self, command: &[&str]) -> String {
        let client = self.program.with_file_name("redis-cli");
        let mut client = Command::new(client);
        let output = client.args(["-p", &self.port.to_string(), "--no-auth-warning"]).args(command).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
