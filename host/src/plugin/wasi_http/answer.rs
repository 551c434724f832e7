//! A guest's answer, made one the gateway can send.
//!
//! Its body is pulled by whoever sends it on, so a guest writes no faster than a client reads. Time
//! counts only while somebody waits: a client that reads slowly is not the guest's fault.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Method, response};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use wasmtime_wasi_http::WasiBody;

use super::call::Running;
use crate::body::timer::{Timer, later};
use crate::body::{Body, BodyError, Fault as BodyFault, Side};
use crate::context::is_bodiless;
use crate::plugin::fault::Fault;
use crate::plugin::host_api::final_status;
use crate::upstream::hop_by_hop::strip_hop_by_hop;

/// How a body ends that a guest did not end well. Which one, and why, is in the request's `FilteredBodies`.
const CUT_OFF: BodyError = BodyError { side: Side::Plugin, fault: BodyFault::Broken };

/// How long a guest may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two pieces of its answer.
    pub(super) wall: Duration,
    /// For all of it.
    pub(super) deadline: Instant,
}

/// Head and body; `method` is the request's. The problem's text if it cannot be sent.
pub(super) fn answer(
    answer: http::Response<WasiBody>,
    method: &Method,
    running: Running,
    patience: Patience,
) -> Result<(response::Parts, Body), (Running, String)> {
    let (mut head, body) = answer.into_parts();
    if let Err(problem) = final_status(head.status.as_u16()) {
        return Err((running, problem));
    }
    strip_hop_by_hop(&mut head.headers);
    let length = announced(&head.headers);
    if length.is_none() {
        head.headers.remove(CONTENT_LENGTH);
    }
    if *method == Method::HEAD || is_bodiless(head.status) || length == Some(0) {
        tokio::task::spawn_local(discard(body, running, patience.wall));
        return Ok((head, Body::empty()));
    }
    if body.is_end_stream() {
        if let Some(length) = length {
            return Err((running, format!("its head announces {length} bytes, and it has no body")));
        }
        running.leave_alone(patience.wall);
        return Ok((head, Body::empty()));
    }
    let (running, timer) = (Some(running), Timer::default());
    Ok((head, Body::streamed_of(length, Answering { body, running, left: length, patience, timer, until: None })))
}

/// Reads what nobody is going to see: a guest that answers HEAD as it answers GET has done nothing wrong.
async fn discard(mut body: WasiBody, running: Running, wall: Duration) {
    let to_its_end = async { while let Some(Ok(_)) = body.frame().await {} };
    if tokio::time::timeout(wall, to_its_end).await.is_err() {
        running.call().failed(Fault::Wall);
        return;
    }
    running.leave_alone(wall);
}

/// The length of the body, by the head. Only digits make one (RFC 9110 section 8.6).
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    length.bytes().all(|digit| digit.is_ascii_digit()).then(|| length.parse().ok())?
}

struct Answering {
    body: WasiBody,
    /// None once the body is over.
    running: Option<Running>,
    /// Bytes still to come, where the head says how many.
    left: Option<u64>,
    patience: Patience,
    timer: Timer,
    /// Set while a poll found nothing: when patience ends.
    until: Option<Instant>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

impl Stream for Answering {
    type Item = Result<Frame<Bytes>, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.running.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => this.pass(frame),
            Poll::Ready(Some(Err(_))) => this.fail(Fault::BrokeOff),
            Poll::Ready(None) => this.end(),
            Poll::Pending => this.wait(cx),
        }
    }
}

impl Answering {
    fn pass(&mut self, frame: Frame<Bytes>) -> Polled {
        self.until = None;
        if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
            match left.checked_sub(data.len() as u64) {
                Some(less) => *left = less,
                None => return self.fail(Fault::BrokeOff),
            }
        }
        if Instant::now() >= self.patience.deadline {
            return self.fail(Fault::Deadline);
        }
        // Nobody asks for more than was announced.
        if self.left == Some(0) {
            self.let_go();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// A guest that was stopped closes its body as one that is done does.
    fn end(&mut self) -> Polled {
        let has_failed = self.running.as_ref().is_some_and(|running| running.call().has_failed());
        if has_failed || self.left.is_some_and(|left| left > 0) {
            return self.fail(Fault::BrokeOff);
        }
        self.let_go();
        Poll::Ready(None)
    }

    fn let_go(&mut self) {
        if let Some(running) = self.running.take() {
            running.leave_alone(self.patience.wall);
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Polled {
        let Patience { wall, deadline } = self.patience;
        let until = *self.until.get_or_insert_with(|| later(Instant::now(), wall).min(deadline));
        match self.timer.poll(cx, until) {
            Poll::Ready(()) if until == deadline => self.fail(Fault::Deadline),
            Poll::Ready(()) => self.fail(Fault::Wall),
            Poll::Pending => Poll::Pending,
        }
    }

    fn fail(&mut self, fault: Fault) -> Polled {
        if let Some(running) = self.running.take() {
            running.call().failed(fault);
            running.call().cut_off();
        }
        Poll::Ready(Some(Err(CUT_OFF)))
    }
}
