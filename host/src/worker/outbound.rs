//! A plugin's call: through this worker's pools, or through a route of this gateway.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use bytes::Bytes;
use http::{StatusCode, request, response};

use super::{CURRENT, Worker};
use crate::body::{self, Body, Fault};
use crate::config::model::Target;
use crate::context::RequestId;
use crate::exchange::{self, depth};
use crate::plugin::bindings::tollgate::plugin::http_client::ClientError;
use crate::upstream::{self, Answer, Fields, Reach, UpstreamError};

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
    pub status: StatusCode,
    pub fields: Fields,
    pub body: Bytes,
}

/// Makes a plugin's call on the worker this runs on.
// Boxed, both: they go from hand to hand, through the task and the hook that waits, and are large.
pub async fn send(mut call: Box<OutboundCall>) -> Result<Box<Answered>, ClientError> {
    let worker = CURRENT.with(|current| current.get().cloned()).ok_or_else(gone)?;
    let (body, max_body) = (std::mem::take(&mut call.body), call.max_body);
    if let To::Route(_) = call.to {
        // Boxed: it is as large as a whole exchange, and most calls go to upstreams.
        return Box::pin(send_to_route(&worker, call, body)).await;
    }
    let answer = ask(&worker, &call.to, &Question::of(&call), Body::full(body)).await;
    let Answer { status, fields, body, .. } = answer.map_err(|refused| refused_call(&refused))?;
    Ok(Box::new(Answered { status, fields, body: whole(body, max_body).await? }))
}

async fn send_to_route(worker: &Worker, call: Box<OutboundCall>, body: Bytes) -> Result<Box<Answered>, ClientError> {
    let OutboundCall { to, head, deadline, max_body, caller, .. } = *call;
    let To::Route(route) = to else { return Err(gone()) };
    let caller = caller.unwrap_or_else(|| itself(worker));
    let answer = exchange::call(worker, exchange::RouteCall { route, head, body, deadline, caller }).await;
    let (head, body) = answer.ok_or_else(gone)?.map_err(|exchange::TooDeep| ClientError::TooDeep)?;
    let body = whole(body, max_body).await?;
    Ok(Box::new(Answered { status: head.status, fields: Fields::Read(head.headers), body }))
}

/// As [`send`], but the answer's body is not waited for.
pub async fn open(call: StreamedCall) -> Result<(response::Parts, Body), Refused> {
    let worker = CURRENT.with(|current| current.get().cloned()).ok_or(Refused::Gone)?;
    let StreamedCall { to, head, body, deadline, caller } = call;
    let question = Question { head: &head, deadline, nesting: caller.nesting, reads_fields: true };
    ask(&worker, &to, &question, body).await.map(Answer::into_parts)
}

/// Who calls where no client does: the gateway.
fn itself(worker: &Worker) -> Caller {
    Caller { id: worker.next_id(), client: Ipv4Addr::LOCALHOST.into(), nesting: 0 }
}

/// The config has changed since the plugin was granted it.
fn gone() -> ClientError {
    ClientError::Unreachable("the target is not in the config any more".into())
}

/// What an upstream is asked, but for the body.
struct Question<'a> {
    head: &'a request::Parts,
    deadline: Instant,
    /// Calls the plugin's request is inside of.
    nesting: u32,
    /// The fields of the answer are going to be asked for.
    reads_fields: bool,
}

impl<'a> Question<'a> {
    /// Most plugins want the answer's status and body.
    fn of(call: &'a OutboundCall) -> Self {
        let nesting = call.caller.map_or(0, |caller| caller.nesting);
        Self { head: &call.head, deadline: call.deadline, nesting, reads_fields: false }
    }
}

/// Routes are asked another way.
async fn ask(worker: &Worker, to: &To, question: &Question<'_>, body: Body) -> Result<Answer, Refused> {
    let mark = depth::mark(question.nesting + 1);
    let terms = upstream::Call {
        began: tokio::time::Instant::now(),
        deadline: Some(question.deadline.into()),
        preserve_host: false,
        more: &[(depth::CDN_LOOP, Some(mark.as_bytes()))],
        interim: None,
        reads_fields: question.reads_fields,
    };
    let answer = match to {
        To::Upstream(name) => {
            let state = worker.snapshot.borrow().upstream_named(name).cloned().ok_or(Refused::Gone)?;
            let answer = state.upstream.send(question.head, body, terms).await;
            state.count_call(&answer);
            answer
        }
        To::Origin(target, reach) => worker.origin(target, *reach).send(question.head, body, terms).await,
        To::Route(_) => return Err(Refused::Gone),
    };
    answer.map_err(Refused::Upstream)
}

async fn whole(body: Body, max: u64) -> Result<Bytes, ClientError> {
    body::collect(body, max).await.map_err(|error| match error.fault {
        Fault::LimitExceeded(_) => ClientError::TooLarge,
        Fault::Deadline | Fault::Idle => ClientError::Timeout,
        Fault::Broken | Fault::Malformed => ClientError::Unreachable(error.to_string()),
    })
}

fn refused_call(refused: &Refused) -> ClientError {
    let Refused::Upstream(error) = refused else { return gone() };
    if let UpstreamError::OutOfReach { target, .. } = error {
        // Where it is tells of the network behind the gateway: that is for its operator.
        tracing::debug!("a plugin's call was denied: {error}");
        return ClientError::Denied(format!(
            "{target} is not at a public address, and grant.http covers it by `*` only: grant it by its name"
        ));
    }
    if error.is_timeout() { ClientError::Timeout } else { ClientError::Unreachable(error.to_string()) }
}
