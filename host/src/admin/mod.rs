//! The control plane's HTTP: liveness, readiness, metrics and status, for operators and machines.
//!
//! It runs on the control runtime and never on a worker, so that a busy data plane can still be
//! asked how it is. Absent on purpose: anything that changes the gateway, which its files do, and
//! TLS and passwords, for it listens on the loopback address unless told otherwise.

mod pages;
mod server;
mod state;
mod status;

pub use server::serve;
pub use state::{AdminState, Readiness};
pub use status::{Inventory, PluginStatus, RouteStatus, UpstreamStatus};
