//! The control plane's HTTP: liveness, readiness, metrics and status, for operators and machines.
//!
//! It runs on the control runtime and never on a worker, so that a busy data plane can still be
//! asked how it is. Absent on purpose: anything that changes how the gateway works, which its files do, and
//! TLS and passwords, for it listens on the loopback address unless told otherwise.

mod cache;
mod pages;
mod server;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::reload;
use crate::telemetry::Registry;

/// What the pages are made from. All of it is only read.
#[derive(Debug)]
struct Admin {
    status: Arc<reload::Status>,
    metrics: Arc<Registry>,
    /// True from the moment the gateway is to end.
    stopping: watch::Receiver<bool>,
    started: Instant,
}

/// Serves admin requests for as long as it is polled, so that a gateway that drains can still be
/// asked. To be called once every worker has its first snapshot, for from then on `/readyz` says so.
pub async fn serve(
    listener: TcpListener,
    status: Arc<reload::Status>,
    metrics: Arc<Registry>,
    stopping: watch::Receiver<bool>,
) {
    let admin = Arc::new(Admin { status, metrics, stopping, started: Instant::now() });
    server::accept(listener, admin).await;
}
