//! A plugin's call: through this worker's pools, or through a route of this gateway.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::{request, response};

use super::{CURRENT, Worker};
use crate::body::{self, Body, Fault};
use crate::config::model::Target;
use crate::context::RequestId;
use crate::exchange::{self, depth};
use crate::plugin::bindings::tollgate::plugin::http_client::ClientError;
use crate::upstream::hop_by_hop::strip_hop_by_hop;
use crate::upstream::{self, Reach, Upstream, UpstreamError};

/// A plugin's call, checked and granted.
#[derive(Debug)]
pub struct OutboundCall {
    pub to: To,
    pub head: request::Parts,
    pub body: Bytes,
    pub deadline: Instant,
    /// Bytes of the answer's body.
    pub max_body: u64,
    /// None in `on-interval`.
    pub caller: Option<Caller>,
}

/// A call whose bodies pass piece by piece, checked and granted.
#[derive(Debug)]
pub struct StreamedCall {
    pub to: To,
    pub head: request::Parts,
    pub body: Body,
    pub deadline: Instant,
    pub caller: Caller,
}

/// Why such a call got no answer.
#[derive(Debug)]
pub enum Refused {
    /// The config has changed since the plugin was granted it.
    Gone,
    Upstream(UpstreamError),
}

/// The request whose plugin makes a call.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    pub id: RequestId,
    pub client: IpAddr,
    /// How many calls it is inside of itself.
    pub nesting: u32,
}

/// Where a plugin's call goes.
#[derive(Debug)]
pub enum To {
    /// By name, in the newest snapshot.
    Upstream(String),
    Origin(Target, Reach),
    /// By name, in the newest snapshot.
    Route(String),
}

/// What a call answered.
#[derive(Debug)]
pub struct Answered {
    pub head: response::Parts,
    pub body: Bytes,
}

/// Makes a plugin's call on the worker this runs on.
pub async fn send(call: OutboundCall) -> Result<Box<Answered>, ClientError> {
    let worker = CURRENT.with(|current| current.get().cloned()).ok_or_else(gone)?;
    let max_body = call.max_body;
    let (head, body) = match &call.to {
        To::Upstream(name) => {
            let state = worker.snapshot.borrow().upstream_named(name).cloned().ok_or_else(gone)?;
            ask(&worker, &state.upstream, call.into()).await.map_err(|error| send_error(&error))?
        }
        To::Origin(target, reach) => {
            let origin = worker.origin(target, *reach);
            ask(&worker, &origin, call.into()).await.map_err(|error| send_error(&error))?
        }
        To::Route(name) => {
            let called = exchange::RouteCall {
                route: name.clone(),
                head: call.head,
                body: call.body,
                deadline: call.deadline,
                caller: call.caller.unwrap_or_else(|| itself(&worker)),
            };
            // Boxed: it is as large as a whole exchange, and most calls go to upstreams.
            let answer = Box::pin(exchange::call(&worker, called)).await.ok_or_else(gone)?;
            answer.map_err(|exchange::TooDeep| ClientError::TooDeep)?
        }
    };
    let body = body::collect(body, max_body).await.map_err(|error| match error.fault {
        Fault::LimitExceeded(_) => ClientError::TooLarge,
        Fault::Deadline | Fault::Idle => ClientError::Timeout,
        Fault::Broken | Fault::Malformed => ClientError::Unreachable(error.to_string()),
    })?;
    // Boxed: it goes from hand to hand, through the task and the hook that waits, and is large.
    Ok(Box::new(Answered { head, body }))
}

/// As [`send`], but the answer's body is not waited for.
pub async fn open(call: StreamedCall) -> Result<(response::Parts, Body), Refused> {
    let worker = CURRENT.with(|current| current.get().cloned()).ok_or(Refused::Gone)?;
    let upstream = match &call.to {
        To::Upstream(name) => {
            let state = worker.snapshot.borrow().upstream_named(name).cloned();
            Rc::clone(&state.ok_or(Refused::Gone)?.upstream)
        }
        To::Origin(target, reach) => worker.origin(target, *reach),
        To::Route(_) => return Err(Refused::Gone),
    };
    let StreamedCall { head, body, deadline, caller, .. } = call;
    let question = Question { head, body, deadline, nesting: caller.nesting };
    ask(&worker, &upstream, question).await.map_err(Refused::Upstream)
}

/// Who calls where no client does: the gateway.
fn itself(worker: &Worker) -> Caller {
    Caller { id: worker.next_id(), client: Ipv4Addr::LOCALHOST.into(), nesting: 0 }
}

/// The config has changed since the plugin was granted it.
fn gone() -> ClientError {
    ClientError::Unreachable("the target is not in the config any more".into())
}

/// What an upstream is asked.
struct Question {
    head: request::Parts,
    body: Body,
    deadline: Instant,
    /// Calls the plugin's request is inside of.
    nesting: u32,
}

impl From<OutboundCall> for Question {
    fn from(call: OutboundCall) -> Self {
        let nesting = call.caller.map_or(0, |caller| caller.nesting);
        Self { head: call.head, body: Body::full(call.body), deadline: call.deadline, nesting }
    }
}

async fn ask(
    worker: &Worker,
    upstream: &Rc<Upstream>,
    mut question: Question,
) -> Result<(response::Parts, Body), UpstreamError> {
    depth::mark(&mut question.head.headers, question.nesting + 1);
    let began = tokio::time::Instant::now();
    let deadline = Some(question.deadline.into());
    let terms = upstream::Call { began, deadline, preserve_host: false, more: &[], interim: None };
    let answer = upstream.send(&question.head, question.body, terms).await;
    if let Some(state) = worker.snapshot.borrow().upstream_named(upstream.name()) {
        state.count_call(&answer);
    }
    let mut answer = answer?;
    strip_hop_by_hop(&mut answer.head.headers);
    Ok((answer.head, answer.body))
}

fn send_error(error: &UpstreamError) -> ClientError {
    if let UpstreamError::OutOfReach { target, .. } = error {
        // Where it is tells of the network behind the gateway: that is for its operator.
        tracing::debug!("a plugin's call was denied: {error}");
        return ClientError::Denied(format!(
            "{target} is not at a public address, and grant.http covers it by `*` only: grant it by its name"
        ));
    }
    if error.is_timeout() { ClientError::Timeout } else { ClientError::Unreachable(error.to_string()) }
}
