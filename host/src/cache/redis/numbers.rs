//! What the operator is told of Redis.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of all threads, touched only where something is fetched, stored or removed.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) removed: AtomicU64,
    pub(super) heard: AtomicU64,
    pending: AtomicU64,
}

/// The numbers at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    pub is_connected: bool,
    /// Lookups that found something, and that found nothing.
    pub hits: u64,
    pub misses: u64,
    /// Lookups nobody answered in time.
    pub late: u64,
    /// Lookups that ended with an error, or found what cannot be read.
    pub failed: u64,
    /// Lookups that were not made, because Redis was away or had too much to do.
    pub skipped: u64,
    pub stored: u64,
    /// Responses that were not written there, for the same reasons or an error.
    pub dropped: u64,
    /// Removals made here, and by others.
    pub removed: u64,
    pub heard: u64,
    /// Removals that wait for Redis to be there again.
    pub pending: u64,
}

impl Numbers {
    pub(super) fn set_pending(&self, count: usize) {
        self.pending.store(count as u64, Relaxed);
    }

    pub(super) fn sums(&self, is_connected: bool) -> Sums {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Sums {
            is_connected,
            hits: read(&self.hits),
            misses: read(&self.misses),
            late: read(&self.late),
            failed: read(&self.failed),
            skipped: read(&self.skipped),
            stored: read(&self.stored),
            dropped: read(&self.dropped),
            removed: read(&self.removed),
            heard: read(&self.heard),
            pending: read(&self.pending),
        }
    }
}
