//! One live instance: a store, and the functions it exports.

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use super::bindings::exports::tollgate::plugin as exports;
use super::fault::{Fault, LoadError};
use super::files::ReadFiles;
use super::meter::{Meter, Stopped, metered, pause};
use super::rights::Rights;
use super::state::{Hook, InstanceState, Told};
use super::{Hooks, Plugin, ticker, wasi_http};
use crate::context::Context;
use crate::telemetry::PluginMetrics;

/// Longest reason a guest may give for refusing its config, in bytes; the rest is cut.
const MAX_WORDS: usize = 2048;

/// Serves one hook at a time.
pub struct Instance {
    pub(super) store: Store<InstanceState>,
    pub(super) request: Option<exports::request_filter::Guest>,
    pub(super) response: Option<exports::response_filter::Guest>,
    pub(super) body: Option<exports::body_filter::Guest>,
    pub(super) completion: Option<exports::completion::Guest>,
    pub(super) background: Option<exports::background::Guest>,
    /// Of `wasi:http`.
    pub(super) handler: Option<wasi_http::Guest>,
    /// None where there is a `handler`.
    lifecycle: Option<exports::lifecycle::Guest>,
    /// Hooks it has served.
    pub(super) uses: u64,
}

/// The operator's marker inside a wasmtime error: the epoch callback ended the hook.
#[derive(Debug)]
struct CpuTimeUp;

impl std::fmt::Display for CpuTimeUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("used more CPU time than limits.cpu allows")
    }
}

impl std::error::Error for CpuTimeUp {}

impl Instance {
    /// Makes an instance and configures it.
    pub async fn configured(plugin: &Plugin) -> Result<Self, LoadError> {
        let mut instance =
            Self::bare(&plugin.pre, &plugin.hooks, Arc::clone(&plugin.rights)).await.map_err(|error| {
                match error.downcast_ref() {
                    Some(Stopped::Crowded) => LoadError::Crowded,
                    _ => LoadError::Configure(format!("no instance could be made: {error:#}")),
                }
            })?;
        instance.begin(Hook::Configure);
        let meter = instance.meter();
        let wall = plugin.rights.limits.wall;
        let Some(lifecycle) = &instance.lifecycle else { return Ok(instance) };
        let answer = metered(&meter, wall, lifecycle.call_configure(&mut instance.store, &plugin.config)).await;
        match answer {
            Ok(Ok(Ok(()))) => Ok(instance),
            Ok(Ok(Err(refusal))) => Err(LoadError::Configure(plainly(&refusal))),
            Ok(Err(error)) => Err(LoadError::Configure(explained(&error))),
            Err(Stopped::Crowded) => Err(LoadError::Crowded),
            Err(Stopped::Wall) => Err(LoadError::Configure(Stopped::Wall.to_string())),
        }
    }

