//! One live instance: a store, and the functions it exports.

use std::pin::pin;
use std::sync::Arc;

use wasmtime::{PoolConcurrencyLimitError, Store, UpdateDeadline};

use super::Plugin;
use super::bindings::exports::tollgate::plugin::body_filter::ChunkVerdict;
use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::bindings::exports::tollgate::plugin::lifecycle::Descriptor;
use super::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use super::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use super::explain::explained;
use super::fault::{Fault, LoadError};
use super::files::ReadFiles;
use super::guest::{Guest, Pre, Returned};
use super::meter::{CpuTimeUp, Meter, Stopped, metered, pause};
use super::rights::Rights;
use super::state::{Hook, InstanceState, Told};
use super::verdict::{RequestVerdict, ResponseVerdict};
use crate::context::Context;
use crate::plain;
use crate::telemetry::PluginMetrics;

/// Longest reasons a guest may give for refusing its config, in bytes; the rest is cut.
const MAX_WORDS: usize = 16 << 10;

/// Serves one hook at a time.
pub struct Instance {
    pub(super) store: Store<InstanceState>,
    pub(super) guest: Guest,
    /// Hooks it has served.
    pub(super) uses: u64,
}

impl Instance {
    /// Makes an instance and configures it.
    pub async fn configured(plugin: &Plugin) -> Result<Self, LoadError> {
        let mut instance =
            Self::bare(&plugin.pre, Arc::clone(&plugin.rights)).await.map_err(|error| match error.downcast_ref() {
                Some(Stopped::Crowded) => LoadError::Crowded,
                _ if error.is::<PoolConcurrencyLimitError>() => LoadError::NoSlot,
                _ => LoadError::Configure(format!("no instance could be made: {}", explained(&error))),
            })?;
        instance.begin(Hook::Configure);
        let meter = instance.meter();
        let wall = plugin.rights.limits.wall;
        let answer = metered(&meter, wall, pin!(instance.guest.configure(&mut instance.store, &plugin.config))).await;
        match answer {
            // There is no `configure` in a component that answers by `wasi:http`.
            Ok(Ok(Returned::Configured(Ok(())) | Returned::Nothing)) => Ok(instance),
            Ok(Ok(Returned::Configured(Err(refusal)))) => Err(LoadError::Mistakes(plainly(&refusal))),
            Ok(Ok(_)) => Err(LoadError::Configure(unlike().to_string())),
            Ok(Err(error)) => Err(LoadError::Configure(explained(&error))),
            Err(Stopped::Crowded) => Err(LoadError::Crowded),
            Err(Stopped::Wall) => Err(LoadError::Configure(Stopped::Wall.to_string())),
        }
    }

