//! What plugins may call: one file for each interface of `wit/`, with the same name.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::tollgate::plugin as wit;
use super::state::InstanceState;

mod attributes;
mod cache;
mod clock;
mod copied;
pub(crate) use copied::Copied;
mod crypto;
mod files;
pub(crate) mod header_map;
pub(crate) use header_map::{MAX_FIELDS, MAX_NAMES, build as build_headers};
mod hooks;
pub mod http_client;
mod kv;
pub mod log;
mod metrics;
pub mod per_second;
pub(super) mod random;
mod rate;
pub(crate) mod request;
pub(crate) mod response;
mod secrets;
mod shared_kv;
pub(crate) use response::{final_status, made_by};

impl wit::types::Host for InstanceState {}

/// Adds every interface a plugin may import, and an empty WASI.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    wit::types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::request::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::response::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::attributes::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::http_client::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::kv::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::shared_kv::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::files::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::cache::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::rate::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::crypto::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::secrets::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::metrics::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::random::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::hooks::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wasmtime_wasi::p2::add_to_linker_async(linker)
}
