//! The plugin runtime: from a file to a verdict.
//!
//! `load` turns bytes into a [`Plugin`], `pool` keeps a worker's instances of it, `call` runs one
//! hook on one instance, `host_api` is what the guest may call meanwhile. Absent on purpose: the
//! order of a chain, which is `chain`'s.

use std::sync::Arc;
use std::time::Duration;

mod abi;
pub mod bindings;
pub mod call;
pub mod capability;
pub mod code_cache;
pub mod compile;
pub mod completing;
mod component;
pub(crate) mod crowd;
pub(crate) mod direct;
pub mod engine;
mod explain;
pub mod fault;
pub mod files;
pub mod guest;
pub mod host_api;
pub mod instance;
pub mod keys;
mod limits;
pub mod link;
pub mod load;
mod meter;
pub mod pool;
pub(crate) mod retire;
pub mod rights;
pub mod state;
mod ticker;
pub mod turns;
pub mod verdict;
pub mod wasi_http;
mod weight;

use crate::config::model::{Isolation, OnError};
use crate::telemetry::metrics::Live;
use files::ReadFiles;
use guest::{Hooks, Pre};
use rights::Rights;

/// A configured plugin, ready to be instantiated on any worker.
pub struct Plugin {
    pub rights: Arc<Rights>,
    /// What `describe` told.
    pub descriptor: Descriptor,
    pub isolation: Isolation,
    pub on_error: OnError,
    /// What `configure` gets.
    config: String,
    pre: Pre,
    #[allow(dead_code, reason = "it counts for as long as the plugin lives")]
    live: Arc<Live>,
    /// Those it has, less those `configure` skipped.
    hooks: Hooks,
    /// SHA-256 of the component's bytes.
    pub content: [u8; 32],
    /// How often `on-interval` is called, if it is.
    pub interval: Option<Duration>,
    /// Equal for plugins that behave the same: bytes, settings, grants and keys.
    pub fingerprint: [u8; 32],
    /// What its first `configure` read.
    pub files_read: ReadFiles,
}

/// What a component says about itself.
#[derive(Debug, Clone, Default)]
pub struct Descriptor {
    pub name: String,
    pub version: String,
    pub summary: String,
    /// JSON Schema text; empty for "no configuration".
    pub config_schema: String,
    /// Capability and reason of each want.
    pub wants: Vec<(String, String)>,
    /// Whether a component that answers by `wasi:http` could call other services, if it may. Many import
    /// what they never use, so it is nothing they want.
    pub may_call: bool,
}

impl Plugin {
    pub fn name(&self) -> &Arc<str> {
        &self.rights.name
    }

    pub fn filters_requests(&self) -> bool {
        self.hooks.request
    }

    pub fn filters_responses(&self) -> bool {
        self.hooks.response
    }

    pub fn filters_request_bodies(&self) -> bool {
        self.hooks.request_chunks
    }

    pub fn filters_response_bodies(&self) -> bool {
        self.hooks.response_chunks
    }

    /// Whether it is asked in place of an upstream.
    pub fn answers_requests(&self) -> bool {
        self.hooks.handler
    }

    pub fn follows_requests(&self) -> bool {
        self.hooks.completion
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", self.name())
            .field("version", &self.descriptor.version)
            .finish_non_exhaustive()
    }
}
