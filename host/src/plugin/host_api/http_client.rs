//! `http-client`: calls to other services, several at a time.
//!
//! A call runs as a task of the worker, because the pools it uses are the worker's own; the store,
//! which has to be `Send`, holds only the task's handle.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, request};
use tokio::task::JoinHandle;

use super::header_map;
use crate::config::model;
use crate::plugin::bindings::tollgate::plugin::http_client::{ClientError, Content, Host, Outbound, Target};
use crate::plugin::bindings::tollgate::plugin::types::{Answer, Header};
use crate::plugin::rights::Rights;
use crate::plugin::state::InstanceState;
use crate::upstream::Reach;
use crate::worker::{self, Answered, Caller, OutboundCall};

/// Most numbers of calls to wait for at once: each is looked for among all calls each time one is over.
const MAX_WAITED_FOR: usize = 1024;

type Outcome = Result<Box<Answered>, ClientError>;

/// The calls of one hook.
#[derive(Debug, Default)]
pub struct Calls {
    /// The number `submit` gave last; 0 is no call's number.
    last: u32,
    open: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    number: u32,
    state: CallState,
}

#[derive(Debug)]
enum CallState {
    Running(Running),
    Over(Outcome),
}

/// A task that is cancelled when its hook is over.
#[derive(Debug)]
struct Running(JoinHandle<Outcome>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Calls {
    /// Cancels what is still running and forgets what was not taken.
    pub fn clear(&mut self) {
        if self.last != 0 {
            self.last = 0;
            self.open.clear();
        }
    }

    /// How many the hook has asked for, refused ones among them.
    pub(in crate::plugin) fn asked_for(&self) -> u32 {
        self.last
    }

    fn push(&mut self, state: CallState) -> u32 {
        self.count();
        self.open.push(Call { number: self.last, state });
        self.last
    }

    /// A number for one call more. A hook has not the time for four billion.
    fn count(&mut self) -> u32 {
        self.last = self.last.saturating_add(1);
        self.last
    }

    /// Whether a call was refused because `limit` of them were made: nothing is kept of those.
    fn is_beyond(&self, number: u32, limit: usize) -> bool {
        number <= self.last && usize::try_from(number).is_ok_and(|number| number > limit)
    }

    /// Ready with the first of `numbers` that is over or unknown.
    fn poll_any(&mut self, cx: &mut Context<'_>, numbers: &[u32]) -> Poll<u32> {
        for number in numbers {
            let open = self.open.iter_mut().find(|call| call.number == *number);
            if open.is_none_or(|call| call.state.poll(cx).is_ready()) {
                return Poll::Ready(*number);
            }
        }
        Poll::Pending
    }
}

impl CallState {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Running(task) = self {
            let Poll::Ready(joined) = Pin::new(&mut task.0).poll(cx) else { return Poll::Pending };
            *self = Self::Over(joined.unwrap_or_else(|error| Err(ClientError::Unreachable(error.to_string()))));
        }
        Poll::Ready(())
    }
}

impl Host for InstanceState {
    fn submit(&mut self, call: Outbound) -> wasmtime::Result<u32> {
        let deadline = self.deadline("http-client.submit")?;
        self.count(&(&call.headers, &call.body));
        self.count(&(&call.method, &call.path));
        let caller = self.context.as_ref().map(|context| Caller {
            id: context.id,
            client: context.client,
            nesting: context.nesting,
        });
        if usize::try_from(self.calls.last).is_ok_and(|made| made >= self.plugin.limits.calls) {
            return Ok(self.calls.count());
        }
        let state = match prepare(&self.plugin, call, caller, deadline) {
            Ok(mut call) => {
                self.set_host(&mut call);
                // Boxed: a task is moved about whole, its result with it, and this one has kilobytes.
                CallState::Running(Running(tokio::task::spawn_local(Box::pin(worker::send(call)))))
            }
            Err(error) => CallState::Over(Err(error)),
        };
        Ok(self.calls.push(state))
    }

    fn may_call(&mut self, target: Target) -> wasmtime::Result<Result<(), String>> {
        Ok(grant(&self.plugin, target).map(drop))
    }

    async fn wait_any(&mut self, mut calls: Vec<u32>) -> wasmtime::Result<u32> {
        self.deadline("http-client.wait-any")?;
        if calls.len() > MAX_WAITED_FOR {
            let many = format!("`http-client.wait-any`: {} calls; at most {MAX_WAITED_FOR} are allowed", calls.len());
            return Err(wasmtime::Error::msg(many));
        }
        if calls.is_empty() {
            calls.extend(self.calls.open.iter().map(|call| call.number));
        }
        if calls.is_empty() {
            return Ok(0);
        }
        Ok(poll_fn(|cx| self.calls.poll_any(cx, &calls)).await)
    }

    async fn take(&mut self, call: u32) -> wasmtime::Result<Result<Answer, ClientError>> {
        self.deadline("http-client.take")?;
        let outcome = self.outcome(call).await.map(|answered| answer(*answered));
        Ok(self.give(outcome))
    }

    async fn take_content(&mut self, call: u32) -> wasmtime::Result<Result<Content, ClientError>> {
        self.deadline("http-client.take-content")?;
        let content =
            |answered: Box<Answered>| Content { status: answered.status.as_u16(), body: answered.body.into() };
        let outcome = self.outcome(call).await.map(content);
        Ok(self.give(outcome))
    }
}

