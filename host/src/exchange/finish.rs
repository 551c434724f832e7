//! What is left to do when a request is over: its metrics and its access line.
//!
//! A request is over when the last byte of its answer was handed out or given up, which is long
//! after `serve` has returned; so this rides on the answer's body.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{Method, Response, StatusCode, Uri, Version, header, request, response};
use tokio::sync::oneshot;

use super::follow::{self, Following};
use super::{Client, Turn};
use crate::body::{Body, BodyError, BodyObserver, End};
use crate::chain::Decision;
use crate::context::{Context, FilteredBodies, RequestId, Source, is_bodiless};
use crate::plugin::bindings::exports::tollgate::plugin::completion::Completed;
use crate::plugin::host_api::made_by;
use crate::respond::Failure;
use crate::snapshot::{UpstreamState, WorkerSnapshot};
use crate::telemetry::{AccessError, AccessLine, PluginLine};
use crate::upstream::{Answer, Interim, UpstreamError};
use crate::worker::Worker;
use crate::{body, telemetry};

pub(super) struct Finish {
    pub(super) started: Instant,
    snapshot: Rc<WorkerSnapshot>,
    route: Option<usize>,
    is_head_request: bool,
    /// Only where the client knows of interim answers: one of HTTP/1.0 does not (RFC 9110 section 15.2).
    pub(super) interim: Option<Interim>,
    status: StatusCode,
    turn: Turn,
    received: Option<Rc<Received>>,
    /// The upstream that was asked.
    upstream: Option<Rc<UpstreamState>>,
    /// `host:port` of the target that was asked last.
    target: Option<Arc<str>>,
    /// Only where a plugin of the chain is told.
    following: Cell<Option<Following>>,
    /// Only where an access log is written.
    line: Option<RefCell<Line>>,
}

/// What the access line will say.
struct Line {
    time: SystemTime,
    id: RequestId,
    client: IpAddr,
    method: Method,
    uri: Uri,
    host: String,
    version: Version,
    /// The plugin that chose the upstream, where the route did not.
    chosen_by: Option<Arc<str>>,
    upstream_time: Option<Duration>,
    source: Source,
    error: Option<(String, &'static str)>,
    decisions: Vec<Decision>,
    filtered: Option<Arc<FilteredBodies>>,
}

/// Bytes of the request's body.
#[derive(Default)]
struct Received(Cell<u64>);

impl BodyObserver for Received {
    fn body_ended(&self, bytes: u64, _end: End) {
        self.0.set(bytes);
    }
}

impl Finish {
    pub(super) fn begin(snapshot: &Rc<WorkerSnapshot>, id: RequestId, client: &Client, head: &request::Parts) -> Self {
        let line = snapshot.access.enabled().then(|| RefCell::new(Line::begin(id, client.address, head)));
        Self {
            started: Instant::now(),
            snapshot: Rc::clone(snapshot),
            route: None,
            is_head_request: head.method == Method::HEAD,
            interim: client.interim.clone().filter(|_| head.version != Version::HTTP_10),
            status: StatusCode::OK,
            turn: client.turn.clone(),
            received: None,
            upstream: None,
            target: None,
            following: Cell::new(None),
            line,
        }
    }

    /// Whether anybody is going to read what plugins decided.
    pub(super) fn is_read(&self) -> bool {
        self.line.is_some()
    }

    /// A route was found; the request's body is counted from now on.
    pub(super) fn matched(&mut self, route: usize, body: Body) -> Body {
        self.route = Some(route);
        if http_body::Body::is_end_stream(&body) {
            return body;
        }
        let received = Rc::new(Received::default());
        self.received = Some(Rc::clone(&received));
        body.observed(received)
    }

    /// The plugins of the chain are going to be told. The request's context belongs to whom this returns.
    pub(super) fn follow(&mut self, worker: &Worker) -> oneshot::Sender<Box<Context>> {
        let (following, left_to) = Following::begin(worker);
        self.following = Cell::new(Some(following));
        left_to
    }

