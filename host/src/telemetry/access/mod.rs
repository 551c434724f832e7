//! The access log: one JSON line for each request, when its last byte is gone.
//!
//! A worker appends lines to a buffer of its own; a thread of the log's own swaps the buffers for
//! empty ones and writes them. Absent on purpose: formats to choose from, and rotation (rename the
//! file, then [`AccessWriter::reopen`]).

mod line;
mod log;
mod sink;
mod writer;

pub use line::{AccessError, AccessLine, PluginLine, Source};
pub use log::AccessLog;
pub use writer::AccessWriter;
