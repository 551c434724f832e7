//! One request to an upstream, until the head of its answer: the order of steps is here.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode, Version, request, response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::UpstreamError;
use super::answer::{AnswerBody, Lease};
use super::balance::Picker;
use super::connect::{Connection, connect};
use super::framing::{copy_to_repeat, prepare, set_host};
use super::target::{Attempt, Target};
use crate::body::timer::{Timer, later};
use crate::body::{Body, BodyError, SentAt};
use crate::config::model;

/// A named group of targets, as one version of the config has it. Made by [`super::Registry`].
#[derive(Debug)]
pub struct Upstream {
    settings: model::Upstream,
    targets: Vec<Rc<Target>>,
    picker: Picker,
}

/// What is special about one call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call {
    /// When it must be over, if that is before `timeouts.total`. Running into it is not held against
    /// the target.
    pub deadline: Option<Instant>,
    /// Sends the request's own `host` instead of the target's.
    pub preserve_host: bool,
}

/// An upstream's answer. Hop-by-hop fields are still in it.
#[derive(Debug)]
pub struct Answer {
    pub head: response::Parts,
    pub body: Body,
    /// `host:port` of the target that answered.
    pub target: Arc<str>,
}

impl Upstream {
    pub(super) fn new(settings: model::Upstream, targets: Vec<Rc<Target>>, worker: usize) -> Self {
        let picker = Picker::new(settings.balance, worker);
        Self { settings, targets, picker }
    }

    /// The name in the config.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// The URI becomes origin-form, `host` the target's, and framing follows from the body; other
    /// fields are the caller's, who also refuses CONNECT. `head.extensions` are dropped. Dropping the
    /// future closes the connection.
    ///
    /// A request is sent once more where a reused connection turns out to be closed: if hyper had not
    /// begun to write it, or if its method is idempotent and its body in memory (RFC 9110 9.2.2). Such
    /// an idempotent request is also sent to another target where a new connection ends before any
    /// answer. Else another target is tried only where no connection could be opened.
    pub async fn send(&self, head: request::Parts, body: Body, call: Call) -> Result<Answer, UpstreamError> {
        let now = Instant::now();
        let limits = Limits::new(now, &self.settings.timeouts, call.deadline);
        let mut request = prepare(head, body);
        let mut tried = Vec::new();
        let mut attempt = self.attempt(&mut tried, now).ok_or_else(|| self.no_target())?;

        if let Some(connection) = attempt.target.pool.take(now) {
            set_host(&mut request, &attempt.target.host, call.preserve_host);
            let copy = copy_to_repeat(&request);
            match self.exchange(attempt, connection, request, &limits).await {
                Ok(answer) => return Ok(answer),
                Err(mut failure) => {
                    let Some(again) = failure.request_if_stale(copy) else {
                        return Err(self.judge(failure, &limits));
                    };
                    (request, attempt) = (again, failure.attempt);
                }
            }
        }

        let (attempt, connection) = self.connect(attempt, tried, &limits).await?;
        set_host(&mut request, &attempt.target.host, call.preserve_host);
        // A target that is being stopped still takes connections it never reads: its kernel resets them.
        let copy = if self.targets.len() > 1 { copy_to_repeat(&request) } else { None };
        let mut failure = match self.exchange(attempt, connection, request, &limits).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let again = copy.and_then(|copy| failure.request_if_stale(Some(copy)));
        let error = self.judge(failure, &limits);
        let Some(mut request) = again else { return Err(error) };
        let mut tried = self.targets.iter().position(|target| target.name == *error.target()).into_iter().collect();
        let attempt = self.attempt(&mut tried, Instant::now()).ok_or(error)?;
        let (attempt, connection) = self.connect(attempt, tried, &limits).await?;
        set_host(&mut request, &attempt.target.host, call.preserve_host);
        self.exchange(attempt, connection, request, &limits).await.map_err(|failure| self.judge(failure, &limits))
    }