    /// An upstream is going to be asked.
    pub(super) fn asking(&mut self, upstream: &Rc<UpstreamState>) {
        self.upstream = Some(Rc::clone(upstream));
    }

    /// It was asked.
    pub(super) fn asked(&mut self, at: Instant, answer: &Result<Answer, UpstreamError>) {
        let (target, took) = match answer {
            Ok(answer) => (&answer.target, answer.took),
            Err(error) => (error.target(), at.elapsed()),
        };
        self.target = Some(Arc::clone(target));
        if let Some(line) = &mut self.line {
            line.get_mut().upstream_time = Some(took);
        }
    }

    pub(super) fn note_failure(&mut self, failure: &Failure) {
        if let Some(line) = &mut self.line {
            line.get_mut().error = Some((failure.owner().to_owned(), failure.kind()));
        }
    }

    /// The chain is done: what it leaves behind.
    pub(super) fn take(&mut self, mut context: Box<Context>) {
        log_failure(&context);
        if let Some(failure) = &context.failure {
            if let Failure::UpstreamBody(_) = failure {
                self.upstream_broke_off();
            }
            self.note_failure(failure);
        }
        if let Some(line) = &mut self.line {
            let line = line.get_mut();
            line.source = context.made_by.clone();
            line.chosen_by = context.forward.take().map(|forward| forward.chosen_by);
            line.decisions = std::mem::take(&mut context.decisions);
            line.filtered = context.filtered.take();
        }
    }

    /// The response, with the rest of this riding on its body.
    pub(super) fn respond(mut self, mut head: response::Parts, body: Body) -> Response<Body> {
        // hyper writes a version of its own, and reads none of these bodies.
        head.version = Version::HTTP_11;
        let bodiless = self.is_head_request || is_bodiless(head.status);
        // Of a 204 there is none, and that of a 205 is 0, which hyper writes.
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
            head.headers.remove(header::CONTENT_LENGTH);
        }
        self.status = head.status;
        // An answer that is over already gives its connection back; one that is not must not be read.
        let unread = bodiless && !http_body::Body::is_end_stream(&body);
        let body = if unread { Body::empty() } else { body };
        Response::from_parts(head, body.observed(Rc::new(self)))
    }
}

impl Finish {
    fn upstream_broke_off(&self) {
        let asked = self.upstream.as_ref().zip(self.target.as_ref());
        if let Some(metrics) = asked.and_then(|(upstream, target)| upstream.metrics_of(target)) {
            metrics.body_failed();
        }
    }
}

impl BodyObserver for Finish {
    fn body_ended(&self, bytes: u64, end: End) {
        let now = Instant::now();
        self.turn.the_clients(now);
        let duration = now - self.started;
        let received = self.received_bytes();
        self.snapshot.route_metrics(self.route).record(self.status, duration, received, bytes);
        if let End::Failed(BodyError { side: body::Side::Upstream, .. }) = end {
            self.upstream_broke_off();
        }
        if let Some(line) = &self.line {
            let ended = Ended {
                route: self.route.and_then(|route| self.snapshot.route_name(route)),
                upstream: self.upstream.as_ref().map(|upstream| upstream.upstream.name()),
                target: self.target.as_deref(),
                status: self.status.as_u16(),
                received,
                sent: bytes,
                duration,
                end,
            };
            line.borrow().with(&ended, |line| self.snapshot.access.write(line));
        }
        // Once, however it is over.
        if let Some(following) = self.following.take() {
            self.tell(following, &Told { status: self.status.as_u16(), end, sent: bytes, duration });
        }
    }
}

/// An exchange may be broken off before there is a response: the client hangs up.
impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(following) = self.following.take() {
            let duration = self.started.elapsed();
            self.tell(following, &Told { status: 0, end: End::Dropped, sent: 0, duration });
        }
    }
}

