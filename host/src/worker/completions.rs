//! Exchanges that are over and whose plugins have yet to be told: `on-complete`.
//!
//! They are noted where an exchange ends, which may be within a drop, and told by a task of their own,
//! so that no client waits for them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

use crate::chain::{self, Follower};
use crate::context::Context;
use crate::plugin::bindings::exports::tollgate::plugin::completion::Completed;

/// Those of a worker. Bounded by each plugin's `limits.completions`: a [`Follower`] has a place there.
#[derive(Debug, Default)]
pub struct Completions {
    queue: RefCell<VecDeque<Completion>>,
    news: Notify,
    /// Those in the queue and those being told.
    open: Cell<usize>,
}

/// One of them.
#[derive(Debug)]
pub struct Completion {
    pub followers: Vec<Follower>,
    pub context: Box<Context>,
    pub completed: Completed,
}

impl Completions {
    pub fn push(&self, completion: Completion) {
        self.open.set(self.open.get() + 1);
        self.queue.borrow_mut().push_back(completion);
        self.news.notify_one();
    }

    /// How many have yet to be told: a worker that stops waits for them.
    pub fn open(&self) -> usize {
        self.open.get()
    }

    /// Runs as long as the worker.
    pub(super) async fn tell(self: Rc<Self>) {
        loop {
            self.news.notified().await;
            while let Some(next) = self.next() {
                let completions = Rc::clone(&self);
                // Beside each other: one plugin's slow hook holds up no other exchange.
                tokio::task::spawn_local(async move {
                    chain::tell(next.followers, next.context, &next.completed).await;
                    completions.open.set(completions.open.get().saturating_sub(1));
                });
            }
        }
    }

    fn next(&self) -> Option<Completion> {
        self.queue.borrow_mut().pop_front()
    }
}
