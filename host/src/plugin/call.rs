//! One hook, on one instance.

use std::pin::pin;
use std::time::Duration;

use super::bindings::exports::tollgate::plugin::body_filter::ChunkVerdict;
use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use super::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use super::fault::{Busy, Fault};
use super::host_api::Copied;
use super::instance::{self, Instance};
use super::link::Link;
use super::meter::{Meter, Stopped, metered_in_turn};
use super::pool::CheckedOut;
use super::state::Hook;
use super::verdict::{RequestVerdict, ResponseVerdict};
use crate::context::Context;
use crate::telemetry::metrics::HookMetrics;

/// What came of a hook, and the request it was lent.
#[derive(Debug)]
pub struct Called<V> {
    pub context: Box<Context>,
    pub verdict: Result<V, Fault>,
    /// CPU time of the guest and of the host functions it called.
    pub cpu: Duration,
}

impl<V> Called<V> {
    /// A hook that could not be called.
    pub fn failed(context: Box<Context>, fault: Fault) -> Self {
        Self { context, verdict: Err(fault), cpu: Duration::ZERO }
    }
}

pub async fn on_request(link: &Link, context: Box<Context>) -> Called<RequestVerdict> {
    run(link, Hook::OnRequest, context, async |instance| instance.on_request().await).await
}

pub async fn on_request_body(link: &Link, context: Box<Context>, body: &[u8]) -> Called<BodyVerdict> {
    run(link, Hook::OnRequestBody, context, async |instance| instance.on_request_body(body).await).await
}

pub async fn on_response(link: &Link, context: Box<Context>) -> Called<ResponseVerdict> {
    run(link, Hook::OnResponse, context, async |instance| instance.on_response().await).await
}

pub async fn on_response_body(link: &Link, context: Box<Context>, body: &[u8]) -> Called<ResponseBodyVerdict> {
    run(link, Hook::OnResponseBody, context, async |instance| instance.on_response_body(body).await).await
}

pub async fn on_complete(link: &Link, context: Box<Context>, completed: &Completed) -> Called<()> {
    run(link, Hook::OnComplete, context, async |instance| instance.on_complete(completed).await).await
}

/// A chunk of a body, on the instance that is held for that body.
pub async fn on_chunk(
    link: &Link,
    held: &mut CheckedOut,
    hook: Hook,
    context: Box<Context>,
    chunk: &[u8],
    last: bool,
) -> Called<ChunkVerdict> {
    run_on(link, held, hook, context, async |instance| instance.on_chunk(hook, chunk, last).await).await
}

/// The one hook that is about no request. Returns the CPU time as well.
pub async fn on_interval(link: &Link) -> (Result<(), Fault>, Duration) {
    let metrics = link.metrics.hook(Hook::OnInterval.metric());
    let mut checked_out = match link.pool.check_out(metrics).await {
        Ok(checked_out) => checked_out,
        Err(fault) => return (Err(fault), Duration::ZERO),
    };
    let turn = match checked_out.turn(metrics).await {
        Ok(turn) => turn,
        Err(fault) => return (Err(fault), Duration::ZERO),
    };
    let instance = checked_out.instance();
    instance.enter_alone(Hook::OnInterval);
    let meter = instance.meter();
    meter.watch(link.pool.weight.is_watched());
    let ended = metered_in_turn(&meter, link.plugin.rights.limits.wall, pin!(instance.on_interval()), turn).await;
    let calls = instance.calls();
    instance.leave_alone();
    metrics.copied(instance.copied());
    link.pool.learn(&meter, calls);
    note_waits(metrics, &meter);
    let ended = conclude(ended);
    // Only an instance whose hook ended by itself is used again.
    if ended.is_ok() {
        checked_out.give_back();
    }
    (ended, meter.used())
}

async fn run<V: Copied>(
    link: &Link,
    hook: Hook,
    context: Box<Context>,
    call: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<V>,
) -> Called<V> {
    let metrics = link.metrics.hook(hook.metric());
    let mut checked_out = match link.pool.check_out(metrics).await {
        Ok(checked_out) => checked_out,
        Err(fault) => return Called::failed(context, fault),
    };
    let called = run_on(link, &mut checked_out, hook, context, call).await;
    if called.verdict.is_ok() {
        checked_out.give_back();
    }
    called
}

/// One hook, after which the instance is still held. Where it gave no verdict, it must not be given back.
async fn run_on<V: Copied>(
    link: &Link,
    held: &mut CheckedOut,
    hook: Hook,
    context: Box<Context>,
    call: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<V>,
) -> Called<V> {
    let metrics = link.metrics.hook(hook.metric());
    let turn = match held.turn(metrics).await {
        Ok(turn) => turn,
        Err(fault) => return Called::failed(context, fault),
    };
    let instance = held.instance();
    instance.lend(hook, context);
    let meter = instance.meter();
    meter.watch(link.pool.weight.is_watched());
    let ended = metered_in_turn(&meter, link.plugin.rights.limits.wall, pin!(call(instance)), turn).await;
    let calls = instance.calls();
    let context = instance.give_back();
    let verdict = conclude(ended);
    metrics.copied(instance.copied() + verdict.copied() as u64);
    link.pool.learn(&meter, calls);
    note_waits(metrics, &meter);
    Called { context, verdict, cpu: meter.used() }
}

/// Most hooks wait for nothing.
pub(super) fn note_waits(metrics: &HookMetrics, meter: &Meter) {
    if let Some((in_host, for_turn)) = meter.waits() {
        metrics.waited_in_host(in_host);
        metrics.waited_for_turn(for_turn);
    }
}

/// What a hook's end means.
pub(super) fn conclude<V>(ended: Result<wasmtime::Result<V>, Stopped>) -> Result<V, Fault> {
    match ended {
        Ok(Ok(verdict)) => Ok(verdict),
        Ok(Err(error)) => Err(instance::fault(&error)),
        Err(Stopped::Wall) => Err(Fault::Wall),
        Err(Stopped::Crowded) => Err(Fault::Busy(Busy::LongHooks)),
    }
}
