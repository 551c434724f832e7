//! A request body as the client sends it: limited in bytes and in pauses.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::timer::{Timer, later};
use super::{BodyError, Fault, Rest, Side};

#[derive(Debug)]
pub(super) struct ClientBody {
    /// `None` once it ended.
    incoming: Option<Incoming>,
    limit: u64,
    seen: u64,
    idle: Duration,
    timer: Timer,
    /// Set while a poll found nothing: when patience ends.
    patience: Option<Instant>,
    rest: Rest,
    /// It stays unread. Also where the client sends it only once it is asked for it, and was not yet.
    is_left: bool,
}

impl ClientBody {
    pub(super) fn new(incoming: Incoming, limit: u64, idle: Duration) -> Self {
        Self {
            incoming: Some(incoming),
            limit,
            seen: 0,
            idle,
            timer: Timer::default(),
            patience: None,
            rest: Rest::default(),
            is_left: false,
        }
    }

    pub(super) fn leave_to(&mut self, rest: &Rest, is_held_back: bool) {
        self.rest = rest.clone();
        self.is_left = is_held_back;
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        // A length announced too large is refused before its first byte is read.
        if self.seen.saturating_add(incoming.size_hint().lower()) > self.limit {
            return self.fail(Fault::LimitExceeded(self.limit));
        }
        self.is_left = false;
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.count(frame),
            Poll::Ready(Some(Err(error))) => self.fail(fault_of(&error)),
            Poll::Ready(None) => {
                self.incoming = None;
                Poll::Ready(None)
            }
            Poll::Pending => self.wait(cx),
        }
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.patience = None;
        self.seen = self.seen.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        if self.seen > self.limit {
            return self.fail(Fault::LimitExceeded(self.limit));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let idle = self.idle;
        let until = *self.patience.get_or_insert_with(|| later(Instant::now(), idle));
        match self.timer.poll(cx, until) {
            Poll::Ready(()) => self.fail(Fault::Idle),
            Poll::Pending => Poll::Pending,
        }
    }

    /// What failed is not read any more, not even for nothing.
    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.is_left = true;
        Poll::Ready(Some(Err(BodyError { side: Side::Client, fault })))
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        match self.incoming.take() {
            None => {}
            Some(incoming) if incoming.is_end_stream() => {}
            // Of one that is held back the first read would be what asks for it.
            Some(_) if self.is_left => self.rest.set_unread(),
            Some(incoming) => self.rest.read(incoming),
        }
    }
}

/// hyper's decoder of chunks reports what it cannot read as input that is invalid.
fn fault_of(error: &hyper::Error) -> Fault {
    let decoding = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    match decoding {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Fault::Malformed,
        _ => Fault::Broken,
    }
}
