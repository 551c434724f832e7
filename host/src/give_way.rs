//! Letting the worker do what else is ready, and look at its sockets, before a task goes on.
//!
//! tokio's `yield_now` is over once it is polled again. That is too soon in a body or on a socket of hyper's,
//! which polls both more than once in one poll of its task; so this is over once its waker was called.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::task::yield_now;

/// Bytes that a connection may send, or receive, before it gives way. The kernel copies as many in some 50
/// microseconds; looking at the sockets takes one or two.
pub(crate) const SHARE: usize = 256 << 10;
/// What may go over it, for the heads of bodies that are as large as a share: otherwise their last bytes
/// would wait, and take a system call of their own.
const HEADS: usize = 16 << 10;

/// Goes on after the worker has looked at its sockets.
pub(crate) async fn give_way() {
    let mut giving_way = GivingWay::default();
    poll_fn(|cx| giving_way.poll(cx)).await;
}

#[derive(Debug, Default)]
struct GivingWay(Option<Arc<Woken>>);

#[derive(Debug)]
struct Woken {
    task: Waker,
    is_woken: AtomicBool,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Relaxed);
        self.task.wake_by_ref();
    }
}

impl GivingWay {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.0 {
            Some(woken) if woken.is_woken.load(Relaxed) => {
                self.0 = None;
                return Poll::Ready(());
            }
            Some(woken) if woken.task.will_wake(cx.waker()) => return Poll::Pending,
            // Not begun, or another task has taken this over, which nobody would wake.
            Some(_) | None => {}
        }
        let woken = Arc::new(Woken { task: cx.waker().clone(), is_woken: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&woken));
        self.0 = Some(woken);
        // It hands the waker to the runtime, which calls it after a look at the sockets.
        pin!(yield_now()).poll(&mut Context::from_waker(&waker))
    }
}

/// What a connection may still send and receive before others are let go first.
#[derive(Debug, Default)]
pub(crate) struct Share {
    used: usize,
    giving_way: GivingWay,
}

impl Share {
    /// How many bytes, at least one.
    pub(crate) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if self.used >= SHARE {
            ready!(self.giving_way.poll(cx));
            self.used = 0;
        }
        Poll::Ready(SHARE + HEADS - self.used)
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    /// Nothing could be sent or received: others are let go in any case.
    pub(crate) fn renew(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asking_again_before_the_worker_has_looked_changes_nothing() {
        let mut giving_way = GivingWay::default();
        let asked = poll_fn(|cx| Poll::Ready([(); 3].map(|()| giving_way.poll(cx)))).await;
        assert_eq!(asked, [Poll::Pending; 3]);
        poll_fn(|cx| giving_way.poll(cx)).await;
    }

    #[tokio::test]
    async fn another_task_that_takes_it_over_is_woken() {
        let mut giving_way = GivingWay::default();
        assert!(giving_way.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::spawn(async move { poll_fn(|cx| giving_way.poll(cx)).await }).await.unwrap();
    }

    #[tokio::test]
    async fn who_has_used_its_share_gives_way_once() {
        let mut share = Share::default();
        for _ in 0..2 {
            assert_eq!(poll_fn(|cx| Poll::Ready(share.poll_left(cx))).await, Poll::Ready(SHARE + HEADS));
            share.spend(SHARE - 1);
            assert_eq!(poll_fn(|cx| Poll::Ready(share.poll_left(cx))).await, Poll::Ready(1 + HEADS));
            share.spend(1);
            assert_eq!(poll_fn(|cx| Poll::Ready(share.poll_left(cx))).await, Poll::Pending);
            poll_fn(|cx| share.poll_left(cx)).await;
        }
    }
}
