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

use super::{Client, Turn};
use crate::body::{Body, BodyError, BodyObserver, End};
use crate::chain::Decision;
use crate::context::{Context, RequestId, Source};
use crate::respond::Failure;
use crate::snapshot::{RouteState, UpstreamState, WorkerSnapshot};
use crate::telemetry::{AccessError, AccessLine, PluginLine};
use crate::upstream::{Answer, UpstreamError};
use crate::{body, telemetry};

pub(super) struct Finish {
    pub(super) started: Instant,
    snapshot: Rc<WorkerSnapshot>,
    route: Option<usize>,
    is_head_request: bool,
    status: StatusCode,
    turn: Turn,
    received: Option<Rc<Received>>,
    /// `host:port` of the target that was asked last.
    target: Option<Arc<str>>,
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
    upstream: Option<String>,
    upstream_time: Option<Duration>,
    source: Source,
    error: Option<(String, &'static str)>,
    decisions: Vec<Decision>,
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
            status: StatusCode::OK,
            turn: client.turn.clone(),
            received: None,
            target: None,
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

    /// An upstream was asked.
    pub(super) fn asked(&mut self, upstream: &UpstreamState, at: Instant, answer: &Result<Answer, UpstreamError>) {
        let (target, took) = match answer {
            Ok(answer) => (&answer.target, answer.took),
            Err(error) => (error.target(), at.elapsed()),
        };
        upstream.count_call(answer);
        self.target = Some(Arc::clone(target));
        if let Some(line) = &mut self.line {
            let line = line.get_mut();
            line.upstream = Some(upstream.upstream.name().to_owned());
            line.upstream_time = Some(took);
        }
    }

    pub(super) fn note_failure(&mut self, failure: &Failure) {
        if let Some(line) = &mut self.line {
            line.get_mut().error = Some((failure.owner().to_owned(), failure.kind()));
        }
    }

    /// The chain is done: what it leaves behind.
    pub(super) fn take(&mut self, context: Context) {
        if let Some(failure) = &context.failure {
            if let Some(detail) = failure.detail() {
                tracing::warn!(route = %context.route, id = %context.id, owner = failure.owner(), kind = failure.kind(), "{detail}");
            }
            if let Failure::UpstreamBody(_) = failure {
                self.upstream_broke_off(self.route.and_then(|route| self.snapshot.routes.get(route)));
            }
            self.note_failure(failure);
        }
        if let Some(line) = &mut self.line {
            let line = line.get_mut();
            line.source = context.made_by;
            line.decisions = context.decisions;
        }
    }

    /// The response, with the rest of this riding on its body.
    pub(super) fn respond(mut self, mut head: response::Parts, body: Body) -> Response<Body> {
        // hyper writes a version of its own, and reads none of these bodies.
        head.version = Version::HTTP_11;
        let bodiless = self.is_head_request || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if head.status == StatusCode::NO_CONTENT {
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
    fn upstream_broke_off(&self, route: Option<&RouteState>) {
        let upstream = route.and_then(|route| route.upstream.as_ref());
        let metrics = upstream.zip(self.target.as_ref()).and_then(|(upstream, target)| upstream.metrics_of(target));
        if let Some(metrics) = metrics {
            metrics.body_failed();
        }
    }
}

impl BodyObserver for Finish {
    fn body_ended(&self, bytes: u64, end: End) {
        let now = Instant::now();
        self.turn.the_clients(now);
        let duration = now - self.started;
        let received = self.received.as_ref().map_or(0, |received| received.0.get());
        let route = self.route.and_then(|route| self.snapshot.routes.get(route));
        let metrics = route.map_or(&self.snapshot.unmatched, |route| &route.metrics);
        metrics.record(self.status, duration, received, bytes);
        if let End::Failed(BodyError { side: body::Side::Upstream, .. }) = end {
            self.upstream_broke_off(route);
        }
        if let Some(line) = &self.line {
            let ended = Ended {
                route: route.map(|route| &*route.name),
                target: self.target.as_deref(),
                status: self.status.as_u16(),
                received,
                sent: bytes,
                duration,
                end,
            };
            line.borrow().with(&ended, |line| self.snapshot.access.write(line));
        }
    }
}

/// What is known only at the end.
struct Ended<'a> {
    route: Option<&'a str>,
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
            upstream: None,
            upstream_time: None,
            source: Source::Gateway,
            error: None,
            decisions: Vec::new(),
        }
    }

    fn with(&self, ended: &Ended<'_>, write: impl FnOnce(&AccessLine<'_>)) {
        let id = self.id.to_string();
        let plugins: Vec<PluginLine<'_>> = self.decisions.iter().map(plugin_line).collect();
        let path = self.uri.path_and_query().map_or("", |target| target.as_str());
        let broken = match ended.end {
            End::Failed(error) => Some(AccessError { owner: owner(error.side), kind: "body" }),
            End::Complete | End::Dropped => None,
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
            upstream: self.upstream.as_deref(),
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
        body::Side::Gateway => "gateway",
    }
}
