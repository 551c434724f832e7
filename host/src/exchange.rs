//! One request, from its first byte to its last: the only file that knows the order.
//!
//! head -> route -> chain in -> upstream -> chain out -> client -> finish. Each step is a call; what a
//! step decides is its own business, what comes next is decided here.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, header, request, response};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::body::Body;
use crate::chain::{Entered, Outcome};
use crate::context::{Context, Forwarded, Source};
use crate::respond::{self, Failure};
use crate::route::{RouteId, Routed};
use crate::snapshot::{RouteState, WorkerSnapshot};
use crate::upstream::Call;
use crate::upstream::hop_by_hop::strip_hop_by_hop;
use crate::worker::{Caller, Worker};

mod client;
pub(crate) mod depth;
mod finish;
mod follow;
mod head;
mod refresh;
mod target;

pub use client::{Client, Turn};
pub(crate) use head::{check as check_head, strip_prefix};
pub(crate) use target::{check_slashes, respell};

use finish::Finish;

/// Serves one request. Never fails: what goes wrong is a response, too.
pub async fn serve(worker: &Worker, client: &Client, request: Request<Incoming>) -> Response<Body> {
    client.turn.ours();
    let (mut request, incoming) = request.into_parts();
    let snapshot = worker.snapshot();
    let id = worker.next_id();
    let mut finish = Finish::begin(&snapshot, id, client, &request);

    // A client that waits to be asked for the body sends it to nobody else.
    let is_held_back = !incoming.is_end_stream() && request.headers.contains_key(header::EXPECT);
    let body = |limit| Body::client(incoming, limit, snapshot.idle_timeout).left_to(&client.rest, is_held_back);

    // Which route, or why none.
    let found = find(&snapshot, &mut request);
    let Found { id: route_id, route, routed, nesting } = match found {
        Ok(found) => found,
        Err(failure) => {
            // Nobody is to read it here, whatever its limit.
            drop(body(0));
            let (head, body) = respond::response(&failure, id);
            finish.note_failure(&failure);
            return finish.respond(head, body);
        }
    };
    let body = finish.matched(route_id, body(route.settings.body_limit));

    // What the upstream is going to get, before any plugin looks at it.
    strip_hop_by_hop(&mut request.headers);
    head::take_host_of_target(&mut request);
    head::strip_prefix(&mut request.uri, route.settings.strip_prefix.as_deref());
    let forwarded = Forwarded::of(&mut request.headers, client.field(), id);

    let deadline = finish.started + route.settings.timeout;
    let mut context = Box::new(Context::new(id, client.address, routed, request, deadline, finish.is_read()));
    context.forwarded = forwarded;
    context.nesting = nesting;
    context.has_body = !body.is_end_stream();
    if route.chain.is_followed() {
        context.left_to = Some(finish.follow(worker));
    }
    let (mut context, body) = through(route, &snapshot, context, body, Some(&mut finish)).await;

    let head = context.response.take().unwrap_or_else(|| respond::response(&Failure::NothingAnswered, id).0);
    finish.take(context);
    if let Some(interim) = &client.interim {
        interim.written().await;
    }
    finish.respond(head, body)
}

/// The route of a client's request.
struct Found<'a> {
    id: RouteId,
    route: &'a Rc<RouteState>,
    routed: Routed,
    /// How deep the request is inside of others.
    nesting: u32,
}

/// The spelling comes first: whatever follows knows no other.
fn find<'a>(snapshot: &'a WorkerSnapshot, request: &mut request::Parts) -> Result<Found<'a>, Failure> {
    let server = &snapshot.shared.config.server;
    target::respell(request, server.merge_slashes)?;
    let host = head::check(request, server.limits.head)?;
    let (id, values) = snapshot.shared.table.find(&host, request)?;
    let route = &snapshot.routes.get(id).ok_or(Failure::NoRoute)?.state;
    target::check_slashes(request, route.settings.encoded_slashes)?;
    let nesting = depth::of(&request.headers, server.limits.depth)?;
    Ok(Found { id, route, routed: snapshot.routed(id, values), nesting })
}

/// A plugin's call of a route.
#[derive(Debug)]
pub struct RouteCall {
    /// Its name.
    pub route: String,
    pub head: request::Parts,
    pub body: Bytes,
    pub deadline: Instant,
    /// The request it is made for.
    pub caller: Caller,
}

/// The call is inside of as many others as `server.limits.depth` allows.
#[derive(Debug)]
pub struct TooDeep;