    fn attempt(&self, tried: &mut Vec<usize>, now: Instant) -> Option<Attempt> {
        let index = self.picker.pick(&self.targets, tried, now)?;
        // Pushed only where there is another to try: no allocation for a single target.
        if self.targets.len() > 1 && self.settings.connect_retries > 0 {
            tried.push(index);
        }
        Some(Attempt::begin(Rc::clone(self.targets.get(index)?), now))
    }

    /// A new connection, to another target where one cannot be reached.
    async fn connect(
        &self,
        mut attempt: Attempt,
        mut tried: Vec<usize>,
        limits: &Limits,
    ) -> Result<(Attempt, Connection), UpstreamError> {
        let mut retries = self.settings.connect_retries;
        loop {
            let error = match self.connect_to(&attempt, limits).await {
                Ok(connection) => return Ok((attempt, connection)),
                Err(error) => error,
            };
            if limits.blames_target(&error) {
                attempt.failed(&self.settings.ejection);
            }
            let now = Instant::now();
            if retries == 0 || tried.is_empty() || now >= limits.deadline {
                return Err(error);
            }
            retries -= 1;
            attempt = self.attempt(&mut tried, now).ok_or(error)?;
        }
    }

    async fn connect_to(&self, attempt: &Attempt, limits: &Limits) -> Result<Connection, UpstreamError> {
        let after = self.settings.timeouts.connect;
        let left = limits.deadline.saturating_duration_since(Instant::now());
        let target = &attempt.target;
        match connect(&target.address, after.min(left)).await {
            Ok(connection) => {
                target.connects.set(target.connects.get() + 1);
                Ok(connection)
            }
            Err(error) if error.kind() != io::ErrorKind::TimedOut => {
                Err(UpstreamError::Connect { target: attempt.name(), error })
            }
            Err(_) if left < after => Err(UpstreamError::Deadline { target: attempt.name() }),
            Err(_) => Err(UpstreamError::ConnectTimeout { target: attempt.name(), after }),
        }
    }

    /// Sends on a connection and waits for the head.
    async fn exchange(
        &self,
        mut attempt: Attempt,
        mut connection: Connection,
        mut request: Request<Body>,
        limits: &Limits,
    ) -> Result<Answer, Failure> {
        let sent_at = request.body_mut().sent_at();
        let mut sending = pin!(connection.sender.try_send_request(request));
        let timer = &mut connection.timer;
        let mut patience = Patience { until: limits.first_byte(Instant::now()), sent_at, limits };
        let sent = poll_fn(|cx| match sending.as_mut().poll(cx) {
            Poll::Ready(sent) => Poll::Ready(Ok(sent)),
            Poll::Pending => patience.poll(cx, timer).map(Err),
        })
        .await;

        match sent {
            Ok(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let error = UpstreamError::Switched { target: attempt.name() };
                Err(Failure { attempt, error, unsent: None })
            }
            Ok(Ok(response)) => {
                attempt.succeeded();
                Ok(self.answer(response, attempt, connection, limits))
            }
            Ok(Err(mut lost)) => {
                let unsent = lost.take_message();
                let error = explain(lost, attempt.name());
                Err(Failure { attempt, error, unsent })
            }
            Err(timeout) => {
                let error = timeout.into_error(&attempt, &self.settings.timeouts);
                Err(Failure { attempt, error, unsent: None })
            }
        }
    }

    fn answer(
        &self,
        response: Response<Incoming>,
        attempt: Attempt,
        connection: Connection,
        limits: &Limits,
    ) -> Answer {
        let target = attempt.name();
        let lease = Lease {
            attempt,
            connection,
            idle_for: self.settings.idle_for,
            idle_connections: self.settings.idle_connections,
        };
        let (mut head, incoming) = response.into_parts();
        // The version is about the target's connection; the client's has its own.
        head.version = Version::HTTP_11;
        let body = if incoming.is_end_stream() {
            lease.give_back();
            Body::empty()
        } else {
            Body::answer(AnswerBody::new(incoming, lease, self.settings.timeouts.idle, limits.deadline))
        };
        Answer { head, body, target }
    }

