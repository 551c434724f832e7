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
use super::{BodyError, Fault, Side};

#[derive(Debug)]
pub(super) struct ClientBody {
    incoming: Incoming,
    limit: u64,
    seen: u64,
    idle: Duration,
    timer: Timer,
    /// Set while a poll found nothing: when patience ends.
    patience: Option<Instant>,
}

impl ClientBody {
    pub(super) fn new(incoming: Incoming, limit: u64, idle: Duration) -> Self {
        Self { incoming, limit, seen: 0, idle, timer: Timer::default(), patience: None }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // A length announced too large is refused before its first byte is read.
        if self.seen.saturating_add(self.incoming.size_hint().lower()) > self.limit {
            return failed(Fault::LimitExceeded(self.limit));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.count(frame),
            Poll::Ready(Some(Err(error))) => failed(fault_of(&error)),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.wait(cx),
        }
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.patience = None;
        self.seen = self.seen.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        if self.seen > self.limit {
            return failed(Fault::LimitExceeded(self.limit));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let idle = self.idle;
        let until = *self.patience.get_or_insert_with(|| later(Instant::now(), idle));
        match self.timer.poll(cx, until) {
            Poll::Ready(()) => failed(Fault::Idle),
            Poll::Pending => Poll::Pending,
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

fn failed(fault: Fault) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    Poll::Ready(Some(Err(BodyError { side: Side::Client, fault })))
}
