//! The body of an answer, and the connection it comes on.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::h1::{Connection, Decoded, Decoder, Upload};
use super::pool;
use super::target::Attempt;
use crate::body::timer::later;
use crate::body::{Body, BodyError, Fault, Side};

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// A connection lent to one exchange. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) attempt: Attempt,
    pub(super) connection: Box<Connection>,
    /// Whether the target is going to keep the connection open.
    pub(super) keeps_alive: bool,
    /// How long it may be idle afterwards, and beside how many others.
    pub(super) idle_for: Duration,
    pub(super) idle_connections: usize,
}

impl Lease {
    /// The answer's end was read: the connection goes back to its pool. One with more bytes on it than
    /// the answer had, or with a request that is not sent yet, is closed: whatever comes next on it
    /// would be taken for an answer to somebody else (RFC 9112 sections 9.3 and 9.6).
    fn give_back(mut self, now: Instant) {
        if self.keeps_alive && self.connection.is_idle() {
            self.connection.rest();
            let expires = later(now, self.idle_for);
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
    decoder: Decoder,
    /// `None` once the body ended or failed.
    lease: Option<Lease>,
    /// What is still to be sent of the request.
    _upload: Option<Upload>,
    idle: Duration,
    deadline: Instant,
    /// Set while a poll found nothing: when patience ends.
    patience: Option<Instant>,
    /// The first frame was seen. It is mostly there with the head, and then the clock is not read.
    begun: bool,
}

impl AnswerBody {
    /// The body behind a head. Where it came with the head, which short ones do, it is in memory, and
    /// the connection is free at once.
    pub(super) fn begin(
        decoder: Decoder,
        mut lease: Lease,
        upload: Option<Upload>,
        idle: Duration,
        deadline: Instant,
        now: Instant,
    ) -> Body {
        if let Some(bytes) = lease.connection.whole(&decoder) {
            lease.give_back(now);
            return Body::full(bytes);
        }
        let lease = Some(lease);
        Body::answer(Self { decoder, lease, _upload: upload, idle, deadline, patience: None, begun: false })
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.lease.is_none()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.decoder.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled {
        loop {
            let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
            match lease.connection.decode(&mut self.decoder) {
                Ok(Decoded::Data(data)) => return self.pass(data),
                Ok(Decoded::Trailers(trailers)) => {
                    self.finish();
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Decoded::End) => return self.end(),
                Ok(Decoded::Nothing) => {}
                Err(_) => return self.fail(Fault::Broken),
            }
            match lease.connection.poll_receive(cx, self.decoder.left()) {
                Poll::Ready(Ok(0)) if self.decoder.ends_with_connection() => return self.end(),
                Poll::Ready(Ok(0) | Err(_)) => return self.fail(Fault::Broken),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return self.wait(cx),
            }
        }
    }

    fn pass(&mut self, data: Bytes) -> Polled {
        if self.decoder.is_over() {
            self.finish();
        } else if std::mem::replace(&mut self.begun, true) && Instant::now() >= self.deadline {
            return self.fail(Fault::Deadline);
        }
        self.patience = None;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Polled {
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        let (idle, deadline) = (self.idle, self.deadline);
        let until = *self.patience.get_or_insert_with(|| later(Instant::now(), idle).min(deadline));
        match lease.connection.timer.poll(cx, until) {
            Poll::Ready(()) if until == deadline => self.fail(Fault::Deadline),
            Poll::Ready(()) => self.fail(Fault::Idle),
            Poll::Pending => Poll::Pending,
        }
    }

    fn end(&mut self) -> Polled {
        self.finish();
        Poll::Ready(None)
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back(Instant::now());
        }
    }

    fn fail(&mut self, fault: Fault) -> Polled {
        self.lease = None;
        Poll::Ready(Some(Err(BodyError { side: Side::Upstream, fault })))
    }
}
