//! A body in chunks no longer than somebody takes at once, each read when it is asked for.

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;

use super::{Body, BodyError};

#[derive(Debug)]
pub(crate) struct Chunks {
    body: Body,
    /// Longest chunk, in bytes.
    limit: usize,
    /// What is left of a piece that was longer.
    piece: Bytes,
    trailers: Option<HeaderMap>,
    /// Nothing comes after `piece` and `trailers`.
    is_read: bool,
    has_begun: bool,
}

impl Chunks {
    pub(crate) fn of(body: Body, limit: usize) -> Self {
        Self { body, limit: limit.max(1), piece: Bytes::new(), trailers: None, is_read: false, has_begun: false }
    }

    /// The next chunk, and whether it is the last one, which may be empty. Not to be asked again after
    /// that. A body that has no bytes has no chunk.
    pub(crate) async fn next(&mut self) -> Result<Option<(Bytes, bool)>, BodyError> {
        while self.piece.is_empty() && !self.is_read {
            match self.body.frame().await.transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => {
                    self.piece = data;
                    self.is_read = self.body.is_end_stream();
                }
                Some(Err(frame)) => {
                    self.trailers = frame.into_trailers().ok();
                    self.is_read = true;
                }
                None => self.is_read = true,
            }
        }
        if self.piece.is_empty() && !self.has_begun {
            return Ok(None);
        }
        self.has_begun = true;
        let chunk = self.piece.split_to(self.piece.len().min(self.limit));
        Ok(Some((chunk, self.piece.is_empty() && self.is_read)))
    }

    /// What is left, in pieces of any length, and the trailers.
    pub(crate) async fn rest(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        if !self.piece.is_empty() {
            return Some(Ok(Frame::data(std::mem::take(&mut self.piece))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Some(Ok(Frame::trailers(trailers)));
        }
        if self.is_read { None } else { self.body.frame().await }
    }
}