    /// Makes an instance without configuring it: all `describe` needs.
    pub(super) async fn bare(
        pre: &wasmtime::component::InstancePre<InstanceState>,
        hooks: &Hooks,
        rights: Arc<Rights>,
    ) -> wasmtime::Result<Self> {
        let (cpu, host_call) = (rights.limits.cpu, rights.limits.host_call);
        let mut store = Store::new(pre.engine(), InstanceState::new(rights));
        store.set_hostcall_fuel(host_call);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let meter = &store.data().meter;
            let used = meter.tick();
            if used > cpu {
                return Err(wasmtime::Error::new(CpuTimeUp));
            }
            if used < ticker::grace() {
                return Ok(UpdateDeadline::Continue(1));
            }
            meter.put_aside();
            // A plain `Yield` wakes the task at once and starves the reactor; this one is taken up by `metered`.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(pause())))
        });
        let (meter, wall) = (Arc::clone(&store.data().meter), store.data().plugin.limits.wall);
        let instance = metered(&meter, wall, pre.instantiate_async(&mut store)).await??;
        let lifecycle = hooks.lifecycle.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let request = hooks.request.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let response = hooks.response.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let body = hooks.body.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let completion = hooks.completion.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let background = hooks.background.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        let handler = hooks.handler.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?;
        Ok(Self { store, request, response, body, completion, background, handler, lifecycle, uses: 0 })
    }

    pub(super) async fn describe(&mut self) -> wasmtime::Result<exports::lifecycle::Descriptor> {
        self.begin(Hook::Describe);
        let (meter, wall) = (self.meter(), self.store.data().plugin.limits.wall);
        let Some(lifecycle) = &self.lifecycle else { return Err(wasmtime::Error::msg("it exports no `lifecycle`")) };
        let answer = metered(&meter, wall, lifecycle.call_describe(&mut self.store)).await;
        answer?
    }

    /// Lends the instance a request for one hook.
    pub(super) fn lend(&mut self, hook: Hook, context: Box<Context>) {
        self.begin(hook);
        self.store.data_mut().context = Some(context);
        self.uses += 1;
    }

    /// Takes the request back, whatever became of the hook.
    #[allow(clippy::expect_used, reason = "`lend` put it there, and nothing else takes it out")]
    pub(super) fn give_back(&mut self) -> Box<Context> {
        let state = self.store.data_mut();
        state.calls.clear();
        state.context.take().expect("the request that was lent")
    }

    /// Prepares a hook that is about no request.
    pub(super) fn enter_alone(&mut self, hook: Hook) {
        self.begin(hook);
        self.uses += 1;
    }

    /// Such a hook is over, however it ended.
    pub(super) fn leave_alone(&mut self) {
        self.store.data_mut().calls.clear();
    }

    /// What `configure` said of the hooks.
    pub(super) fn told(&self) -> Told {
        self.store.data().told
    }

    /// The files `configure` read.
    pub(super) fn files_read(&mut self) -> ReadFiles {
        std::mem::take(&mut self.store.data_mut().files_read)
    }

    /// Counts bytes that are given to a hook.
    pub(super) fn takes(&mut self, bytes: &[u8]) {
        self.store.data_mut().count(bytes);
    }

    /// Bytes that crossed in the hook that is over, its verdict apart.
    pub(super) fn copied(&self) -> u64 {
        self.store.data().copied
    }

    pub(super) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.store.data().meter)
    }

    /// Where what the guest does is counted.
    pub(super) fn count_in(&mut self, metrics: Arc<PluginMetrics>) {
        self.store.data_mut().metrics = Some(metrics);
    }

    /// Whether it should make room for a new one.
    pub(super) fn is_worn(&self) -> bool {
        self.uses >= self.store.data().plugin.limits.uses || self.is_grown()
    }

    /// Whether its memory has grown far.
    pub(super) fn is_grown(&self) -> bool {
        self.store.data().limits.is_grown()
    }

    /// Drops what it knows of a request, which belongs to this worker.
    pub(super) fn forget(&mut self) {
        let state = self.store.data_mut();
        state.calls.clear();
        state.context = None;
        state.web = None;
    }

    fn begin(&mut self, hook: Hook) {
        let state = self.store.data_mut();
        state.hook = hook;
        state.copied = 0;
        self.store.set_epoch_deadline(1);
    }
}

/// A guest's own words, fit for an operator's terminal: not endless, and without what would move the
/// cursor or begin a line that looks like another one's.
fn plainly(words: &str) -> String {
    let some: &str = &words[..words.floor_char_boundary(MAX_WORDS)];
    some.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// What a failed call means. The text has the guest's stack, for the log.
pub(super) fn fault(error: &wasmtime::Error) -> Fault {
    if error.is::<CpuTimeUp>() { Fault::Cpu } else { Fault::Trap(explained(error).into()) }
}

/// wasmtime's words, and the limit where it does not know that there is one.
pub(super) fn explained(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    if text.contains("fuel allocated for hostcalls") { format!("{text} (limits.host_call)") } else { text }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("state", self.store.data()).field("uses", &self.uses).finish_non_exhaustive()
    }
}
