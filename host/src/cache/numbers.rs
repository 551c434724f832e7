//! What the operator is told of a plugin's store. How many were served and fetched is counted with
//! the hooks' verdicts, by each worker for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters all workers write, and only where something is fetched: a hit touches none of them.
#[derive(Debug, Default)]
pub struct Numbers {
    pub(super) stored: AtomicU64,
    pub(super) refreshed: AtomicU64,
    pub(super) unfinished: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) gave_up_waiting: AtomicU64,
    pub(super) removed: AtomicU64,
    pub(super) evicted: Arc<AtomicU64>,
}

/// The numbers at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// Keys.
    pub entries: u64,
    pub bytes: u64,
    pub stored: u64,
    pub refreshed: u64,
    /// Bodies that broke off or were too long.
    pub unfinished: u64,
    /// Requests that waited for somebody else's fetch and were served by it.
    pub coalesced: u64,
    /// Requests that went on by themselves after waiting in vain.
    pub gave_up_waiting: u64,
    /// Requests that wait now.
    pub waiting: u64,
    /// Keys removed by plugins and operators.
    pub removed: u64,
    pub evicted: u64,
}

impl Sums {
    /// Whether there is anything to tell.
    pub fn is_used(&self) -> bool {
        self.entries + self.stored + self.unfinished + self.coalesced + self.gave_up_waiting + self.waiting > 0
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
