//! A request without a client: a stored response is fetched anew while the stale one is served.
//!
//! It runs through the plugins behind the one that asked for it, to the upstream and back to that
//! plugin. It writes no access line; the upstream's numbers count it.

use std::rc::Rc;
use std::time::Instant;

use crate::body::Body;
use crate::cache::{Landed, Refresh};
use crate::chain::{Entered, Outcome};
use crate::context::Context;
use crate::respond;
use crate::snapshot::{RouteState, WorkerSnapshot};

/// Begins a refresh for a request that was answered. It has that one's id.
pub(super) fn begin(snapshot: &Rc<WorkerSnapshot>, route: &Rc<RouteState>, context: &Context, refresh: Refresh) {
    let mut refreshed = Context::new(
        context.id,
        context.client,
        context.route.clone(),
        context.request.clone(),
        Instant::now() + route.settings.timeout,
        false,
    );
    refreshed.forwarded.clone_from(&context.forwarded);
    refreshed.forward.clone_from(&context.forward);
    refreshed.nesting = context.nesting;
    tokio::task::spawn_local(run(Rc::clone(snapshot), Rc::clone(route), Box::new(refreshed), refresh));
}

async fn run(snapshot: Rc<WorkerSnapshot>, route: Rc<RouteState>, context: Box<Context>, mut refresh: Refresh) {
    let fetching = &mut refresh.fetching;
    // Another gateway may have fetched it anew.
    if fetching.store.bring(&fetching.key, context.deadline).await {
        return fetching.tell(Landed::Stored);
    }
    let position = refresh.position;
    let Entered { mut context, body, depth, outcome } = route.chain.enter_behind(refresh, context, Body::empty()).await;
    let body = match outcome {
        Outcome::Forward => super::forward(&route, &snapshot, &mut context, body, None).await,
        Outcome::Answered(body) => body,
        Outcome::Failed(failure) => respond::fail(&mut context, failure),
    };
    // What is stored is read by a task of its own; for the rest nobody waits.
    drop(route.chain.leave_to(position, context, body, depth).await);
}