    /// Counts a failure against its target if that is to blame.
    fn judge(&self, mut failure: Failure, limits: &Limits) -> UpstreamError {
        if limits.blames_target(&failure.error) {
            failure.attempt.failed(&self.settings.ejection);
        }
        failure.error
    }

    /// The config allows no upstream without targets; should there be one, this is what it says.
    fn no_target(&self) -> UpstreamError {
        let error = io::Error::new(io::ErrorKind::NotFound, "the upstream has no targets");
        UpstreamError::Connect { target: self.settings.name.as_str().into(), error }
    }
}

/// An exchange that got no head.
struct Failure {
    attempt: Attempt,
    error: UpstreamError,
    /// The request, where hyper had not begun to write it.
    unsent: Option<Request<Body>>,
}

impl Failure {
    /// The request to send again, if the failure means that the target had closed a reused connection.
    fn request_if_stale(&mut self, copy: Option<Request<Body>>) -> Option<Request<Body>> {
        match &self.error {
            UpstreamError::Broken { error, .. } if !error.is_parse() => self.unsent.take().or(copy),
            _ => None,
        }
    }
}

/// What an exchange may take.
struct Limits {
    deadline: Instant,
    first_byte: std::time::Duration,
    /// The deadline is the upstream's own, not a hastier one of the call.
    own_deadline: bool,
}

impl Limits {
    fn new(now: Instant, timeouts: &model::UpstreamTimeouts, call: Option<Instant>) -> Self {
        let total = later(now, timeouts.total);
        let deadline = call.map_or(total, |call| call.min(total));
        Self { deadline, first_byte: timeouts.first_byte, own_deadline: deadline == total }
    }

    fn first_byte(&self, sent: Instant) -> Instant {
        later(sent, self.first_byte).min(self.deadline)
    }

    fn blames_target(&self, error: &UpstreamError) -> bool {
        match error {
            UpstreamError::Request { .. } => false,
            UpstreamError::Deadline { .. } => self.own_deadline,
            _ => true,
        }
    }
}

/// Waits for a head: `first_byte` from the end of the request, and never beyond the deadline.
struct Patience<'a> {
    until: Instant,
    /// Where the request's body is still being read from the client.
    sent_at: Option<SentAt>,
    limits: &'a Limits,
}

enum TimedOut {
    FirstByte,
    Deadline,
}

impl Patience<'_> {
    fn poll(&mut self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<TimedOut> {
        loop {
            ready!(timer.poll(cx, self.until));
            if self.until >= self.limits.deadline {
                return Poll::Ready(TimedOut::Deadline);
            }
            // A request whose body still comes is looked at again, without being told when it ends.
            let Some(sent_at) = &self.sent_at else {
                return Poll::Ready(TimedOut::FirstByte);
            };
            let until = self.limits.first_byte(sent_at.get().unwrap_or_else(Instant::now));
            if until <= self.until {
                return Poll::Ready(TimedOut::FirstByte);
            }
            self.until = until;
        }
    }
}

impl TimedOut {
    fn into_error(self, attempt: &Attempt, timeouts: &model::UpstreamTimeouts) -> UpstreamError {
        let target = attempt.name();
        match self {
            Self::FirstByte => UpstreamError::FirstByteTimeout { target, after: timeouts.first_byte },
            Self::Deadline => UpstreamError::Deadline { target },
        }
    }
}

/// Finds our own body's error again, which hyper reports like one of the connection.
fn explain(lost: TrySendError<Request<Body>>, target: Arc<str>) -> UpstreamError {
    let error = lost.into_error();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if let Some(body) = inner.downcast_ref::<BodyError>() {
            return UpstreamError::Request { target, error: *body };
        }
        cause = inner.source();
    }
    UpstreamError::Broken { target, error }
}