/// Serves a plugin's call of a route: its chain and its upstream, as for a client. But it is no client's
/// request: the route does not count it, no access line tells of it, and no `on-complete` follows it.
/// `None` if there is no such route.
pub async fn call(worker: &Worker, call: RouteCall) -> Option<Result<(response::Parts, Body), TooDeep>> {
    let RouteCall { route, head: mut request, body, deadline, caller } = call;
    let snapshot = worker.snapshot();
    let (route, routed) = snapshot.route_named(&route, &request)?;
    let nesting = caller.nesting + 1;
    if nesting > snapshot.shared.config.server.limits.depth {
        return Some(Err(TooDeep));
    }
    if body.len() as u64 > route.settings.body_limit {
        return Some(Ok(respond::response(
            &Failure::BodyTooLarge { limit: route.settings.body_limit, is_told: false },
            caller.id,
        )));
    }
    head::strip_prefix(&mut request.uri, route.settings.strip_prefix.as_deref());
    let forwarded = Forwarded::of(&mut request.headers, Client::new(caller.client).field(), caller.id);

    let deadline = deadline.min(Instant::now() + route.settings.timeout);
    let mut context = Context::new(caller.id, caller.client, routed, request, deadline, false);
    context.forwarded = forwarded;
    context.nesting = nesting;
    context.has_body = !body.is_empty();
    let (mut context, body) = through(route, &snapshot, Box::new(context), Body::full(body), None).await;

    let head = context.response.take().unwrap_or_else(|| respond::response(&Failure::NothingAnswered, caller.id).0);
    finish::log_failure(&context);
    Some(Ok((head, body)))
}

/// The chain in; the upstream; the chain out. A part of it again, where a plugin wants that.
async fn through(
    route: &Rc<RouteState>,
    snapshot: &Rc<WorkerSnapshot>,
    context: Box<Context>,
    body: Body,
    mut finish: Option<&mut Finish>,
) -> (Box<Context>, Body) {
    let entered = route.chain.enter(context, body).await;
    let (mut context, body) = answered(route, snapshot, entered, finish.as_deref_mut()).await;
    if !context.cache.as_mut().is_some_and(|notes| std::mem::take(&mut notes.again)) {
        return (context, body);
    }
    // Boxed: a future is moved about whole, and few requests are made again.
    Box::pin(async {
        let entered = route.chain.enter_at(context.depth, context, Body::empty()).await;
        answered(route, snapshot, entered, finish).await
    })
    .await
}

/// What comes after the way in: the upstream, and the chain out.
async fn answered(
    route: &Rc<RouteState>,
    snapshot: &Rc<WorkerSnapshot>,
    entered: Entered,
    finish: Option<&mut Finish>,
) -> (Box<Context>, Body) {
    let Entered { mut context, body, depth, outcome } = entered;
    // A stale answer was served: a newer one is fetched, and this client does not wait for it.
    if let Some(wanted) = context.cache.as_mut().and_then(|notes| notes.refresh.take()) {
        refresh::begin(snapshot, route, &context, wanted);
    }
    let body = match outcome {
        Outcome::Forward => forward(route, snapshot, &mut context, body, finish).await,
        Outcome::Answered(body) => body,
        Outcome::Failed(failure) => respond::fail(&mut context, failure),
    };
    route.chain.leave(context, body, depth).await
}

/// Sends the request on. The head of the answer goes into the context, the body is returned.
async fn forward(
    route: &Rc<RouteState>,
    snapshot: &WorkerSnapshot,
    context: &mut Context,
    body: Body,
    mut finish: Option<&mut Finish>,
) -> Body {
    // A plugin's choice goes before the route's.
    let chosen = match &context.forward {
        Some(forward) => snapshot.upstream_named(&forward.upstream),
        None => route.upstream.as_ref(),
    };
    let Some(state) = chosen else {
        tracing::warn!(route = %context.route, id = %context.id, "no plugin answered, and the route has no upstream");
        return respond::fail(context, Failure::NothingAnswered);
    };
    let body = context.replaced_body.take().map_or(body, Body::full);
    if let Some(finish) = &mut finish {
        finish.asking(state);
    }
    let asked = match &finish {
        // Without plugins it has just begun, and to read a clock takes 21 ns.
        Some(finish) if route.chain.is_empty() => finish.started,
        _ => Instant::now(),
    };
    // What the plugins have used up is not the upstream's delay.
    if asked >= context.deadline {
        return respond::fail(context, Failure::Deadline);
    }
    let interim = finish.as_ref().and_then(|finish| finish.interim.clone());
    let forwarded = context.forwarded.as_ref().map(|forwarded| forwarded.fields(&context.request.headers));
    let call = Call {
        began: asked.into(),
        more: forwarded.as_ref().map_or(&[], |fields| fields),
        deadline: Some(context.deadline.into()),
        preserve_host: route.settings.preserve_host,
        interim: interim.as_ref(),
        reads_fields: true,
    };
    let answer = state.upstream.send(&context.request, body, call).await;
    state.count_call(&answer);
    if let Some(finish) = finish {
        finish.asked(asked, &answer);
    }
    match answer {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            context.response = Some(head);
            context.made_by = Source::Upstream;
            body
        }
        Err(error) => {
            let failure = context.failure_of_body(error);
            respond::fail(context, failure)
        }
    }
}
