//! The one body type of the gateway: every request and response body on its way through.
//!
//! Nothing is copied. Timers exist only once a body made somebody wait.
//! Absent on purpose: transformations. Who wants to change a body gathers it and makes another.

mod chunks;
mod client;
mod collect;
mod error;
mod joined;
mod observe;
mod rest;
mod streamed;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timer;

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use crate::cache::fill::FillingBody;
use crate::upstream::AnswerBody;
pub(crate) use chunks::Chunks;
use client::ClientBody;
pub use collect::collect;
pub(crate) use collect::{Gathered, gather};
pub use error::{BodyError, Fault, Side};
use joined::Joined;
use observe::Watch;
pub use observe::{BodyObserver, End};
pub use rest::Rest;
use streamed::Streamed;

/// A request or response body.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    watch: Option<Watch>,
}

#[derive(Debug)]
enum Kind {
    /// All there; empty for no body, and once it was handed out.
    Full(Bytes),
    // Boxed, because most bodies are in memory and every body is moved a few times.
    Client(Box<ClientBody>),
    Answer(Box<AnswerBody>),
    Joined(Box<Joined>),
    /// An upstream's, while it is stored.
    Filling(Box<FillingBody>),
    Streamed(Streamed),
}

impl Body {
    pub const fn empty() -> Self {
        Self { kind: Kind::Full(Bytes::new()), watch: None }
    }

    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Kind::Full(bytes.into()).into()
    }

    /// A request body from a client: fails beyond `limit` bytes, or when nothing comes for `idle`.
    pub fn client(incoming: Incoming, limit: u64, idle: Duration) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        Kind::Client(Box::new(ClientBody::new(incoming, limit, idle))).into()
    }

    /// What nobody reads of a client's body is left to its connection. `is_held_back` where the client waits to
    /// be asked for it (RFC 9110 section 10.1.1).
    #[must_use]
    pub(crate) fn left_to(mut self, rest: &Rest, is_held_back: bool) -> Self {
        if let Kind::Client(body) = &mut self.kind {
            body.leave_to(rest, is_held_back);
        }
        self
    }

    pub(crate) fn answer(answer: AnswerBody) -> Self {
        Kind::Answer(Box::new(answer)).into()
    }

    /// A body of which `front` was read already, and `rest` is to come.
    fn joined(front: Bytes, rest: Self) -> Self {
        Kind::Joined(Box::new(Joined { front, rest })).into()
    }

    pub(crate) fn filling(filling: FillingBody) -> Self {
        Kind::Filling(Box::new(filling)).into()
    }

    /// What somebody makes, piece by piece as it is asked for.
    pub(crate) fn streamed(pieces: impl Stream<Item = Result<Frame<Bytes>, BodyError>> + 'static) -> Self {
        Kind::Streamed(Streamed::new(None, pieces)).into()
    }

    /// As [`Self::streamed`], of so many bytes, where that is known. Whoever makes the pieces keeps to it.
    pub(crate) fn streamed_of(
        length: Option<u64>,
        pieces: impl Stream<Item = Result<Frame<Bytes>, BodyError>> + 'static,
    ) -> Self {
        Kind::Streamed(Streamed::new(length, pieces)).into()
    }

    /// Tells `observer` once, when the body was handed out whole or is dropped, whichever is first
    /// to be known. An observer set before is told `Dropped` now.
    #[must_use]
    pub fn observed(mut self, observer: Rc<dyn BodyObserver>) -> Self {
        self.watch = Some(Watch::new(observer, self.is_end_stream()));
        self
    }

    /// All of it, if it is in memory.
    pub(crate) fn in_memory(&self) -> Option<Bytes> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes.clone()),
            Kind::Client(_) | Kind::Answer(_) | Kind::Joined(_) | Kind::Streamed(_) | Kind::Filling(_) => None,
        }
    }

    /// All of it at once, if it is in memory and nobody watches it being handed out.
    fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.kind {
            Kind::Full(bytes) if self.watch.is_none() => Some(std::mem::take(bytes)),
            _ => None,
        }
    }

    fn side(&self) -> Side {
        match &self.kind {
            Kind::Full(_) | Kind::Streamed(_) => Side::Gateway,
            Kind::Client(_) => Side::Client,
            Kind::Answer(_) | Kind::Filling(_) => Side::Upstream,
            Kind::Joined(body) => body.rest.side(),
        }
    }
}

impl From<Kind> for Body {
    fn from(kind: Kind) -> Self {
        Self { kind, watch: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.watch.as_mut().and_then(Watch::let_go) {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = match &mut self.kind {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Client(body) => body.poll_frame(cx),
            Kind::Answer(body) => body.poll_frame(cx),
            Kind::Joined(body) => body.poll_frame(cx),
            Kind::Filling(body) => body.poll_frame(cx),
            Kind::Streamed(body) => body.poll_frame(cx),
        };
        let ended = self.is_end_stream();
        if let (Some(watch), Poll::Ready(item)) = (&mut self.watch, &polled) {
            watch.see(item.as_ref(), ended);
            // Where a body fails hyper drops what it has not written yet, the head with it: it writes while it waits.
            if let Some(Err(error)) = item {
                watch.hold(*error);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        if self.watch.as_ref().is_some_and(Watch::holds) {
            return false;
        }
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Client(body) => body.is_end_stream(),
            Kind::Answer(body) => body.is_end_stream(),
            Kind::Joined(body) => body.is_end_stream(),
            Kind::Filling(body) => body.is_end_stream(),
            Kind::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Client(body) => body.size_hint(),
            Kind::Answer(body) => body.size_hint(),
            Kind::Joined(body) => body.size_hint(),
            Kind::Filling(body) => body.size_hint(),
            Kind::Streamed(body) => body.size_hint(),
        }
    }
}