impl InstanceState {
    /// A route is asked for by the host of the request at hand, as a client would: what its plugins
    /// store goes by the URL, and its upstream is told of the host. Upstreams have hosts of their own.
    fn set_host(&self, call: &mut OutboundCall) {
        if let (worker::To::Route(_), Some(context)) = (&call.to, &self.context)
            && let Some(host) = super::request::host_field(&context.request)
        {
            call.head.headers.insert(HOST, host);
        }
    }

    /// What became of a call, once it is over.
    async fn outcome(&mut self, call: u32) -> Outcome {
        poll_fn(|cx| self.calls.poll_any(cx, &[call])).await;
        let Some(at) = self.calls.open.iter().position(|open| open.number == call) else {
            let is_beyond = self.calls.is_beyond(call, self.plugin.limits.calls);
            return Err(if is_beyond { ClientError::TooMany } else { ClientError::UnknownCall });
        };
        match self.calls.open.swap_remove(at).state {
            CallState::Over(outcome) => outcome,
            CallState::Running(_) => Err(ClientError::UnknownCall),
        }
    }
}

/// An answer with its header fields.
fn answer(Answered { status, fields, body }: Answered) -> Answer {
    Answer { status: status.as_u16(), headers: header_map::all(&fields.end_to_end()), body: body.into() }
}

/// Checks rights and syntax, so that nothing illegal gets as far as a pool.
fn prepare(
    rights: &Rights,
    call: Outbound,
    caller: Option<Caller>,
    deadline: std::time::Instant,
) -> Result<Box<OutboundCall>, ClientError> {
    let to = grant(rights, call.target).map_err(ClientError::Denied)?;
    let own = (call.timeout_ms > 0)
        .then(|| std::time::Instant::now() + std::time::Duration::from_millis(call.timeout_ms.into()));
    Ok(Box::new(OutboundCall {
        to,
        head: head(&call.method, call.path, call.headers).map_err(ClientError::Invalid)?,
        body: call.body.into(),
        deadline: own.map_or(deadline, |own| own.min(deadline)),
        max_body: rights.limits.body,
        caller,
    }))
}

/// The error says which grant is missing.
fn grant(rights: &Rights, target: Target) -> Result<worker::To, String> {
    match target {
        Target::Upstream(name) if rights.upstreams.contains(&name) => Ok(worker::To::Upstream(name)),
        Target::Upstream(name) => Err(denied(&rights.name, "http", &name)),
        Target::Route(name) if rights.routes.contains(&name) => Ok(worker::To::Route(name)),
        Target::Route(name) => Err(denied(&rights.name, "routes", &name)),
        Target::Origin(origin) => {
            let target = parse_origin(&origin).ok_or_else(|| denied(&rights.name, "http", &origin))?;
            let reach = reach(rights, &target).ok_or_else(|| denied(&rights.name, "http", &origin))?;
            Ok(worker::To::Origin(target, reach))
        }
    }
}

/// What is granted by name may be anywhere; a wildcard ends at the public internet.
pub(in crate::plugin) fn reach(rights: &Rights, target: &model::Target) -> Option<Reach> {
    if rights.origins.contains(target) {
        return Some(Reach::Any);
    }
    rights.wildcards.iter().any(|wildcard| wildcard.covers(target)).then_some(Reach::Public)
}

fn denied(plugin: &str, list: &str, target: &str) -> String {
    let target: String = target.chars().take(200).collect();
    format!("[plugins.{plugin}] grant.{list} has no {target:?}")
}

/// `https://host` or `https://host:port`, as in a grant.
fn parse_origin(origin: &str) -> Option<model::Target> {
    let uri: http::Uri = origin.parse().ok()?;
    let bare = uri.path() == "/" && uri.query().is_none();
    target_of(&uri).filter(|_| bare)
}

/// The origin of an address, as grants name it; `None` where it is not `http` or `https`.
pub(in crate::plugin) fn target_of(uri: &http::Uri) -> Option<model::Target> {
    let authority = uri.authority()?;
    let scheme = match uri.scheme_str() {
        Some("http") => model::Scheme::Http,
        Some("https") => model::Scheme::Https,
        _ => return None,
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    Some(model::Target { scheme, host, port: authority.port_u16().unwrap_or(scheme.port()) })
}

fn head(method: &str, path: String, fields: Vec<Header>) -> Result<request::Parts, String> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| format!("method: {error}"))?;
    if method == Method::CONNECT {
        return Err("method: CONNECT makes a tunnel, which a call cannot".into());
    }
    if !path.starts_with('/') {
        return Err("path: must start with `/`".into());
    }
    let path = PathAndQuery::from_maybe_shared(Bytes::from(path)).map_err(|error| format!("path: {error}"))?;
    let mut headers = header_map::build(fields)?;
    // Without the field any coding is as good (RFC 9110 section 12.5.3), and few plugins can undo one.
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    let mut head = http::Request::new(()).into_parts().0;
    head.method = method;
    head.uri = path.into();
    head.headers = headers;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_and_nothing_else() {
        let target = |scheme, host: &str, port| Some(model::Target { scheme, host: host.into(), port });
        let (http, https) = (model::Scheme::Http, model::Scheme::Https);
        assert_eq!(parse_origin("http://a.example:8080"), target(http, "a.example", 8080));
        assert_eq!(parse_origin("http://A.example"), target(http, "a.example", 80));
        assert_eq!(parse_origin("http://[::1]:1"), target(http, "::1", 1));
        assert_eq!(parse_origin("https://a.example"), target(https, "a.example", 443));
        assert_eq!(parse_origin("http://a.example/path"), None);
        assert_eq!(parse_origin("ftp://a.example"), None);
        assert_eq!(parse_origin("a.example:80"), None);
    }
}
