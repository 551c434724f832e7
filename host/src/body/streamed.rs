//! A body that somebody makes piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

use super::BodyError;

type Pieces = dyn Stream<Item = Result<Frame<Bytes>, BodyError>>;

pub(super) struct Streamed {
    /// None once it is over: what it holds is let go at once.
    pieces: Option<Pin<Box<Pieces>>>,
    /// Bytes still to come, where that is known.
    left: Option<u64>,
}

impl Streamed {
    pub(super) fn new(
        length: Option<u64>,
        pieces: impl Stream<Item = Result<Frame<Bytes>, BodyError>> + 'static,
    ) -> Self {
        Self { pieces: Some(Box::pin(pieces)), left: length }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let polled = pieces.as_mut().poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => self.count(frame),
            Poll::Ready(None | Some(Err(_))) => self.pieces = None,
            Poll::Pending => {}
        }
        polled
    }

    /// Who has the last byte does not ask whether there is more.
    fn count(&mut self, frame: &Frame<Bytes>) {
        if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
            *left = left.saturating_sub(data.len() as u64);
            if *left == 0 {
                self.pieces = None;
            }
        }
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("is_over", &self.pieces.is_none()).field("left", &self.left).finish()
    }
}
