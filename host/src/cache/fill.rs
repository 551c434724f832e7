//! Storing a body as it comes, no matter how fast the client reads, or whether it still does.
//!
//! A body that is in memory is stored at once. Else a task of the worker reads it to its end: the
//! client gets the pieces as they come, and what it has not read yet waits in memory, at most as
//! much as may be stored. Where a body turns out too long it is stored no further, and read no
//! faster than the client does. Trailers are not passed on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::flight::Landed;
use super::notes::{Fetching, Storing};
use super::numbers::count;
use super::store::Store;
use crate::body::{Body, BodyError};

/// Stores a response's body; returns it for the client.
pub fn tee(fetching: Fetching, storing: Storing, body: Body) -> Body {
    let announced = body.size_hint();
    let max = fetching.store.max_body(&fetching.key, &storing.head, &storing.kept);
    if announced.lower() > max {
        count(&fetching.store.numbers.unfinished);
        fetching.land(Landed::NotStored);
        return body;
    }
    if let Some(bytes) = body.in_memory() {
        // A copy: these bytes are a piece of a connection's buffer.
        fetching.store(storing, Bytes::copy_from_slice(&bytes));
        return body;
    }
    let queue = Rc::new(RefCell::new(Queue { has_reader: true, ..Queue::default() }));
    tokio::task::spawn_local(fill(body, Rc::clone(&queue), Keeping::new(fetching, storing, max)));
    Body::filling(FillingBody { queue, left: announced.exact() })
}

/// What the client gets of a body that is being stored.
#[derive(Debug)]
pub(crate) struct FillingBody {
    queue: Rc<RefCell<Queue>>,
    /// Bytes to come, where that is known.
    left: Option<u64>,
}

/// Between the task that fills and the client.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    ended: Option<Result<(), BodyError>>,
    has_reader: bool,
    reader: Option<Waker>,
    filler: Option<Waker>,
}

/// The bytes that are going to be stored.
struct Keeping {
    store: Arc<Store>,
    bytes: Vec<u8>,
    /// Most of them.
    max: u64,
    /// `None` once it is known that nothing will be stored.
    purpose: Option<(Fetching, Storing)>,
}

async fn fill(mut body: Body, queue: Rc<RefCell<Queue>>, mut keeping: Keeping) {
    loop {
        if keeping.purpose.is_none() && !poll_fn(|cx| queue.borrow_mut().poll_wanted(cx)).await {
            return;
        }
        match body.frame().await.transpose() {
            Ok(Some(frame)) => {
                if let Ok(data) = frame.into_data() {
                    keeping.keep(&data);
                    queue.borrow_mut().push(data);
                }
            }
            Ok(None) => {
                // Stored before the client has its last byte: what it asks for next is there.
                keeping.complete();
                return queue.borrow_mut().end(Ok(()));
            }
            Err(error) => {
                keeping.broke_off();
                return queue.borrow_mut().end(Err(error));
            }
        }
    }
}

impl Keeping {
    fn new(fetching: Fetching, storing: Storing, max: u64) -> Self {
        Self { store: Arc::clone(&fetching.store), bytes: Vec::new(), max, purpose: Some((fetching, storing)) }
    }

    fn keep(&mut self, data: &[u8]) {
        if self.purpose.is_none() {
            return;
        }
        let more = data.len() as u64;
        let fits = self.bytes.len() as u64 + more <= self.max && self.store.may_fill(more);
        if fits {
            self.bytes.extend_from_slice(data);
        } else if let Some((fetching, _)) = self.purpose.take() {
            count(&self.store.numbers.unfinished);
            self.forget();
            fetching.land(Landed::NotStored);
        }
    }

    fn complete(&mut self) {
        if let Some((fetching, storing)) = self.purpose.take() {
            let bytes = std::mem::take(&mut self.bytes);
            self.store.filling.fetch_sub(bytes.len() as u64, Relaxed);
            fetching.store(storing, bytes.into_boxed_slice().into());
        }
    }

    fn broke_off(&mut self) {
        if let Some((fetching, _)) = self.purpose.take() {
            count(&self.store.numbers.unfinished);
            fetching.land(Landed::NotStored);
        }
    }

    fn forget(&mut self) {
        self.store.filling.fetch_sub(self.bytes.len() as u64, Relaxed);
        self.bytes = Vec::new();
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Queue {
    /// Ready with true once the client has read everything, with false if it is gone.
    fn poll_wanted(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.has_reader {
            return Poll::Ready(false);
        }
        if self.pieces.is_empty() {
            return Poll::Ready(true);
        }
        self.filler = Some(cx.waker().clone());
        Poll::Pending
    }

    fn push(&mut self, data: Bytes) {
        if self.has_reader && !data.is_empty() {
            self.pieces.push_back(data);
            self.wake_reader();
        }
    }

    fn end(&mut self, how: Result<(), BodyError>) {
        self.ended = Some(how);
        self.wake_reader();
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_filler(&mut self) {
        if let Some(filler) = self.filler.take() {
            filler.wake();
        }
    }
}

impl FillingBody {
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut queue = self.queue.borrow_mut();
        if let Some(piece) = queue.pieces.pop_front() {
            if queue.pieces.is_empty() {
                queue.wake_filler();
            }
            self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match queue.ended {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => {
                queue.ended = Some(Ok(()));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                queue.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        let queue = self.queue.borrow();
        queue.pieces.is_empty() && queue.ended == Some(Ok(()))
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for FillingBody {
    fn drop(&mut self) {
        let mut queue = self.queue.borrow_mut();
        queue.has_reader = false;
        queue.pieces.clear();
        queue.wake_filler();
    }
}
