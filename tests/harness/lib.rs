//! What the end-to-end tests are written with: a gateway process, upstreams that answer or
//! misbehave, and clients, all on real sockets of this machine.
//!
//! Whatever waits gives up after [`wait::LONG`] and says what it waited for. Everything that is
//! started ends when its value is dropped. Deliberately absent: knowledge of the gateway's inside;
//! it is seen through its sockets, its files and its output only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

pub mod binary;
pub mod client;
pub mod config;
pub mod faults;
pub mod gateway;
pub mod guests;
pub mod metrics;
pub mod names;
pub mod nginx;
pub mod output;
pub mod raw;
pub mod redis;
pub mod tls;
pub mod tools;
pub mod upstream;
pub mod wait;
pub mod wire;

pub use client::{Answer, Client, request};
pub use config::{Config, config};
pub use faults::{all_faults, fault, in_general};
pub use gateway::{Gateway, Prepared};
pub use nginx::Nginx;
pub use raw::Raw;
pub use redis::Redis;
pub use tls::{Authority, Identity};
pub use upstream::{Seen, Upstream};
pub use wait::{until, within};
pub use wire::Wire;
