//! What a hook's end means for the chain, and what is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Decision, answer};
use crate::body::Body;
use crate::config::model::OnError;
use crate::context::Context;
use crate::plugin::bindings::tollgate::plugin::types::Answer;
use crate::plugin::call::Called;
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::respond::Failure;
use crate::telemetry::Verdict;

/// How a chain goes on after a hook.
pub(super) enum Step {
    Next,
    Answer(Body),
    /// With a stored response: the plugin has said all there is to say.
    Serve(Body),
    Fail(Failure),
}

pub(super) fn respond(link: &Link, context: &mut Context, hook: Hook, made: Answer) -> Step {
    match answer::put(context, link.plugin.name(), made) {
        Ok(body) => Step::Answer(body),
        Err(problem) => impossible(link, context, hook, problem),
    }
}

/// A verdict that cannot be carried out.
pub(super) fn impossible(link: &Link, context: &Context, hook: Hook, problem: String) -> Step {
    refuse_or_skip(link, context, hook, Fault::Verdict(problem.into()))
}

/// Fails closed, unless the operator said `on_error = "skip"`.
pub(super) fn refuse_or_skip(link: &Link, context: &Context, hook: Hook, fault: Fault) -> Step {
    let skip = skips(link, &fault);
    report(link, context, hook, &fault, skip);
    if skip { Step::Next } else { Step::Fail(Failure::Plugin { name: Arc::clone(link.plugin.name()), fault }) }
}

/// Counts a fault, and tells the operator.
pub(super) fn report(link: &Link, context: &Context, hook: Hook, fault: &Fault, skipped: bool) {
    let plugin = link.plugin.name();
    let version = &link.plugin.descriptor.version;
    link.metrics.hook(hook.metric()).failed(fault.reason());
    if link.pool.tells_failure() {
        tracing::error!(%plugin, %version, route = %context.route, hook = hook.name(), id = %context.id, skipped, "plugin failed: {fault}");
    }
}

/// Counts a call and, if anybody is going to read it, notes it for the access log.
pub(super) fn note<V>(
    link: &Link,
    hook: Hook,
    started: Option<Instant>,
    called: Called<V>,
    name: fn(&V) -> Verdict,
) -> (Box<Context>, Result<V, Fault>) {
    let Called { mut context, verdict, cpu } = called;
    let name = match &verdict {
        Ok(verdict) => name(verdict),
        Err(fault) if skips(link, fault) => Verdict::Skipped,
        Err(_) => Verdict::Error,
    };
    let hook = hook.metric();
    link.metrics.hook(hook).called(name, cpu);
    if let Some(started) = started {
        let plugin = Arc::clone(link.plugin.name());
        context.decisions.push(Decision { plugin, hook, verdict: name, wall: started.elapsed() });
    }
    (context, verdict)
}

/// Counts a request that was answered without a call, and notes it for the access log.
pub(super) fn note_reuse(link: &Link, context: &mut Context) {
    let (hook, verdict) = (Hook::OnRequest.metric(), Verdict::Reuse);
    link.metrics.hook(hook).called(verdict, Duration::ZERO);
    if context.notes_decisions {
        let plugin = Arc::clone(link.plugin.name());
        context.decisions.push(Decision { plugin, hook, verdict, wall: Duration::ZERO });
    }
}

/// Being busy is the gateway's trouble, not the plugin's, and is never skipped: that would let
/// traffic through under load.
pub(super) fn skips(link: &Link, fault: &Fault) -> bool {
    link.plugin.on_error == OnError::Skip && !matches!(fault, Fault::Busy(_))
}
