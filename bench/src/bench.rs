//! What all scenarios share: the tools, the services, the guests, and where things run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::Args;
use crate::job::Job;
use crate::machine::Machine;
use crate::peer::{Peer, Site, free_port};
use crate::process::Waker;
use crate::scenario::Contender;
use crate::services::Services;
use crate::tools::{Tools, absolute, output};
use crate::{Outcome, guests};

/// Files one process may have open: a gateway with 10,000 clients, and the benchmark that is those clients.
const OPEN_FILES: u64 = 12_000;

/// The benchmark, ready to measure.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) args: &'a Args,
    pub(crate) tools: Tools,
    /// The core of load and services.
    pub(crate) load_core: usize,
    scratch: PathBuf,
    services: Services,
    _waker: Waker,
    /// Peers that can take part, with their versions; or why not.
    versions: BTreeMap<Peer, Outcome<String>>,
    hops: OnceLock<Outcome<()>>,
    envoy_hop: OnceLock<Outcome<()>>,
}

impl<'a> Bench<'a> {
    pub(crate) fn start(args: &'a Args) -> Outcome<Self> {
        for (program, package) in [("wrk", "wrk"), ("setpriv", "util-linux"), ("taskset", "util-linux")] {
            let there = output("sh", &["-c", &format!("command -v {program}")]);
            there.map_err(|_| format!("{program} is missing: scripts/setup-bench installs it ({package})"))?;
        }
        raise_open_files()?;
        let tools = Tools::of(args)?;
        let scratch = absolute(&args.scratch)?.join("run");
        let load_core = other_core(args.core)?;
        let waker = Waker::start()?;
        let services = Services::start(&scratch.join("services"), load_core)?;
        let versions = Peer::EVERY.map(|peer| (peer, version(args, &tools, peer))).into();
        let (hops, envoy_hop) = (OnceLock::new(), OnceLock::new());
        Ok(Self { args, tools, load_core, scratch, services, _waker: waker, versions, hops, envoy_hop })
    }

    /// A place for a contender, with what it needs there. The error says why it cannot take part.
    pub(crate) fn site(&self, scenario: &str, contender: &Contender) -> Outcome<Site<'_>> {
        self.version(contender.peer)?;
        if let Job::Hops { .. } = contender.job {
            self.guests(contender.peer)?;
        }
        Ok(Site {
            folder: self.scratch.join(scenario).join(contender.label.replace(' ', "-")),
            port: free_port()?,
            admin: free_port()?,
            services: self.services.ports,
            elsewhere: self.services.elsewhere,
            tools: &self.tools,
        })
    }

    pub(crate) fn version(&self, peer: Peer) -> Outcome<String> {
        self.versions.get(&peer).cloned().unwrap_or_else(|| Err("unknown".to_owned()))
    }

    /// Compiles the guests for a peer, once.
    fn guests(&self, peer: Peer) -> Outcome<()> {
        let made = match peer {
            Peer::Tollgate => self.hops.get_or_init(|| guests::build_hops(&self.tools)),
            Peer::Envoy => self.envoy_hop.get_or_init(|| guests::build_envoy_hop(&self.tools)),
            _ => return Ok(()),
        };
        made.clone()
    }
}

fn version(args: &Args, tools: &Tools, peer: Peer) -> Outcome<String> {
    if args.wants(peer) { tools.version(peer) } else { Err("left out of this run by --peers".to_owned()) }
}

/// Gateways inherit the limit. The hard one can be raised by root only.
fn raise_open_files() -> Outcome<()> {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= OPEN_FILES);
    if enough(limit.current) {
        return Ok(());
    }
    let maximum = if enough(limit.maximum) { limit.maximum } else { Some(OPEN_FILES) };
    setrlimit(Resource::Nofile, Rlimit { current: Some(OPEN_FILES), maximum })
        .map_err(|error| format!("{OPEN_FILES} open files are needed (`ulimit -n`; raising the limit: {error})"))
}

/// The first core that is not the gateway's.
fn other_core(core: usize) -> Outcome<usize> {
    let cores = Machine::here().cores;
    (0..cores).find(|other| *other != core).ok_or_else(|| "two cores are needed, one for load".to_owned())
}
