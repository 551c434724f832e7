//! A body on its way into a guest.
//!
//! The worker's bodies stay on its thread, and what a store holds has to be `Send`: so the guest reads
//! one end of a channel, and a task of the worker fills the other. It reads a frame when the guest asks for
//! one: nothing is read ahead, and a client that waits for `100 Continue` gets it when its body is wanted.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tokio::sync::mpsc;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::body::{Body, BodyError, Fault, Side};

type Piece = Result<Frame<Bytes>, Error>;

/// The guest's end of a body, and what has to run beside the guest where it is not in memory.
pub(super) fn bridge(body: Body) -> (WasiBody, Option<Pump>) {
    if let Some(bytes) = body.in_memory() {
        return (UnsyncBoxBody::new(Full::new(bytes).map_err(Into::into)), None);
    }
    // Room for one each: the guest has one question at a time.
    let ((wants, wanted), (frames, arriving)) = (mpsc::channel(1), mpsc::channel(1));
    let end = GuestsEnd { wants, arriving, has_asked: false };
    (UnsyncBoxBody::new(end), Some(Pump { body, wanted, frames }))
}

struct GuestsEnd {
    wants: mpsc::Sender<()>,
    arriving: mpsc::Receiver<Piece>,
    has_asked: bool,
}

impl http_body::Body for GuestsEnd {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if !self.has_asked {
            // It fails only where the other end is gone, and then so does the next line.
            self.has_asked = self.wants.try_send(()).is_ok();
        }
        let polled = self.arriving.poll_recv(cx);
        if polled.is_ready() {
            self.has_asked = false;
        }
        polled
    }
}

/// The worker's end.
#[derive(Debug)]
pub(super) struct Pump {
    body: Body,
    wanted: mpsc::Receiver<()>,
    frames: mpsc::Sender<Piece>,
}

impl Pump {
    /// Runs until the body is over or the guest has let go of it. What the body fails with is noted as well.
    pub(super) async fn run(mut self, note: impl Fn(BodyError)) {
        while self.wanted.recv().await.is_some() {
            let frame = tokio::select! {
                biased;
                () = self.frames.closed() => return,
                frame = self.body.frame() => frame,
            };
            let piece = match frame {
                Some(Ok(frame)) => Ok(frame),
                Some(Err(error)) => {
                    note(error);
                    Err(told(error))
                }
                None => return,
            };
            let is_over = piece.is_err();
            if self.frames.send(piece).await.is_err() || is_over {
                return;
            }
        }
    }
}

/// As a guest is told of it.
fn told(error: BodyError) -> Error {
    match (error.side, error.fault) {
        (Side::Upstream, Fault::LimitExceeded(limit)) => Error::HttpResponseBodySize(Some(limit)),
        (Side::Upstream, Fault::Idle | Fault::Deadline) => Error::HttpResponseTimeout,
        (Side::Upstream, Fault::Broken | Fault::Malformed) => Error::HttpResponseIncomplete,
        (_, Fault::LimitExceeded(limit)) => Error::HttpRequestBodySize(Some(limit)),
        (_, Fault::Idle | Fault::Deadline) => Error::ConnectionReadTimeout,
        (_, Fault::Broken | Fault::Malformed) => Error::ConnectionTerminated,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::stream::unfold;

    use super::*;

    /// A body of so many frames that counts how many were read, and then breaks off.
    fn counted(frames: usize, read: Rc<Cell<usize>>) -> Body {
        Body::streamed(unfold(0, move |at| {
            read.set(at + 1);
            let broken = BodyError { side: Side::Client, fault: Fault::Broken };
            let frame = if at < frames { Ok(Frame::data(Bytes::from_static(b"x"))) } else { Err(broken) };
            std::future::ready(Some((frame, at + 1)))
        }))
    }

    #[tokio::test]
    async fn a_frame_is_read_when_the_guest_asks_and_not_before() {
        let read = Rc::new(Cell::new(0));
        let (mut guest, pump) = bridge(counted(2, Rc::clone(&read)));
        let noted = Cell::new(None);
        let reading = async {
            tokio::task::yield_now().await;
            assert_eq!(read.get(), 0);
            assert_eq!(guest.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
            tokio::task::yield_now().await;
            assert_eq!(read.get(), 1);
            guest.frame().await.unwrap().unwrap();
            assert!(matches!(guest.frame().await, Some(Err(Error::ConnectionTerminated))));
            assert!(guest.frame().await.is_none());
        };
        tokio::join!(pump.unwrap().run(|error| noted.set(Some(error.fault))), reading);
        assert_eq!(noted.get(), Some(Fault::Broken));
    }

    #[tokio::test]
    async fn a_guest_that_lets_go_of_a_body_ends_its_pump() {
        let (mut guest, pump) = bridge(Body::streamed(futures_util::stream::pending()));
        let pump = pump.unwrap().run(|_| {});
        let reading = async move {
            tokio::select! { _ = guest.frame() => {}, () = tokio::task::yield_now() => {} }
        };
        let both = async { tokio::join!(pump, reading) };
        tokio::time::timeout(std::time::Duration::from_secs(5), both).await.expect("the pump goes on");
    }

    #[tokio::test]
    async fn what_is_in_memory_needs_no_pump() {
        let (guest, pump) = bridge(Body::full("all of it"));
        assert!(pump.is_none());
        assert_eq!(guest.collect().await.unwrap().to_bytes(), "all of it");
    }
}
