//! The gateway's numbers, in Prometheus' text format.
//!
//! Each worker writes numbers of its own ("shards", [`shards`]) with plain relaxed loads and
//! stores; nothing on a request's way takes a lock or touches a cache line another worker writes.
//! A scrape sums the shards. What plugins count themselves is in [`custom`]. Absent on purpose: push
//! gateways.

mod cache;
pub mod custom;
mod label;
mod link;
mod plugin;
mod process;
mod registry;
mod route;
mod shards;
mod text;
mod upstream;
mod value;
mod worker;

pub use cache::Caches;
pub use link::{HookMetrics, LinkMetrics};
pub use plugin::{Hook, PluginFault, PluginMetrics, Verdict};
pub use process::Live;
pub use registry::{Registry, TargetState};
pub use route::RouteMetrics;
pub use shards::WorkerId;
pub(crate) use text::CONTENT_TYPE;
pub use upstream::{UpstreamFailure, UpstreamMetrics};
pub use value::{Counter, Gauge, Histogram};
pub use worker::WorkerMetrics;
