//! What the gateway tells its operators: the log, the access log and the metrics.
//!
//! Nothing here waits on a request's way. Lines go through bounded buffers to threads of their
//! own, and numbers are kept per worker and summed when somebody asks. Absent on purpose: traces,
//! and anything that decides; this module only reports.

pub mod access;
pub mod log;
pub mod metrics;
mod timestamp;

pub use access::{AccessError, AccessLine, AccessLog, AccessWriter, PluginLine, Source};
pub use metrics::{Hook, PluginFault, PluginMetrics, Registry, UpstreamFailure, Verdict, WorkerId};
pub use timestamp::rfc3339;
