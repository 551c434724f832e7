//! The open connections of a worker, so that they can be told when it drains.
//!
//! Each could watch a channel instead, but would then look at it whenever its socket has news.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Waker};

#[derive(Debug, Default)]
pub struct Connections {
    is_draining: Cell<bool>,
    /// Who is to be woken, by the connection's number.
    wakers: RefCell<HashMap<u64, Slot>>,
    last: Cell<u64>,
}

type Slot = Rc<RefCell<Option<Waker>>>;

/// One of them, for as long as it is open.
#[derive(Debug)]
pub struct OpenConnection<'a> {
    connections: &'a Connections,
    number: u64,
    waker: Slot,
}

impl Connections {
    pub fn open(&self) -> OpenConnection<'_> {
        let number = self.last.get() + 1;
        self.last.set(number);
        let waker = Slot::default();
        self.wakers.borrow_mut().insert(number, Rc::clone(&waker));
        OpenConnection { connections: self, number, waker }
    }

    /// Lets each know that the answer under way is its last one.
    pub fn drain(&self) {
        self.is_draining.set(true);
        for waker in self.wakers.borrow().values() {
            if let Some(waker) = &*waker.borrow() {
                waker.wake_by_ref();
            }
        }
    }
}

impl OpenConnection<'_> {
    /// Whether the worker drains. The task is woken when it begins to.
    pub fn is_draining(&self, cx: &Context<'_>) -> bool {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        self.connections.is_draining.get()
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.connections.wakers.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_connection_is_woken_when_draining_begins_and_forgotten_when_it_is_closed() {
        let connections = Connections::default();
        let open = connections.open();
        let told = poll_fn(|cx| if open.is_draining(cx) { Poll::Ready(()) } else { Poll::Pending });
        let drain = async { connections.drain() };
        let both = async { tokio::join!(told, drain) };
        tokio::time::timeout(Duration::from_secs(5), both).await.expect("nobody was woken");
        drop(open);
        assert!(connections.wakers.borrow().is_empty());
    }
}
