//! The gateway, end to end: each module is one subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod built_ins;
mod check;
mod clients;
mod exit;
mod faults;
mod https;
mod inspect;
mod languages;
mod lock;
mod names;
mod peers;
mod plugins;
mod proxy;
mod reload;
mod routes;
mod schema;
mod stop;
mod telemetry;
mod upstreams;
mod wasi_http;
