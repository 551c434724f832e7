//! `on-complete`: the plugins of a chain are told what has become of a request.
//!
//! It is over by then, and nobody waits: a fault costs nothing but the instance.

use std::time::Instant;

use crate::context::Context;
use crate::plugin::bindings::exports::tollgate::plugin::completion::Completed;
use crate::plugin::call::{self, Called};
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::telemetry::Verdict;

/// A plugin that is going to be told, and its place among those that wait.
#[derive(Debug)]
pub struct Follower(Link);

impl Follower {
    /// None, and counted, where as many wait as may.
    pub(super) fn of(link: &Link) -> Option<Self> {
        if link.pool.completing.enter() {
            return Some(Self(link.clone()));
        }
        link.pool.metrics.completion_dropped();
        None
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.pool.completing.leave();
    }
}

/// Calls `on-complete` of each, one after the other.
pub async fn tell(followers: Vec<Follower>, mut context: Box<Context>, completed: &Completed) {
    for Follower(link) in &followers {
        let wall = link.plugin.rights.limits.wall;
        // Where each of those before it takes long, what waits is not to wait, and keep its memory, for ever.
        let Ok(turn) = tokio::time::timeout(wall, link.pool.completing.turn()).await else {
            link.pool.metrics.completion_dropped();
            continue;
        };
        // The time of the exchange is over; the hook has its own.
        context.deadline = Instant::now() + wall;
        let called = call::on_complete(link, context, completed).await;
        drop(turn);
        context = note(link, called);
    }
}

fn note(link: &Link, called: Called<()>) -> Box<Context> {
    let Called { context, verdict, cpu } = called;
    let metrics = link.metrics.hook(Hook::OnComplete.metric());
    match verdict {
        Ok(()) => metrics.called(Verdict::Done, cpu),
        // Clients come first.
        Err(Fault::Busy(_)) => link.pool.metrics.completion_dropped(),
        Err(fault) => {
            metrics.called(Verdict::Error, cpu);
            metrics.failed(fault.reason());
            let (plugin, version) = (link.plugin.name(), &link.plugin.descriptor.version);
            if link.pool.tells_failure() {
                tracing::error!(%plugin, %version, route = %context.route, hook = "on-complete", id = %context.id, "plugin failed: {fault}");
            }
        }
    }
    context
}