impl Finish {
    fn tell(&self, following: Following, told: &Told) {
        let Some(route) = self.route.and_then(|route| self.snapshot.routes.get(route)) else { return };
        following.ended(&route.state.chain, |context| Completed {
            status: told.status,
            ending: follow::ending(told.end),
            made_by: made_by(&context.made_by),
            error: context.failure.as_ref().map(|failure| failure.kind().to_owned()),
            upstream: self.upstream.as_ref().map(|upstream| upstream.upstream.name().to_owned()),
            target: self.target.as_deref().map(str::to_owned),
            request_bytes: self.received_bytes(),
            response_bytes: told.sent,
            duration_us: u64::try_from(told.duration.as_micros()).unwrap_or(u64::MAX),
        });
    }

    fn received_bytes(&self) -> u64 {
        self.received.as_ref().map_or(0, |received| received.0.get())
    }
}

/// What `on-complete` is told that is known only at the end.
struct Told {
    status: u16,
    end: End,
    sent: u64,
    duration: Duration,
}

/// Tells the operator what went wrong, where there is more to say than an access line has room for.
pub(super) fn log_failure(context: &Context) {
    if let Some((failure, detail)) = context.failure.as_ref().and_then(|failure| Some((failure, failure.detail()?))) {
        tracing::warn!(route = %context.route, id = %context.id, owner = failure.owner(), kind = failure.kind(), "{detail}");
    }
}

/// What is known only at the end.
struct Ended<'a> {
    route: Option<&'a str>,
    upstream: Option<&'a str>,
    target: Option<&'a str>,
    status: u16,
    received: u64,
    sent: u64,
    duration: Duration,
    end: End,
}

impl Line {
    fn begin(id: RequestId, client: IpAddr, head: &request::Parts) -> Self {
        let host = head.headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        Self {
            time: SystemTime::now(),
            id,
            client,
            method: head.method.clone(),
            uri: head.uri.clone(),
            host: host.unwrap_or_default(),
            version: head.version,
            chosen_by: None,
            upstream_time: None,
            source: Source::Gateway,
            error: None,
            decisions: Vec::new(),
            filtered: None,
        }
    }

    fn with(&self, ended: &Ended<'_>, write: impl FnOnce(&AccessLine<'_>)) {
        let id = self.id.to_string();
        let filtered = self.filtered.as_deref().map(FilteredBodies::take).unwrap_or_default();
        let plugins = self.decisions.iter().chain(&filtered.decisions).map(plugin_line);
        let plugins: Vec<PluginLine<'_>> = plugins.collect();
        let path = self.uri.path_and_query().map_or("", |target| target.as_str());
        let broken = match (&filtered.failure, ended.end) {
            (Some(failure), End::Failed(BodyError { side: body::Side::Plugin, .. })) => {
                Some(AccessError { owner: failure.owner(), kind: failure.kind() })
            }
            (_, End::Failed(error)) => Some(AccessError { owner: owner(error.side), kind: "body" }),
            (_, End::Complete | End::Dropped) => None,
        };
        write(&AccessLine {
            time: self.time,
            id: &id,
            client: self.client,
            method: self.method.as_str(),
            host: &self.host,
            path,
            protocol: if self.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            route: ended.route,
            upstream: ended.upstream,
            chosen_by: self.chosen_by.as_deref(),
            target: ended.target,
            status: ended.status,
            bytes_in: ended.received,
            bytes_out: ended.sent,
            duration: ended.duration,
            upstream_time: self.upstream_time,
            source: match &self.source {
                Source::Upstream => telemetry::Source::Upstream,
                Source::Gateway => telemetry::Source::Gateway,
                Source::Plugin(name) => telemetry::Source::Plugin(name),
            },
            error: self.error.as_ref().map(|(owner, kind)| AccessError { owner, kind }).or(broken),
            plugins: &plugins,
            aborted: ended.end == End::Dropped,
        });
    }
}

fn plugin_line(decision: &Decision) -> PluginLine<'_> {
    PluginLine { name: &decision.plugin, hook: decision.hook, verdict: decision.verdict, duration: decision.wall }
}

fn owner(side: body::Side) -> &'static str {
    match side {
        body::Side::Client => "client",
        body::Side::Upstream => "upstream",
        body::Side::Gateway | body::Side::Plugin => "gateway",
    }
}
