//! One request to an upstream, until the head of its answer: the order of steps is here.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Response, StatusCode, header, request, response};
use tokio::time::Instant;

use super::answer::{AnswerBody, Lease};
use super::balance::Picker;
use super::connect::{Unconnected, connect};
use super::h1::{Asked, Connection, Expected, Fields, Head, Lost, More, Sending};
use super::target::{Attempt, Target};
use super::{Interim, UpstreamError};
use crate::body::Body;
use crate::body::timer::{Timer, later};
use crate::config::model;

/// A named group of targets, as one version of the config has it. Made by [`super::Registry`].
#[derive(Debug)]
pub struct Upstream {
    settings: model::Upstream,
    targets: Vec<Rc<Target>>,
    picker: Picker,
}

/// What is special about one call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// When it was begun: now, or shortly before. All times count from here.
    pub began: Instant,
    /// When it must be over, if that is before `timeouts.total`. Running into it is not held against
    /// the target.
    pub deadline: Option<Instant>,
    /// Sends the request's own `host` instead of the target's.
    pub preserve_host: bool,
    /// Fields that come behind the head's own.
    pub more: More<'a>,
    /// Takes the interim answers, if anybody wants them.
    pub interim: Option<&'a Interim>,
    /// Somebody is going to ask for the answer's fields: if not, they stay as they came.
    pub reads_fields: bool,
}

/// An upstream's answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub fields: Fields,
    pub body: Body,
    /// `host:port` of the target that answered.
    pub target: Arc<str>,
    /// From the beginning of the call until the head was there.
    pub took: Duration,
}

