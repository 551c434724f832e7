//! How many `on-complete` hooks of a plugin may wait on a worker, and how many may run.
//!
//! No client waits for them, so they must take nothing from the hooks that clients do wait for: not
//! more than half of the instances, and a bounded share of the memory.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::model::PluginLimits;

/// One for each plugin and worker.
#[derive(Debug)]
pub struct Completing {
    /// Those that have yet to end.
    open: Cell<usize>,
    most: usize,
    turns: Semaphore,
}

impl Completing {
    pub(super) fn new(limits: &PluginLimits) -> Self {
        let at_once = (limits.instances / 2).clamp(1, Semaphore::MAX_PERMITS);
        Self { open: Cell::new(0), most: limits.completions, turns: Semaphore::new(at_once) }
    }

    /// Takes a place among those that wait; false where `limits.completions` do already.
    pub fn enter(&self) -> bool {
        let is_room = self.open.get() < self.most;
        if is_room {
            self.open.set(self.open.get() + 1);
        }
        is_room
    }

    /// Gives the place back.
    pub fn leave(&self) {
        self.open.set(self.open.get().saturating_sub(1));
    }

    /// Waits until one more may run.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }
}
