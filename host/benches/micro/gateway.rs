//! A gateway without sockets: its plugins on this thread, as a worker has them.

use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{LocalOptions, LocalRuntime};
use tollgate::gateway::Gateway;
use tollgate::lock::Mode;
use tollgate::snapshot::WorkerSnapshot;
use tollgate::telemetry::metrics::{Registry, WorkerId};
use tollgate::upstream;

pub(crate) struct Worker {
    pub(crate) runtime: LocalRuntime,
    pub(crate) snapshot: Rc<WorkerSnapshot>,
    // The engine's clock ticks for as long as this lives.
    _gateway: Gateway,
}

/// A worker that serves this config.
pub(crate) fn worker(config: &str) -> Worker {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, config).unwrap();
    let gateway = Gateway::new(None, Arc::new(Registry::default())).unwrap();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    let built =
        runtime.block_on(gateway.build(&file, Mode::Warn, None)).unwrap_or_else(|problems| panic!("{problems}"));
    let mut registry = upstream::Registry::new(0);
    let snapshot = Rc::new(WorkerSnapshot::new(built.snapshot, WorkerId(0), &mut registry, None));
    runtime.block_on(snapshot.warm());
    Worker { runtime, snapshot, _gateway: gateway }
}
