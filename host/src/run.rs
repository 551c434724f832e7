//! Starting and stopping a whole gateway.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::cache::redis;
use crate::config::Diagnostics;
use crate::gateway::{Built, Gateway};
use crate::reload::{Reloader, Threads};
use crate::snapshot::Snapshot;
use crate::telemetry::metrics;
use crate::unchecked::code;
use crate::worker::background::Background;
use crate::worker::thread::{Handle, Role};
use crate::{cache_dir, listen, lock, worker};

mod control;

use control::Control;

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the ports that were taken for port 0.
    pub addresses: Vec<SocketAddr>,
    pub admin: Option<SocketAddr>,
    reloader: Reloader,
    workers: Arc<Vec<Handle>>,
    stopping: watch::Sender<bool>,
    control: Control,
    /// The thread that talks with Redis, if the cache is shared.
    sharing: Option<redis::Keeper>,
}

/// Why a gateway does not start.
#[derive(Debug)]
pub enum StartError {
    /// The config, or a plugin it names, is not usable.
    Config(Diagnostics),
    /// An address cannot be listened on.
    Listen {
        /// Below `[server]`.
        key: &'static str,
        address: SocketAddr,
        error: std::io::Error,
    },
    /// The machine refuses threads, memory or files.
    System(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(problems) => write!(f, "{problems}"),
            Self::Listen { key, address, error } => {
                write!(f, "error: cannot listen on {address} (`server.{key}`): {error}")?;
                match error.kind() {
                    ErrorKind::AddrInUse => f.write_str("\n  = help: stop what has it, or choose another port"),
                    ErrorKind::AddrNotAvailable => {
                        f.write_str("\n  = help: it is no address of this machine; `0.0.0.0` is all of them")
                    }
                    ErrorKind::PermissionDenied => {
                        f.write_str("\n  = help: ports below 1024 need a right (CAP_NET_BIND_SERVICE), others none")
                    }
                    _ => Ok(()),
                }
            }
            Self::System(problem) => write!(f, "error: {problem}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A gateway that is ready to serve, and does not listen yet.
#[derive(Debug)]
pub struct Prepared {
    config: PathBuf,
    lock: lock::Mode,
    metrics: Arc<metrics::Registry>,
    gateway: Gateway,
    control: tokio::runtime::Runtime,
    built: Built,
}

/// Starts a gateway: when this returns, its addresses answer.
pub fn start(config: &Path, lock: lock::Mode) -> Result<Running, StartError> {
    prepare(config, lock)?.serve()
}

/// All that takes long: the config is read, plugins are compiled and configured.
pub fn prepare(config: &Path, lock: lock::Mode) -> Result<Prepared, StartError> {
    raise_open_files();
    let metrics = Arc::new(metrics::Registry::default());
    let gateway = Gateway::new(cache_dir::find().as_deref(), metrics.clone()).map_err(system)?;
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let built = control.block_on(gateway.build(config, lock, None)).map_err(StartError::Config)?;
    Ok(Prepared { config: config.to_owned(), lock, metrics, gateway, control, built })
}

impl Prepared {
    /// Listens: when this returns, the addresses answer.
    pub fn serve(self) -> Result<Running, StartError> {
        let Self { config, lock, metrics, gateway, control, built: Built { snapshot, files } } = self;

        // All addresses are bound before anything is served: half a gateway is none.
        let server = &snapshot.config.server;
        let listeners = server.listen.iter().map(|address| bind("listen", *address)).collect::<Result<Vec<_>, _>>()?;
        let admin_listener = server.admin.map(|address| bind("admin", address)).transpose()?;
        let local = |listener: &std::net::TcpListener| listener.local_addr().map_err(system);
        let addresses = listeners.iter().map(local).collect::<Result<Vec<_>, _>>()?;
        let admin_address = admin_listener.as_ref().map(local).transpose()?;

        let sharing = gateway.share_cache(&snapshot.config).map_err(StartError::System)?;
        let (stopping, is_stopping) = watch::channel(false);
        let workers = spawn_workers(&snapshot, &is_stopping)?;
        let mut background = Background::default();
        background.install(&snapshot).map_err(system)?;
        metrics.loaded();
        let threads = Threads { workers: Arc::clone(&workers), background };
        let reloader = Reloader::start(gateway, &config, lock, snapshot.clone(), files, threads).map_err(system)?;
        let places = Arc::new(Semaphore::new(server.limits.connections.min(Semaphore::MAX_PERMITS)));
        let status = reloader.status();
        let admin = admin_listener.map(|listener| (listener, status, metrics));
        // Most of the program is run by the start alone. Where it stays, that costs memory and nothing else.
        let _ = code::give_back();
        let control = Control::start(control, listeners, &workers, &places, admin, is_stopping).map_err(system)?;
        Ok(Running { addresses, admin: admin_address, reloader, workers, stopping, control, sharing })
    }
}

impl Running {
    /// Builds anew from the files and swaps, as if one of them had changed.
    pub fn reload(&self) {
        self.reloader.reload();
    }

    /// Opens the access log's file again by its name, after it was renamed.
    pub fn reopen_logs(&self) {
        self.reloader.reopen_logs();
    }

    /// Stops: no new connections, answers under way have `server.drain` to end.
    pub fn stop(self) {
        let Self { reloader, workers, stopping, control, sharing, .. } = self;
        reloader.stop();
        stopping.send_replace(true);
        control.wait_for_acceptors();
        // Nobody else holds them now: the reloader and the acceptors are gone.
        if let Ok(workers) = Arc::try_unwrap(workers) {
            Handle::join_all(workers);
        }
        control.end();
        // Last, so that what the last request removed is removed for all.
        if let Some(keeper) = sharing {
            keeper.stop();
        }
    }
}

fn bind(key: &'static str, address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    listen::bind(address).map_err(|error| StartError::Listen { key, address, error })
}

fn spawn_workers(snapshot: &Arc<Snapshot>, draining: &watch::Receiver<bool>) -> Result<Arc<Vec<Handle>>, StartError> {
    let spawn = |number| worker::thread::spawn(Role::Serves(number), Arc::clone(snapshot), draining.clone());
    let workers: Result<Vec<_>, _> = (0..snapshot.config.server.workers).map(spawn).collect();
    workers.map(Arc::new).map_err(system)
}

/// A connection is two descriptors, and the usual soft limit is 1024. The hard one is the operator's.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit on open files could not be raised");
        }
    }
}

fn system(error: impl std::fmt::Display) -> StartError {
    StartError::System(format!("{error:#}"))
}
