//! Real sockets: small servers made by hand, each misbehaving in its own way.

mod answers;
mod balancing;
mod failures;
mod harness;
mod keep_alive;
mod uploads;
