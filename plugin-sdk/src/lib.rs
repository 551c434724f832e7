//! Write [Tollgate](https://docs.rs/tollgate) plugins in Rust: a struct, a trait and one macro.
//!
//! ```
//! use tollgate_plugin_sdk::{NoConfig, Plugin, RequestFilter, Verdict, export, request};
//!
//! struct Hello;
//!
//! impl Plugin for Hello {
//!     type Config = NoConfig;
//!     const NAME: &'static str = "hello";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const SUMMARY: &'static str = "Tells the upstream who greets it";
//!
//!     fn configure(_: NoConfig) -> Result<Self, String> {
//!         Ok(Hello)
//!     }
//! }
//!
//! impl RequestFilter for Hello {
//!     fn on_request(&self) -> Verdict {
//!         match request::set_header("x-greeting", "hello") {
//!             Ok(()) => Verdict::Next,
//!             Err(error) => panic!("{error}"),
//!         }
//!     }
//! }
//!
//! export!(Hello: request);
//! # fn main() {}
//! ```
//!
//! The modules carry the names of the interfaces in `wit/`, one each, with the same functions;
//! [`duration`], [`size`] and [`mistakes`] are for configs, [`json`] and [`path`] for what others say.
//! Compiled natively they talk to [`testing::Host`], so plugins are unit-tested with `cargo test`.
//! Absent on purpose: anything a component could not do without this crate.

pub mod attributes;
mod background;
pub mod cache;
pub mod clock;
pub mod completion;
pub mod crypto;
pub mod duration;
pub mod files;
pub mod hooks;
pub mod http_client;
pub mod json;
pub mod kv;
pub mod log;
pub mod metrics;
pub mod mistakes;
pub mod path;
mod quantity;
pub mod random;
pub mod rate;
pub mod request;
pub mod response;
pub mod secrets;
pub mod shared_kv;
pub mod size;

#[cfg(any(test, target_family = "wasm"))]
mod allocator;
#[doc(hidden)]
pub mod bindings;
mod body_filter;
mod export;
mod lifecycle;
mod misplaced;
mod request_filter;
mod response_filter;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod types;

#[cfg(all(feature = "allocator", target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::new();

pub use background::Background;
pub use body_filter::{BodyFilter, ChunkVerdict};
pub use completion::Completion;
pub use lifecycle::{NoConfig, Plugin, Want};
pub use request_filter::{BodyVerdict, RequestFilter, Verdict};
pub use response_filter::{ResponseBodyVerdict, ResponseFilter, ResponseVerdict};
pub use types::{Answer, Header, HeaderError};

// A plugin's config struct derives traits of these two; taken from here, their versions fit.
pub use schemars;
pub use serde;

/// What the `export!` macro expands to. Not for plugins.
#[doc(hidden)]
pub mod glue {
    pub use crate::lifecycle::{configure, describe};
}

/// Where the functions of the interfaces lead: to the gateway, or natively to the fakes.
#[cfg(target_family = "wasm")]
use bindings::tollgate::plugin as host;
#[cfg(not(target_family = "wasm"))]
use testing as host;

// The snippets of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// Whether a field can have this name: a `token` of RFC 9110 section 5.6.2. For plugins that check their
/// configuration before the first request.
pub fn is_field_name(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_tchar)
}

/// Fields a plugin cannot set (`header-error.reserved`): `host`, framing, and the hop-by-hop fields
/// of RFC 9110 section 7.6.1. For plugins that check their configuration before the first request.
pub const RESERVED_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];
