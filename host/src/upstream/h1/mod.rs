//! HTTP/1.1 to a target, on one connection and without a task of its own.
//!
//! hyper's client gives each connection a task and passes request, head and every piece of the
//! body to it and back through channels, with a wake-up each: a fifth of a short request
//! (docs/performance.md). Here whoever waits for the answer reads the socket. Parsing heads and
//! sizes of chunks is httparse's, as in hyper. Absent on purpose: pipelining, upgrades, HTTP/2.

mod announced;
mod connection;
mod encode;
mod error;
mod fields;
mod framing;
mod head;
#[cfg(fuzzing)]
mod pieces;
mod sending;

pub(super) use connection::{Connection, Lost};
pub(super) use encode::{Asked, More};
pub(crate) use error::Broken;
pub use fields::Fields;
pub(super) use framing::{Decoded, Decoder};
pub(super) use head::{Expected, Head};
#[cfg(fuzzing)]
pub(crate) use pieces::read as read_in_pieces;
pub(super) use sending::{Sending, Upload};
