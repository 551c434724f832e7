//! The end of a chain whose last plugin answers in place of an upstream.

use std::sync::Arc;
use std::time::Instant;

use super::{Decision, Entered, Outcome};
use crate::body::Body;
use crate::context::{Context, Source};
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::plugin::wasi_http::{self, Unanswered};
use crate::respond::Failure;
use crate::telemetry::Verdict;

/// Has the plugin answer. Whatever goes wrong is a failure: there is nobody else to ask.
pub(super) async fn answer(link: &Link, mut context: Box<Context>, body: Body) -> Entered {
    let started = context.notes_decisions.then(Instant::now);
    let body = context.replaced_body.take().map_or(body, Body::full);
    let answered = wasi_http::handle(link, &mut context, body).await;
    let name = link.plugin.name();
    if let Some(started) = started {
        let verdict = if answered.is_ok() { Verdict::Respond } else { Verdict::Error };
        let (plugin, hook) = (Arc::clone(name), Hook::Handle.metric());
        context.decisions.push(Decision { plugin, hook, verdict, wall: started.elapsed() });
    }
    let outcome = match answered {
        Ok((head, body)) => {
            context.response = Some(head);
            context.made_by = Source::Plugin(Arc::clone(name));
            Outcome::Answered(body)
        }
        Err(Unanswered::Fault(fault)) => Outcome::Failed(Failure::Plugin { name: Arc::clone(name), fault }),
        Err(Unanswered::Body(error)) => Outcome::Failed(context.failure_of_body(error)),
        Err(Unanswered::Deadline) => Outcome::Failed(Failure::Deadline),
    };
    Entered { depth: context.depth, context, body: Body::empty(), outcome }
}
