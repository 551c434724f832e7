//! The Tollgate gateway, as a library: the binary and its tests stand on it.
//!
//! A request's way is `listen -> exchange -> route -> chain in -> upstream -> chain out -> listen`;
//! `gateway` assembles what it passes through, `reload` does so again when something changes.

pub mod admin;
pub mod body;
pub mod cache;
pub mod cache_dir;
pub mod chain;
pub mod cli;
pub mod config;
pub mod context;
mod cork;
pub mod exchange;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
mod give_way;
pub mod listen;
pub mod lock;
mod plain;
pub mod plugin;
pub mod randomness;
pub mod reload;
pub mod respond;
pub mod route;
pub mod run;
pub mod snapshot;
mod spelling;
pub mod state;
pub mod telemetry;
mod unchecked;
pub mod upstream;
pub mod worker;

pub use unchecked::allocator::Allocator;
