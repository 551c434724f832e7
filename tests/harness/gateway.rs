//! A gateway process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::client::{Answer, Client, request};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::output::Output;
use crate::raw::Raw;
use crate::wait::{until_async, within};
use crate::{binary, names, wait};

/// A gateway that is going to be started: its folder may be filled first.
#[derive(Debug)]
pub struct Prepared {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    has_own_names: bool,
}

/// A gateway that serves. Killed when dropped; a test that panics shows its log.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    folder: tempfile::TempDir,
    access: Output,
    log: Output,
}

impl Gateway {
    /// Writes the config into a new folder, with an empty `plugins` folder beside it.
    pub fn with(config: &Config) -> Prepared {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        let prepared = Prepared { folder, environment: Vec::new(), arguments: Vec::new(), has_own_names: false };
        prepared.file("tollgate.toml", config.to_string())
    }

    pub async fn start(config: &Config) -> Self {
        Self::with(config).start().await
    }

    /// A `GET` on a new connection.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, "")).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(request("POST", path, body.to_owned())).await
    }

    /// A request on a new connection.
    pub async fn send<B: Into<bytes::Bytes>>(&self, request: http::Request<B>) -> Answer {
        self.connect().await.send(request).await
    }

    /// A connection with keep-alive.
    pub async fn connect(&self) -> Client {
        Client::to(self.address).await
    }

    /// A connection on which anything can be written.
    pub async fn raw(&self) -> Raw {
        Raw::to(self.address).await
    }

    /// A `GET` to the admin address.
    pub async fn admin(&self, path: &str) -> Answer {
        Client::to(self.admin).await.get(path).await
    }

    pub async fn metrics(&self) -> Metrics {
        let answer = self.admin("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Metrics::parse(answer.text())
    }

    /// The metrics, once the sum of these samples is this.
    pub async fn metrics_with(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Metrics {
        until_async(&format!("{name}{labels:?} to be {value}"), async || {
            let metrics = self.metrics().await;
            ((metrics.sum(name, labels) - value).abs() < 0.5).then_some(metrics)
        })
        .await
    }

    /// The access lines as JSON, once there are so many. Scrapes and the harness write none.
    pub async fn access_lines(&self, count: usize) -> Vec<serde_json::Value> {
        self.access.objects(count, |_| true).await
    }

    /// The one access line of this path, once it is there.
    pub async fn access_line(&self, path: &str) -> serde_json::Value {
        self.access.objects(1, |line| line["path"] == path).await.remove(0)
    }

    /// The operator's log.
    pub fn log(&self) -> &Output {
        &self.log
    }

    /// A file of its folder: `tollgate.toml`, `plugins/NAME.wasm`.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a file in place, as `cat >` does.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(file), content).unwrap();
    }

    /// Writes a file beside it and renames it over, as careful editors do.
    pub fn replace(&self, file: &str, content: impl AsRef<[u8]>) {
        let new = self.path(&format!("{file}.new"));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, self.path(file)).unwrap();
    }

    /// Writes the config in place, and waits until it is live.
    pub async fn reload(&self, config: &Config) {
        let before = self.reloads();
        self.write("tollgate.toml", config.to_string());
        self.reloaded_since(before).await;
    }

    /// How many reloads have succeeded.
    pub fn reloads(&self) -> usize {
        self.log.lines().iter().filter(|line| line.contains(r#""message":"reloaded""#)).count()
    }

    /// Waits until one more reload has succeeded.
    pub async fn reloaded_since(&self, before: usize) {
        wait::until("a reload", || (self.reloads() > before).then_some(())).await;
    }

    /// A line of `/proc/PID/status`: `Threads`, `VmHWM` (in KiB).
    pub fn kernel_knows(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The number of the process.
    pub fn process(&self) -> u32 {
        self.child.id().expect("the gateway runs")
    }

    /// Sends the process a signal: `TERM`, `HUP`, `USR1`.
    pub fn signal(&self, name: &str) {
        // The shell's own: the program `kill` is one of a package that a small machine lacks.
        let kill = format!("kill -s {name} {}", self.process());
        let sent = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "{kill}");
    }

    /// The most memory the process had at any time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let process = self.child.id().expect("the gateway runs");
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Forgets what the process had before; gives what it has now.
    pub fn peak_memory_from_now_on(&self) -> u64 {
        let process = self.child.id().expect("the gateway runs");
        // See proc(5).
        std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
        self.peak_memory()
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        within("the gateway's end", self.child.wait()).await.unwrap()
    }

    /// Stops it as an operator does.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the gateway's log:\n{}\n--- its access lines:\n{}", self.log.text(), self.access.text());
        }
    }
}

impl Prepared {
    /// Puts a file into the gateway's folder.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// Puts a plugin into its `plugins` folder.
    #[must_use]
    pub fn plugin(self, name: &str, component: impl AsRef<[u8]>) -> Self {
        self.file(&format!("plugins/{name}.wasm"), component)
    }

    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Further arguments of `tollgate run`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Gives it an `/etc/hosts` of its own, the file `hosts` of its folder: what is written into that later
    /// is what the system says from then on. See [`crate::names`].
    #[must_use]
    pub fn names(mut self, hosts: &str) -> Self {
        self.has_own_names = true;
        self.file("hosts", hosts)
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Starts it, and waits until it listens.
    pub async fn start(self) -> Gateway {
        let (child, access, log) = self.spawn();
        let mut gateway =
            Gateway { child, address: ([0; 4], 0).into(), admin: ([0; 4], 0).into(), folder: self.folder, access, log };
        gateway.address = gateway.announced("listening on http://").await;
        gateway.admin = gateway.announced("admin on http://").await;
        gateway
    }

    /// Starts it, expects that it gives up, and returns what it said.
    pub async fn start_fails(self) -> String {
        let (mut child, _access, log) = self.spawn();
        let status = within("the gateway to give up", child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(1), "{}", log.text());
        log.whole().await
    }

    fn spawn(&self) -> (Child, Output, Output) {
        let binary = binary::path();
        let mut command =
            if self.has_own_names { names::command(&self.path("hosts"), binary) } else { Command::new(binary) };
        let mut child = command
            .args(["run", "--config"])
            .arg(self.path("tollgate.toml"))
            .args(&self.arguments)
            // Compiled plugins are kept from test to test, and away from the user's own.
            .env("TOLLGATE_CACHE_DIR", cache_folder())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", binary.display()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        (child, Output::of(stdout), Output::of(stderr))
    }
}

impl Gateway {
    async fn announced(&mut self, words: &str) -> SocketAddr {
        let line = tokio::select! {
            line = self.log.line_with(words) => line,
            ended = self.child.wait() => panic!("the gateway ended ({ended:?})"),
        };
        let (_, rest) = line.split_once(words).unwrap();
        let end = rest.find('"').unwrap_or(rest.len());
        rest[..end].parse().unwrap_or_else(|error| panic!("no address ({error}): {line}"))
    }
}

fn cache_folder() -> PathBuf {
    Path::new(&binary::target_folder()).join("test-cache")
}
