//! How a worker talks to upstreams: choose a target, take or open a connection, send, wait for
//! the head, stream the body, give the connection back.
//!
//! All of it belongs to one worker: `Rc` and `Cell`, no lock, no task per request. The price is
//! that each worker has its own idle connections, in-flight counts and opinion of a target's
//! health; a dead target costs every worker its own few failures. Must be used where local tasks can
//! be spawned: idle connections are looked after by one.
//!
//! Absent on purpose: HTTP/2 to targets, active health checks, a queue for connections
//! (their number is bounded by the requests in flight, and those by `server.limits`).

mod answer;
mod balance;
mod connect;
mod error;
mod h1;
mod health;
pub mod hop_by_hop;
mod interim;
mod pool;
mod reach;
mod registry;
mod send;
mod socket;
mod target;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use answer::AnswerBody;
pub use error::UpstreamError;
pub use h1::Fields;
#[cfg(fuzzing)]
pub(crate) use h1::read_in_pieces;
pub use interim::Interim;
pub use reach::Reach;
pub use registry::Registry;
pub use send::{Answer, Call, Upstream};
pub use target::TargetState;
pub use tls::Trust;
