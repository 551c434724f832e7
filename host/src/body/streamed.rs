//! A body that somebody makes piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::Frame;

use super::BodyError;

type Pieces = dyn Stream<Item = Result<Frame<Bytes>, BodyError>>;

pub(super) struct Streamed {
    /// None once it is over: what it holds is let go at once.
    pieces: Option<Pin<Box<Pieces>>>,
}

impl Streamed {
    pub(super) fn new(pieces: impl Stream<Item = Result<Frame<Bytes>, BodyError>> + 'static) -> Self {
        Self { pieces: Some(Box::pin(pieces)) }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let polled = pieces.as_mut().poll_next(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.pieces = None;
        }
        polled
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("is_over", &self.pieces.is_none()).finish()
    }
}
