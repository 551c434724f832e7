//! The gateways: one file each. A peer says a [`Job`] in its own language, with one worker.
//!
//! Equal for all: no access log, connections to clients and services kept open for longer than a
//! measurement, room for 10,000 clients, and `x-forwarded-for`, `-host`, `-proto` and `x-request-id`
//! to the services. What is not a default has its reason in the peer's file.

mod apollo;
mod caddy;
mod envoy;
mod express;
mod haproxy;
pub(crate) mod nginx;
pub(crate) mod tollgate;
mod varnish;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::http::{Request, ask};
use crate::job::Job;
use crate::process::Process;
use crate::tools::Tools;

/// How long a gateway may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Tollgate,
    Nginx,
    Haproxy,
    Envoy,
    Caddy,
    Express,
    /// No gateway: it answers GraphQL.
    Apollo,
    Varnish,
}

/// Where a peer runs.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// For its config, its log, and whatever it writes.
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    /// For peers that are told to reload over HTTP.
    pub(crate) admin: u16,
    pub(crate) services: [u16; 3],
    pub(crate) elsewhere: u16,
    pub(crate) tools: &'a Tools,
}

impl Peer {
    /// Those that proxy whatever they are asked.
    pub(crate) const GATEWAYS: [Self; 6] =
        [Self::Tollgate, Self::Nginx, Self::Haproxy, Self::Envoy, Self::Caddy, Self::Express];
    /// With those that take part in one scenario only.
    pub(crate) const ALL: [Self; 8] = [
        Self::Tollgate,
        Self::Nginx,
        Self::Haproxy,
        Self::Envoy,
        Self::Caddy,
        Self::Express,
        Self::Apollo,
        Self::Varnish,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tollgate => "tollgate",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Caddy => "caddy",
            Self::Express => "express",
            Self::Apollo => "apollo",
            Self::Varnish => "varnish",
        }
    }

    pub(crate) fn parse(name: &str) -> Outcome<Self> {
        let found = Self::ALL.into_iter().find(|peer| peer.name() == name);
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("`{name}` is none of {names}"))
    }

    /// Writes the config, and gives the command that runs it in the foreground. The error says why
    /// the peer cannot do the job.
    pub(crate) fn prepare(self, job: Job, site: &Site) -> Outcome<Command> {
        fs::create_dir_all(&site.folder).map_err(|error| format!("{}: {error}", site.folder.display()))?;
        match self {
            Self::Tollgate => tollgate::prepare(job, site),
            Self::Nginx => nginx::prepare(job, site),
            Self::Haproxy => haproxy::prepare(job, site),
            Self::Envoy => envoy::prepare(job, site),
            Self::Caddy => caddy::prepare(job, site),
            Self::Express => express::prepare(job, site),
            Self::Apollo => apollo::prepare(job, site),
            Self::Varnish => varnish::prepare(job, site),
        }
    }

    /// Has a running peer take another job, without a restart.
    pub(crate) fn reload(self, job: Job, site: &Site, process: &Process) -> Outcome<()> {
        self.prepare(job, site)?;
        match self {
            // Sees by itself that its config changed.
            Self::Tollgate => Ok(()),
            Self::Nginx => nginx::reload(process),
            Self::Haproxy => haproxy::reload(process),
            Self::Caddy => caddy::reload(site),
            Self::Envoy | Self::Express | Self::Apollo | Self::Varnish => {
                Err("it has no reload of its config's file".to_owned())
            }
        }
    }
}

/// Has it run, and waits until it answers anything at all.
pub(crate) fn start(command: &Command, site: &Site, core: usize) -> Outcome<Process> {
    let log = site.folder.join("log");
    let mut process = Process::start(command, core, &log)?;
    wait_for(&mut process, site.port, &Request::get("/"), PATIENCE)
        .map_err(|error| format!("does not start: {error}; {}", end_of(&log)))?;
    Ok(process)
}

/// Asks each millisecond until there is an answer.
pub(crate) fn wait_for(process: &mut Process, port: u16, request: &Request, patience: Duration) -> Outcome<()> {
    let deadline = Instant::now() + patience;
    loop {
        match ask(port, request) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => process.must_run()?,
        }
        sleep(Duration::from_millis(1));
    }
}

/// A port nobody listens on.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// The last lines of a log, on one line.
fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}

/// Writes a file into the site's folder by renaming: a peer that watches it never sees half of it.
fn write(site: &Site, name: &str, text: &str) -> Outcome<PathBuf> {
    let path = site.folder.join(name);
    let told = |error| format!("{}: {error}", path.display());
    let unfinished = site.folder.join(format!("{name}.new"));
    fs::write(&unfinished, text).map_err(told)?;
    fs::rename(&unfinished, &path).map_err(told)?;
    Ok(path)
}
