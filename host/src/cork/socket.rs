//! A socket whose short writes can be held.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncWrite, Join, join};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{ROUND, Round, SHORT};

/// The end that is written. Dropped, it still sends what is held, and then tells the other side that nothing
/// more comes.
#[derive(Debug)]
pub(crate) struct Writer(Rc<Socket>);

/// What a [`Writer`] and the round share.
#[derive(Debug)]
pub(super) struct Socket {
    half: RefCell<OwnedWriteHalf>,
    /// What was written, and the kernel does not have yet.
    rest: RefCell<Vec<u8>>,
    /// The rest is held. Otherwise the kernel would not take it when it was offered.
    is_held: Cell<bool>,
    /// Who wrote it waits for it to be written.
    is_awaited: Cell<bool>,
    /// Why what was held could not be written, and how much it was, until the writer is told.
    refused: RefCell<Option<io::Error>>,
    lost: Cell<usize>,
    /// Who wrote last, and is woken where the kernel does not take all.
    task: RefCell<Option<Waker>>,
}

/// Both ends of one.
pub(crate) fn corked(stream: TcpStream) -> Join<OwnedReadHalf, Writer> {
    let (reader, writer) = stream.into_split();
    join(reader, Writer::new(writer))
}

impl Writer {
    pub(crate) fn new(half: OwnedWriteHalf) -> Self {
        Self(Rc::new(Socket {
            half: RefCell::new(half),
            rest: RefCell::default(),
            is_held: Cell::default(),
            is_awaited: Cell::default(),
            refused: RefCell::default(),
            lost: Cell::default(),
            task: RefCell::default(),
        }))
    }

    /// Takes back what the kernel does not have. How many bytes that are, with those it refused before.
    pub(crate) fn take_back(&self) -> usize {
        self.0.is_held.set(false);
        let mut rest = self.0.rest.borrow_mut();
        let count = rest.len() + self.0.lost.take();
        recycle(&mut rest);
        count
    }

    /// Whether the kernel has not taken something it was offered. Whoever writes is to see that it is flushed.
    pub(crate) fn is_stuck(&self) -> bool {
        !self.0.is_held.get() && !self.0.rest.borrow().is_empty()
    }
}

impl Socket {
    fn hold(self: &Rc<Self>, round: &Round, cx: &Context<'_>, slices: &[IoSlice<'_>]) {
        {
            let mut rest = self.rest.borrow_mut();
            if rest.capacity() == 0 {
                *rest = round.buffer();
            }
            for slice in slices {
                rest.extend_from_slice(slice);
            }
        }
        self.remember(cx);
        if !self.is_held.replace(true) {
            round.hold(self);
        }
    }

    fn remember(&self, cx: &Context<'_>) {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
        }
    }

    fn await_held(&self, cx: &Context<'_>) {
        self.is_awaited.set(true);
        self.remember(cx);
    }

    /// Without waiting. Who wrote it is woken where the kernel does not take all.
    pub(super) fn write_held(&self) {
        if !self.is_held.replace(false) {
            return;
        }
        let mut rest = self.rest.borrow_mut();
        match self.half.borrow().try_write(&rest) {
            Ok(count) if count == rest.len() => {
                recycle(&mut rest);
                if !self.is_awaited.replace(false) {
                    return;
                }
            }
            Ok(count) => drop(rest.drain(..count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                self.lost.set(rest.len());
                self.refused.replace(Some(error));
                recycle(&mut rest);
            }
        }
        if let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }

    /// Until the kernel has taken what it did not take before. What is held is left to the round.
    fn poll_unstuck(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = self.refused.take() {
            return Poll::Ready(Err(error));
        }
        if self.is_held.get() { Poll::Ready(Ok(())) } else { self.poll_rest(cx) }
    }

    /// Until the kernel has all.
    fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_held.set(false);
        let mut rest = self.rest.borrow_mut();
        while !rest.is_empty() {
            let count = ready!(Pin::new(&mut *self.half.borrow_mut()).poll_write(cx, &rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.drain(..count);
        }
        recycle(&mut rest);
        Poll::Ready(Ok(()))
    }
}

fn recycle(rest: &mut Vec<u8>) {
    if rest.capacity() > 0 {
        ROUND.with(|round| round.recycle(std::mem::take(rest)));
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = &self.0;
        ready!(socket.poll_unstuck(cx))?;
        let length = slices.iter().map(|slice| slice.len()).sum::<usize>();
        let is_held = length <= SHORT
            && ROUND.with(|round| {
                let holds = round.may_hold() && socket.rest.borrow().len() + length <= SHORT;
                if holds {
                    socket.hold(round, cx, slices);
                }
                holds
            });
        if is_held {
            return Poll::Ready(Ok(length));
        }
        // In the order they were written in.
        ready!(socket.poll_rest(cx))?;
        Pin::new(&mut *socket.half.borrow_mut()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Until nothing is left that the kernel did not take; what is held may still be.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_unstuck(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.0.poll_unstuck(cx))?;
        // What is held goes out with that of other connections here, too.
        if self.0.is_held.get() {
            self.0.await_held(cx);
            return Poll::Pending;
        }
        Pin::new(&mut *self.0.half.borrow_mut()).poll_shutdown(cx)
    }
}
