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

use crate::body::{Body, BodyObserver, End};
use crate::chain::Decision;
use crate::context::{Context, RequestId, Source};
use crate::respond::Failure;
use crate::snapshot::WorkerSnapshot;
use crate::telemetry::{AccessError, AccessLine, PluginLine, UpstreamFailure};
use crate::upstream::{Answer, UpstreamError};
use crate::{body, telemetry};

pub(super) struct Finish {
    pub(super) started: Instant,
    snapshot: Rc<WorkerSnapshot>,
    route: Option<usize>,
    is_head_request: bool,
    status: StatusCode,
    received: Option<Rc<Received>>,
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
    target: Option<Arc<str>>,
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
    pub(super) fn begin(snapshot: &Rc<WorkerSnapshot>, id: RequestId, client: IpAddr, head: &request::Parts) -> Self {
        let line = snapshot.access.enabled().then(|| RefCell::new(Line::begin(id, client, head)));
        Self {
            started: Instant::now(),
            snapshot: Rc::clone(snapshot),
            route: None,
            is_head_request: head.method == Method::HEAD,
            status: StatusCode::OK,
            received: None,
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
    pub(super) fn asked(&mut self, upstream: &str, took: Duration, answer: &Result<Answer, UpstreamError>) {
        let target = match answer {
            Ok(answer) => &answer.target,
            Err(error) => error.target(),
        };
        if let Some(metrics) = self.snapshot.target_metrics(upstream, target) {
            match answer {
                Ok(_) => metrics.answered(took),
                Err(error) => drop(reason(error).map(|reason| metrics.failed(reason))),
            }
        }
        if let Some(line) = &mut self.line {
            let line = line.get_mut();
            line.upstream = Some(upstream.to_owned());
            line.target = Some(Arc::clone(target));
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

impl BodyObserver for Finish {
    fn body_ended(&self, bytes: u64, end: End) {
        let duration = self.started.elapsed();
        let received = self.received.as_ref().map_or(0, |received| received.0.get());
        let metrics = match self.route.and_then(|route| self.snapshot.routes.get(route)) {
            Some(route) => &route.metrics,
            None => &self.snapshot.unmatched,
        };
        metrics.record(self.status, duration, received, bytes);
        if let Some(line) = &self.line {
            let route = self.route.and_then(|route| self.snapshot.routes.get(route)).map(|route| &*route.name);
            let line = line.borrow();
            line.with(route, self.status.as_u16(), (received, bytes), duration, end, |line| {
                self.snapshot.access.write(line)
            });
        }
    }
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
            target: None,
            upstream_time: None,
            source: Source::Gateway,
            error: None,
            decisions: Vec::new(),
        }
    }

    fn with(
        &self,
        route: Option<&str>,
        status: u16,
        (bytes_in, bytes_out): (u64, u64),
        duration: Duration,
        end: End,
        write: impl FnOnce(&AccessLine<'_>),
    ) {
        let id = self.id.to_string();
        let plugins: Vec<PluginLine<'_>> = self.decisions.iter().map(plugin_line).collect();
        let path = self.uri.path_and_query().map_or("", |target| target.as_str());
        let broken = match end {
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
            route,
            upstream: self.upstream.as_deref(),
            target: self.target.as_deref(),
            status,
            bytes_in,
            bytes_out,
            duration,
            upstream_time: self.upstream_time,
            source: match &self.source {
                Source::Upstream => telemetry::Source::Upstream,
                Source::Gateway => telemetry::Source::Gateway,
                Source::Plugin(name) => telemetry::Source::Plugin(name),
            },
            error: self.error.as_ref().map(|(owner, kind)| AccessError { owner, kind }).or(broken),
            plugins: &plugins,
            aborted: end == End::Dropped,
        });
    }
}

fn plugin_line(decision: &Decision) -> PluginLine<'_> {
    PluginLine { name: &decision.plugin, hook: decision.hook, verdict: decision.verdict, duration: decision.wall }
}

fn reason(error: &UpstreamError) -> Option<UpstreamFailure> {
    Some(match error {
        UpstreamError::Connect { .. } => UpstreamFailure::Connect,
        UpstreamError::ConnectTimeout { .. } => UpstreamFailure::ConnectTimeout,
        UpstreamError::FirstByteTimeout { .. } => UpstreamFailure::FirstByteTimeout,
        UpstreamError::Deadline { .. } => UpstreamFailure::Deadline,
        UpstreamError::Broken { .. } => UpstreamFailure::Broken,
        UpstreamError::Switched { .. } => UpstreamFailure::Switched,
        // The client's fault, not the target's.
        UpstreamError::Request { .. } => return None,
    })
}

fn owner(side: body::Side) -> &'static str {
    match side {
        body::Side::Client => "client",
        body::Side::Upstream => "upstream",
        body::Side::Gateway => "gateway",
    }
}
