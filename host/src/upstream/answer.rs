//! The body of an answer, and the connection it comes on.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::connect::Connection;
use super::pool;
use super::target::Attempt;
use crate::body::timer::later;
use crate::body::{BodyError, Fault, Side};

/// A connection lent to one exchange. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) attempt: Attempt,
    pub(super) connection: Connection,
    /// How long it may be idle afterwards, and beside how many others.
    pub(super) idle_for: Duration,
    pub(super) idle_connections: usize,
}

impl Lease {
    /// The answer's end was read: the connection goes back to its pool.
    ///
    /// hyper's driver hands out the last bytes and becomes ready in the same poll, so nothing has to
    /// be waited for. A driver that is not ready still sends a request whose answer is over, or
    /// was told to close; either way the connection is closed (RFC 9112 9.3, 9.6).
    pub(super) fn give_back(self) {
        if self.connection.is_ready() {
            let expires = later(Instant::now(), self.idle_for);
            let target = Rc::clone(&self.attempt.target);
            pool::put(&target, self.connection, expires, self.idle_connections);
        }
    }
}

/// An upstream's body, limited in pauses and by the deadline of the exchange.
///
/// Pauses count only while somebody asks: a client that reads slowly is not the upstream's fault.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    incoming: Incoming,
    /// `None` once the body ended or failed.
    lease: Option<Lease>,
    idle: Duration,
    deadline: Instant,
    /// Set while a poll found nothing: when patience ends.
    patience: Option<Instant>,
    /// The first frame was seen. It is mostly there with the head, and then the clock is not read.
    begun: bool,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, idle: Duration, deadline: Instant) -> Self {
        Self { incoming, lease: Some(lease), idle, deadline, patience: None, begun: false }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.lease.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.pass(frame),
            Poll::Ready(Some(Err(_))) => self.fail(Fault::Broken),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => self.wait(cx),
        }
    }

    fn pass(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // After trailers, and after the last announced byte, hyper does not ask again.
        if frame.is_trailers() || self.incoming.is_end_stream() {
            self.finish();
        } else if std::mem::replace(&mut self.begun, true) && Instant::now() >= self.deadline {
            return self.fail(Fault::Deadline);
        }
        self.patience = None;
        Poll::Ready(Some(Ok(frame)))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(lease) = &mut self.lease else {
            return Poll::Ready(None);
        };
        let (idle, deadline) = (self.idle, self.deadline);
        let until = *self.patience.get_or_insert_with(|| later(Instant::now(), idle).min(deadline));
        match lease.connection.timer.poll(cx, until) {
            Poll::Ready(()) if until == deadline => self.fail(Fault::Deadline),
            Poll::Ready(()) => self.fail(Fault::Idle),
            Poll::Pending => Poll::Pending,
        }
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.lease = None;
        Poll::Ready(Some(Err(BodyError { side: Side::Upstream, fault })))
    }
}
