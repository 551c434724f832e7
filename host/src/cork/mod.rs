//! Short writes of several connections, done one after the other where a worker is busy.
//!
//! A write to a socket wakes up who reads it. Where that one slept on another processor of this machine, waking it
//! costs the writer some microseconds, a fifth of what a small request costs in all; the next write, a moment
//! later, finds it awake. So what a busy worker has to write is held until it has gone through all that is ready,
//! or holds enough. A worker that is not busy holds nothing: there it is better that both ends work at the same time.
//!
//! Absent on purpose: a flush that waits. What was written goes out by itself, before the worker waits and
//! before a plugin computes that has computed for long.

mod socket;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use socket::Socket;
pub(crate) use socket::{Writer, corked};

/// Bytes of one connection that are held at the most. Longer writes go out at once, and are not copied.
const SHORT: usize = 8 << 10;

/// Connections that something is held for, at the most. With half as many a request costs a few percent more,
/// with twice as many it costs the same.
const GROUP: usize = 32;

/// Short writes between two waits that make a worker busy. With 16 clients a worker mostly has fewer, and holding
/// them back would gain nothing.
const BUSY: usize = 16;

thread_local! {
    static ROUND: Round = Round::default();
}

/// What this thread has written since it last waited.
#[derive(Debug, Default)]
struct Round {
    short_writes: Cell<usize>,
    /// Whether the last round had many of them.
    is_busy: Cell<bool>,
    held: RefCell<Vec<Rc<Socket>>>,
    /// Empty buffers, at most [`GROUP`] of them.
    spare: RefCell<Vec<Vec<u8>>>,
    /// The task of [`keep_flushing`]. Without it nothing is held.
    flusher: RefCell<Option<Waker>>,
}

/// Ends a round: to be called whenever this thread is about to wait.
pub(crate) fn end_round() {
    ROUND.with(|round| round.is_busy.set(round.short_writes.replace(0) >= BUSY));
    flush();
}

/// Writes what is held on this thread, as far as that can be done without waiting.
pub(crate) fn flush() {
    ROUND.with(|round| {
        let mut held = round.held.take();
        for socket in held.drain(..) {
            socket.write_held();
        }
        // Nothing is held meanwhile; put back, the list needs no new memory.
        round.held.replace(held);
    });
}

/// Flushes whenever something is held, after all tasks that were ready then: where there are always some,
/// the thread never waits.
pub(crate) async fn keep_flushing() {
    poll_fn(|cx| {
        ROUND.with(|round| round.flusher.replace(Some(cx.waker().clone())));
        flush();
        Poll::<()>::Pending
    })
    .await;
}

/// Makes this thread a busy one, on which nobody flushes but the test.
#[cfg(test)]
pub(crate) fn hold_here() {
    ROUND.with(|round| {
        round.flusher.replace(Some(Waker::noop().clone()));
        round.short_writes.set(BUSY);
    });
    end_round();
}

#[cfg(test)]
pub(crate) fn hold_nothing_here() {
    ROUND.with(|round| round.flusher.take());
}

impl Round {
    /// Counts a short write, and says whether it may be held.
    fn may_hold(&self) -> bool {
        self.short_writes.set(self.short_writes.get() + 1);
        self.is_busy.get() && self.flusher.borrow().is_some()
    }

    /// Remembers that a socket holds something.
    fn hold(&self, socket: &Rc<Socket>) {
        self.held.borrow_mut().push(Rc::clone(socket));
        let count = self.held.borrow().len();
        if count >= GROUP {
            flush();
        } else if count == 1
            && let Some(flusher) = &*self.flusher.borrow()
        {
            flusher.wake_by_ref();
        }
    }

    fn buffer(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a buffer back: idle connections keep none.
    fn recycle(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare.borrow_mut();
        if (1..=SHORT).contains(&buffer.capacity()) && spare.len() < GROUP {
            buffer.clear();
            spare.push(buffer);
        }
    }
}
