//! One hook, on one instance.

use std::rc::Rc;
use std::time::Duration;

use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::bindings::exports::tollgate::plugin::request_filter::{BodyVerdict, Verdict};
use super::bindings::exports::tollgate::plugin::response_filter::{ResponseBodyVerdict, ResponseVerdict};
use super::fault::Fault;
use super::instance::{self, Instance};
use super::meter::{WallTimeUp, metered};
use super::pool::{CheckedOut, Pool};
use super::state::Hook;
use crate::context::Context;

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

pub async fn on_request(pool: &Rc<Pool>, context: Box<Context>) -> Called<Verdict> {
    run(pool, Hook::OnRequest, context, async |instance| match &instance.request {
        Some(filter) => filter.call_on_request(&mut instance.store).await,
        None => Ok(Verdict::Next),
    })
    .await
}

pub async fn on_request_body(pool: &Rc<Pool>, context: Box<Context>, body: &[u8]) -> Called<BodyVerdict> {
    run(pool, Hook::OnRequestBody, context, async |instance| match &instance.request {
        Some(filter) => filter.call_on_request_body(&mut instance.store, body).await,
        None => Ok(BodyVerdict::Next),
    })
    .await
}

pub async fn on_response(pool: &Rc<Pool>, context: Box<Context>) -> Called<ResponseVerdict> {
    run(pool, Hook::OnResponse, context, async |instance| match &instance.response {
        Some(filter) => filter.call_on_response(&mut instance.store).await,
        None => Ok(ResponseVerdict::Next),
    })
    .await
}

pub async fn on_response_body(pool: &Rc<Pool>, context: Box<Context>, body: &[u8]) -> Called<ResponseBodyVerdict> {
    run(pool, Hook::OnResponseBody, context, async |instance| match &instance.response {
        Some(filter) => filter.call_on_response_body(&mut instance.store, body).await,
        None => Ok(ResponseBodyVerdict::Next),
    })
    .await
}

pub async fn on_complete(pool: &Rc<Pool>, context: Box<Context>, completed: &Completed) -> Called<()> {
    run(pool, Hook::OnComplete, context, async |instance| match &instance.completion {
        Some(completion) => completion.call_on_complete(&mut instance.store, completed).await,
        None => Ok(()),
    })
    .await
}

/// The one hook that is about no request. Returns the CPU time as well.
pub async fn on_interval(pool: &Rc<Pool>) -> (Result<(), Fault>, Duration) {
    let mut checked_out = match pool.check_out().await {
        Ok(checked_out) => checked_out,
        Err(fault) => return (Err(fault), Duration::ZERO),
    };
    let instance = checked_out.instance();
    instance.enter_alone(Hook::OnInterval);
    let meter = instance.meter();
    let ended = metered(&meter, pool.plugin.rights.limits.wall, async {
        match &instance.background {
            Some(background) => background.call_on_interval(&mut instance.store).await,
            None => Ok(()),
        }
    })
    .await;
    instance.leave_alone();
    (conclude(ended, checked_out), meter.used())
}

async fn run<V>(
    pool: &Rc<Pool>,
    hook: Hook,
    context: Box<Context>,
    call: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<V>,
) -> Called<V> {
    let mut checked_out = match pool.check_out().await {
        Ok(checked_out) => checked_out,
        Err(fault) => return Called::failed(context, fault),
    };
    let instance = checked_out.instance();
    instance.lend(hook, context);
    let meter = instance.meter();
    let ended = metered(&meter, pool.plugin.rights.limits.wall, call(instance)).await;
    let context = instance.give_back();
    Called { context, verdict: conclude(ended, checked_out), cpu: meter.used() }
}

/// What a hook's end means. Only an instance whose hook ended by itself is used again.
fn conclude<V>(ended: Result<wasmtime::Result<V>, WallTimeUp>, checked_out: CheckedOut) -> Result<V, Fault> {
    match ended {
        Ok(Ok(verdict)) => {
            checked_out.give_back();
            Ok(verdict)
        }
        Ok(Err(error)) => Err(instance::fault(&error)),
        Err(WallTimeUp) => Err(Fault::Wall),
    }
}
