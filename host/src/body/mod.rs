//! The one body type of the gateway: every request and response body on its way through.
//!
//! Nothing is copied. Timers exist only once a body made somebody wait.
//! Absent on purpose: transformations. Who wants to change a body collects it and makes another.

mod client;
mod error;
mod observe;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timer;

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::upstream::AnswerBody;
use client::ClientBody;
pub use error::{BodyError, Fault, Side};
use observe::Watch;
pub use observe::{BodyObserver, End};

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

    pub(crate) fn answer(answer: AnswerBody) -> Self {
        Kind::Answer(Box::new(answer)).into()
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
            Kind::Client(_) | Kind::Answer(_) => None,
        }
    }

    fn side(&self) -> Side {
        match self.kind {
            Kind::Full(_) => Side::Gateway,
            Kind::Client(_) => Side::Client,
            Kind::Answer(_) => Side::Upstream,
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
        let polled = match &mut self.kind {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Client(body) => body.poll_frame(cx),
            Kind::Answer(body) => body.poll_frame(cx),
        };
        let ended = self.is_end_stream();
        if let (Some(watch), Poll::Ready(item)) = (&mut self.watch, &polled) {
            watch.see(item.as_ref(), ended);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Client(body) => body.is_end_stream(),
            Kind::Answer(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Client(body) => body.size_hint(),
            Kind::Answer(body) => body.size_hint(),
        }
    }
}

/// The whole body in one piece, without a copy where it came in one piece. Trailers are dropped.
///
/// # Errors
/// [`Fault::LimitExceeded`] beyond `max` bytes, before reading where the length was announced; and
/// whatever the body itself fails with.
pub async fn collect(mut body: Body, max: u64) -> Result<Bytes, BodyError> {
    let too_large = BodyError { side: body.side(), fault: Fault::LimitExceeded(max) };
    let announced = body.size_hint().lower();
    if announced > max {
        return Err(too_large);
    }
    let Some(first) = next_data(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() as u64 > max {
        return Err(too_large);
    }
    let Some(second) = next_data(&mut body).await? else {
        return Ok(first);
    };
    // `announced` is at most `max`, so a client cannot make the gateway reserve more than that.
    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
    whole.extend_from_slice(&first);
    let mut more = Some(second);
    while let Some(data) = more {
        if (whole.len() + data.len()) as u64 > max {
            return Err(too_large);
        }
        whole.extend_from_slice(&data);
        more = next_data(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// The next bytes, skipping trailers; `None` at the end.
async fn next_data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while !body.is_end_stream() {
        match body.frame().await.transpose()?.map(Frame::into_data) {
            Some(Ok(data)) => return Ok(Some(data)),
            Some(Err(_trailers)) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}