    /// Makes an instance without configuring it: all `describe` needs.
    pub(super) async fn bare(pre: &Pre, rights: Arc<Rights>) -> wasmtime::Result<Self> {
        let (cpu, host_call) = (rights.limits.cpu, rights.limits.host_call);
        let mut store = Store::new(pre.engine(), InstanceState::new(rights));
        store.set_hostcall_fuel(host_call);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let meter = &store.data().meter;
            if !meter.was_ticked() || !meter.has_had_its_turn(cpu)? {
                return Ok(UpdateDeadline::Continue(1));
            }
            // A plain `Yield` wakes the task at once and starves the reactor; this one is taken up by `metered`.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(pause())))
        });
        let (meter, wall) = (Arc::clone(&store.data().meter), store.data().plugin.limits.wall);
        let guest = metered(&meter, wall, pin!(pre.instantiate(&mut store))).await??;
        Ok(Self { store, guest, uses: 0 })
    }

    pub(super) async fn describe(&mut self) -> wasmtime::Result<Descriptor> {
        self.begin(Hook::Describe);
        let (meter, wall) = (self.meter(), self.store.data().plugin.limits.wall);
        match metered(&meter, wall, pin!(self.guest.call(&mut self.store, Hook::Describe))).await?? {
            Returned::Descriptor(descriptor) => Ok(*descriptor),
            _ => Err(unlike()),
        }
    }

    /// The hooks that are called while serving; where one is not exported it lets everything pass.
    pub(super) async fn on_request(&mut self) -> wasmtime::Result<RequestVerdict> {
        match self.guest.call(&mut self.store, Hook::OnRequest).await? {
            Returned::Request(verdict) => Ok(verdict),
            Returned::Nothing => Ok(RequestVerdict::Next),
            _ => Err(unlike()),
        }
    }

    pub(super) async fn on_request_body(&mut self, body: &[u8]) -> wasmtime::Result<BodyVerdict> {
        self.store.data_mut().count(body);
        match self.guest.call_with(&mut self.store, Hook::OnRequestBody, body, true).await? {
            Returned::RequestBody(verdict) => Ok(*verdict),
            Returned::Nothing => Ok(BodyVerdict::Next),
            _ => Err(unlike()),
        }
    }

    pub(super) async fn on_response(&mut self) -> wasmtime::Result<ResponseVerdict> {
        match self.guest.call(&mut self.store, Hook::OnResponse).await? {
            Returned::Response(verdict) => Ok(verdict),
            Returned::Nothing => Ok(ResponseVerdict::Next),
            _ => Err(unlike()),
        }
    }

    pub(super) async fn on_response_body(&mut self, body: &[u8]) -> wasmtime::Result<ResponseBodyVerdict> {
        self.store.data_mut().count(body);
        match self.guest.call_with(&mut self.store, Hook::OnResponseBody, body, true).await? {
            Returned::ResponseBody(verdict) => Ok(*verdict),
            Returned::Nothing => Ok(ResponseBodyVerdict::Next),
            _ => Err(unlike()),
        }
    }

    /// `hook` is one of the two for chunks.
    pub(super) async fn on_chunk(&mut self, hook: Hook, chunk: &[u8], last: bool) -> wasmtime::Result<ChunkVerdict> {
        self.store.data_mut().count(chunk);
        match self.guest.call_with(&mut self.store, hook, chunk, last).await? {
            Returned::Chunk(verdict) => Ok(verdict),
            Returned::Nothing => Ok(ChunkVerdict::Done),
            _ => Err(unlike()),
        }
    }

    pub(super) async fn on_complete(&mut self, completed: &Completed) -> wasmtime::Result<()> {
        self.guest.on_complete(&mut self.store, completed).await
    }

    pub(super) async fn on_interval(&mut self) -> wasmtime::Result<()> {
        self.guest.call(&mut self.store, Hook::OnInterval).await.map(drop)
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

    /// How many calls of `http-client` the hook has made.
    pub(super) fn calls(&self) -> u32 {
        let state = self.store.data();
        u32::try_from(state.plugin.limits.calls).unwrap_or(u32::MAX).min(state.calls.asked_for())
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
        let state = self.store.data();
        self.uses >= state.plugin.limits.uses || state.limits.is_grown()
    }

    /// Bytes of its memory.
    pub(super) fn memory(&self) -> usize {
        self.store.data().limits.memory()
    }

    /// Gives a piece of its memory back; false where there is no such piece, or the host does not know its memory. It
    /// must not be called any more.
    pub(super) fn give_memory_back(&mut self, nth: usize) -> bool {
        matches!(&self.guest, Guest::Module(guest) if guest.give_back(&mut self.store, nth))
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

/// A guest's own words, and not endless. Its lines are kept, each a mistake of its own; who shows them sees to it
/// that none looks like another one's.
fn plainly(words: &str) -> String {
    plain::lines(&words[..words.floor_char_boundary(MAX_WORDS)]).into_owned()
}

/// Cannot be: what a hook returns was seen to be of its type.
fn unlike() -> wasmtime::Error {
    wasmtime::Error::msg("a hook returned what is another's to return")
}

/// What a failed call means. The text has the guest's stack, for the log.
pub(super) fn fault(error: &wasmtime::Error) -> Fault {
    if error.is::<CpuTimeUp>() { Fault::Cpu } else { Fault::Trap(explained(error).into()) }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("state", self.store.data()).field("uses", &self.uses).finish_non_exhaustive()
    }
}
