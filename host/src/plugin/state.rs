//! What one instance's store carries: the request at hand, the plugin's rights, the meters.
//!
//! The host functions (`host_api`) see nothing but this.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::direct::imports::Ends;
use super::direct::{Entering, Wait};
use super::files::ReadFiles;
use super::guest::Returned;
use super::host_api::http_client::Calls;
use super::host_api::random::MAX_BYTES as MAX_RANDOM;
use super::limits::InstanceLimits;
use super::meter::{Meter, pause};
use super::rights::Rights;
use super::wasi_http::Web;
use crate::context::Context;
use crate::telemetry::{self, PluginMetrics};

/// The data of a `Store`.
pub struct InstanceState {
    pub plugin: Arc<Rights>,
    pub hook: Hook,
    /// There in every hook of a request, absent in `describe` and `configure`.
    pub context: Option<Box<Context>>,
    pub calls: Calls,
    /// Bounds of histograms' buckets that `configure` set, by metric.
    pub buckets: Vec<(String, Vec<f64>)>,
    /// What `configure` read.
    pub files_read: ReadFiles,
    /// What `configure` said of the hooks.
    pub told: Told,
    /// Of the worker the instance is on; none while a plugin is tried before it serves.
    pub metrics: Option<Arc<PluginMetrics>>,
    pub limits: InstanceLimits,
    /// Bytes of texts and bodies that crossed in this hook so far.
    pub copied: u64,
    pub meter: Arc<Meter>,
    /// How a plain component's instance is given texts; none while it may not call out.
    pub(super) ends: Option<Ends>,
    /// The hook that is about to run on it.
    pub(super) entering: Option<Entering>,
    /// What it returned.
    pub(super) returned: Returned,
    /// What it waits for.
    pub(super) wait: Wait,
    /// Made only when a guest calls WASI, which few do.
    pub(super) wasi: Option<Box<(WasiCtx, ResourceTable)>>,
    /// Only of a component that answers by `wasi:http`.
    pub(super) web: Option<Box<Web>>,
}

/// Which exported function runs. The names are the WIT's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// What runs while an instance is made, before any exported function is called.
    Start,
    Describe,
    Configure,
    OnRequest,
    OnRequestBody,
    OnResponse,
    OnResponseBody,
    OnRequestChunk,
    OnResponseChunk,
    OnComplete,
    OnInterval,
    /// Of `wasi:http/incoming-handler`, which is not ours.
    Handle,
}

/// Which hooks `configure` said it has no use for, though they are exported, and how often it wants
/// `on-interval`.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "one for each hook, each on its own")]
pub struct Told {
    pub skips_request: bool,
    pub skips_response: bool,
    pub skips_request_chunks: bool,
    pub skips_response_chunks: bool,
    pub skips_completion: bool,
    pub every: Option<Duration>,
}

impl Hook {
    /// As metrics and the access log name it; `describe` is not called while serving.
    pub fn metric(self) -> telemetry::Hook {
        match self {
            Self::Start | Self::Describe | Self::Configure => telemetry::Hook::Configure,
            Self::OnRequest => telemetry::Hook::Request,
            Self::OnRequestBody => telemetry::Hook::RequestBody,
            Self::OnResponse => telemetry::Hook::Response,
            Self::OnResponseBody => telemetry::Hook::ResponseBody,
            Self::OnRequestChunk => telemetry::Hook::RequestChunk,
            Self::OnResponseChunk => telemetry::Hook::ResponseChunk,
            Self::OnComplete => telemetry::Hook::Complete,
            Self::OnInterval => telemetry::Hook::Interval,
            Self::Handle => telemetry::Hook::Handle,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Describe => "describe",
            Self::Configure => "configure",
            Self::OnRequest => "on-request",
            Self::OnRequestBody => "on-request-body",
            Self::OnResponse => "on-response",
            Self::OnResponseBody => "on-response-body",
            Self::OnRequestChunk => "on-request-chunk",
            Self::OnResponseChunk => "on-response-chunk",
            Self::OnComplete => "on-complete",
            Self::OnInterval => "on-interval",
            Self::Handle => "handle",
        }
    }
}