impl Answer {
    /// Head and body as they travel on: without the fields for this hop only.
    pub fn into_parts(self) -> (response::Parts, Body) {
        let mut head = Response::new(()).into_parts().0;
        head.status = self.status;
        head.headers = self.fields.end_to_end();
        (head, self.body)
    }
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
    /// The target becomes origin-form, `host` the target's, and framing follows from the body; other
    /// fields are the caller's, who also refuses CONNECT. Dropping the future closes the connection.
    ///
    /// A request is sent once more where a reused connection turns out to be closed: if no byte of it
    /// was written, or if its method is idempotent; and only if its body is in memory (RFC 9110
    /// 9.2.2). Such an idempotent request is also sent to another target where a new connection ends
    /// before any answer. Else another target is tried only where no connection could be opened.
    pub async fn send(&self, head: &request::Parts, mut body: Body, call: Call<'_>) -> Result<Answer, UpstreamError> {
        let began = call.began;
        let limits = Limits::new(began, &self.settings.timeouts, call.deadline);
        let copy = body.in_memory();
        let is_repeatable = copy.is_some() && head.method.is_idempotent();
        let (preserve_host, interim) = (call.preserve_host, call.interim.filter(|_| self.settings.interim));
        let expected = Expected { method: &head.method, interim, reads_fields: call.reads_fields };
        let request = Outgoing { head, more: call.more, preserve_host, expected, is_repeatable, began };
        let mut tried = Vec::new();
        let mut attempt = self.attempt(&mut tried, began).ok_or_else(|| self.no_target())?;

        // What cannot be sent twice is worth a question to the kernel before it is sent once.
        let usable = if is_repeatable { Connection::is_idle } else { Connection::is_silent };
        if let Some(connection) = attempt.target.pool.take(began, usable) {
            match self.exchange(attempt, connection, &request, body, &limits).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    let again = copy.filter(|_| failure.may_be_repeated(is_repeatable));
                    let Some(again) = again else { return Err(self.judge(failure, &limits)) };
                    (body, attempt) = (Body::full(again), failure.attempt);
                }
            }
        }
        // Boxed: a future is moved about whole, and keep-alive makes this one rare.
        Box::pin(self.send_anew(attempt, tried, &request, body, &limits)).await
    }

    /// Sends a request on a new connection, and on one to another target if that ends without an answer.
    async fn send_anew(
        &self,
        attempt: Attempt,
        tried: Vec<usize>,
        request: &Outgoing<'_>,
        body: Body,
        limits: &Limits,
    ) -> Result<Answer, UpstreamError> {
        let copy = body.in_memory();
        let (attempt, connection) = self.connect(attempt, tried, limits).await?;
        let failure = match self.exchange(attempt, connection, request, body, limits).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        // A target that is being stopped still takes connections it never reads: its kernel resets them.
        let again = copy.filter(|_| self.targets.len() > 1 && failure.may_be_repeated(request.is_repeatable));
        let error = self.judge(failure, limits);
        let Some(again) = again else { return Err(error) };
        let mut tried = self.targets.iter().position(|target| target.name == *error.target()).into_iter().collect();
        let attempt = self.attempt(&mut tried, Instant::now()).ok_or(error)?;
        let (attempt, connection) = self.connect(attempt, tried, limits).await?;
        let sent = self.exchange(attempt, connection, request, Body::full(again), limits).await;
        sent.map_err(|failure| self.judge(failure, limits))
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
    ) -> Result<(Attempt, Box<Connection>), UpstreamError> {
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

    async fn connect_to(&self, attempt: &Attempt, limits: &Limits) -> Result<Box<Connection>, UpstreamError> {
        let after = self.settings.timeouts.connect;
        let left = limits.deadline.saturating_duration_since(Instant::now());
        let target = &attempt.target;
        match connect(&target.address, target.proof.as_ref(), after.min(left)).await {
            Ok(connection) => {
                target.connects.set(target.connects.get() + 1);
                Ok(connection)
            }
            Err(Unconnected::OutOfReach(address)) => Err(UpstreamError::OutOfReach { target: attempt.name(), address }),
            Err(Unconnected::Failed(error)) if error.kind() != io::ErrorKind::TimedOut => {
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
        mut connection: Box<Connection>,
        request: &Outgoing<'_>,
        body: Body,
        limits: &Limits,
    ) -> Result<Answer, Failure> {
        let mut sending = connection.begin(&request.asked(&attempt.target), body, request.began);
        let mut patience = Patience { until: limits.first_byte(request.began), limits };
        let received = poll_fn(|cx| match connection.poll_head(cx, &mut sending, &request.expected) {
            Poll::Ready(received) => Poll::Ready(Ok(received)),
            Poll::Pending => patience.poll(cx, &mut connection.timer, &sending).map(Err),
        })
        .await;
        let error = match received {
            Ok(Ok(head)) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                UpstreamError::Switched { target: attempt.name() }
            }
            Ok(Ok(head)) => {
                attempt.succeeded();
                return Ok(self.answer(head, sending, attempt, connection, request.began, limits));
            }
            Ok(Err(Lost::Request(error))) => UpstreamError::Request { target: attempt.name(), error },
            Ok(Err(Lost::Answer(error))) => UpstreamError::Broken { target: attempt.name(), error },
            Err(timeout) => timeout.into_error(&attempt, &self.settings.timeouts),
        };
        let unsent = !connection.give_up(&mut sending);
        Err(Failure { attempt, error, unsent })
    }

    fn answer(
        &self,
        head: Head,
        sending: Sending,
        attempt: Attempt,
        mut connection: Box<Connection>,
        began: Instant,
        limits: &Limits,
    ) -> Answer {
        let now = Instant::now();
        let target = attempt.name();
        let upload = connection.finish_sending(sending);
        let lease = Lease {
            attempt,
            connection,
            keeps_alive: head.keeps_alive,
            idle_for: self.settings.idle_for,
            idle_connections: self.settings.idle_connections,
        };
        let body = AnswerBody::begin(head.body, lease, upload, self.settings.timeouts.idle, limits.deadline, now);
        Answer { status: head.status, fields: head.fields, body, target, took: now - began }
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

/// What is sent, to whichever target.
struct Outgoing<'a> {
    head: &'a request::Parts,
    more: More<'a>,
    preserve_host: bool,
    expected: Expected<'a>,
    /// It may be sent twice: its method is idempotent and its body in memory.
    is_repeatable: bool,
    began: Instant,
}

impl<'a> Outgoing<'a> {
    /// With the target's `host`, unless the request's own is to be kept and is there.
    fn asked(&self, target: &'a Target) -> Asked<'a> {
        let own = if self.preserve_host { self.head.headers.get(header::HOST) } else { None };
        Asked { head: self.head, host: own.unwrap_or(&target.host), more: self.more }
    }
}

/// An exchange that got no head.
struct Failure {
    attempt: Attempt,
    error: UpstreamError,
    /// No byte of the request was written.
    unsent: bool,
}

impl Failure {
    /// Whether it means that the target had closed a reused connection.
    fn may_be_repeated(&self, is_repeatable: bool) -> bool {
        (is_repeatable || self.unsent) && matches!(&self.error, UpstreamError::Broken { error, .. } if error.is_close())
    }
}

/// What an exchange may take.
struct Limits {
    deadline: Instant,
    first_byte: Duration,
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
    limits: &'a Limits,
}

enum TimedOut {
    FirstByte,
    Deadline,
}

impl Patience<'_> {
    fn poll(&mut self, cx: &mut Context<'_>, timer: &mut Timer, sending: &Sending) -> Poll<TimedOut> {
        loop {
            ready!(timer.poll(cx, self.until));
            if self.until >= self.limits.deadline {
                return Poll::Ready(TimedOut::Deadline);
            }
            // A request that is still being sent is looked at again, without being told when it ends.
            let until = self.limits.first_byte(sending.sent_at().unwrap_or_else(Instant::now));
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