impl InstanceState {
    pub fn new(plugin: Arc<Rights>) -> Self {
        let limits = InstanceLimits::new(plugin.limits.memory, plugin.limits.table_elements);
        Self {
            meter: Meter::new(Arc::clone(&plugin.name)),
            plugin,
            hook: Hook::Start,
            context: None,
            calls: Calls::default(),
            buckets: Vec::new(),
            files_read: ReadFiles::default(),
            told: Told::default(),
            metrics: None,
            limits,
            copied: 0,
            ends: None,
            entering: None,
            returned: Returned::Nothing,
            wait: Wait::default(),
            wasi: None,
            web: None,
        }
    }

    /// To be called by a host function in the middle of what takes long, as a tick comes in the middle of what a
    /// guest computes.
    ///
    /// # Errors
    ///
    /// Where the hook has used its CPU time up.
    pub(super) async fn let_others_go_on(&mut self) -> wasmtime::Result<()> {
        if self.meter.has_had_its_turn(self.plugin.limits.cpu)? {
            pause().await;
        }
        Ok(())
    }

    /// The request's context, in any hook of a request.
    pub fn context(&mut self, function: &str) -> wasmtime::Result<&mut Context> {
        let hook = self.hook;
        self.context.as_deref_mut().ok_or_else(|| wrong_hook(function, hook))
    }

    /// Refuses what would make a description depend on more than the component.
    pub fn not_in_describe(&self, function: &str) -> wasmtime::Result<()> {
        if self.hook == Hook::Describe { Err(wrong_hook(function, self.hook)) } else { Ok(()) }
    }

    /// Refuses what is the configured plugin's, and not yet there.
    pub fn configured(&self, function: &str) -> wasmtime::Result<()> {
        match self.hook {
            Hook::Start | Hook::Describe => Err(wrong_hook(function, self.hook)),
            _ => Ok(()),
        }
    }

    /// The context, only where the request may be read.
    pub fn request(&mut self, function: &str) -> wasmtime::Result<&Context> {
        match self.hook {
            Hook::OnRequest | Hook::OnRequestBody | Hook::OnComplete => self.context(function).map(|context| &*context),
            hook => Err(wrong_hook(function, hook)),
        }
    }

    /// All of the request's fields, only where it may be read.
    pub fn all_asked(&mut self, function: &str) -> wasmtime::Result<&HeaderMap> {
        self.request(function)?;
        Ok(&self.context(function)?.all_asked().headers)
    }

    /// The context, only where the request may be changed.
    pub fn request_mut(&mut self, function: &str) -> wasmtime::Result<&mut Context> {
        match self.hook {
            Hook::OnRequest | Hook::OnRequestBody => self.context(function),
            hook => Err(wrong_hook(function, hook)),
        }
    }

    /// When the hook's calls must be over, only where it may make some.
    pub fn deadline(&mut self, function: &str) -> wasmtime::Result<Instant> {
        match &self.context {
            Some(context) => Ok(context.deadline),
            None if self.hook == Hook::OnInterval => Ok(Instant::now() + self.plugin.limits.wall),
            None => Err(wrong_hook(function, self.hook)),
        }
    }

    /// The response head, only where there is one.
    pub fn response(&mut self, function: &str) -> wasmtime::Result<&mut http::response::Parts> {
        let hook = self.hook;
        self.context
            .as_deref_mut()
            .and_then(|context| context.response.as_mut())
            .ok_or_else(|| wrong_hook(function, hook))
    }
}

/// The mistake of calling a function where the WIT does not allow it: ends the hook.
pub(super) fn wrong_hook(function: &str, hook: Hook) -> wasmtime::Error {
    wasmtime::Error::msg(format!("`{function}` was called in `{}`, where it has no meaning (see the WIT)", hook.name()))
}

/// An empty WASI: no files, no environment, no network, standard streams closed. It is there
/// because some toolchains import it whether they use it or not.
impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(empty_wasi);
        WasiCtxView { ctx: &mut wasi.0, table: &mut wasi.1 }
    }
}

pub(super) fn empty_wasi() -> Box<(WasiCtx, ResourceTable)> {
    Box::new((WasiCtx::builder().max_random_size(u64::from(MAX_RANDOM)).build(), ResourceTable::new()))
}

impl std::fmt::Debug for InstanceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstanceState")
            .field("plugin", &self.plugin.name)
            .field("hook", &self.hook)
            .finish_non_exhaustive()
    }
}
