//! What the operator is told of Redis.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of all threads, touched only where something is fetched, stored or removed.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    hits: AtomicU64,
    misses: AtomicU64,
    late: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    stored: AtomicU64,
    dropped: AtomicU64,
    removed: AtomicU64,
    heard: AtomicU64,
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
    pub(super) fn answered(&self, found: bool) {
        add(if found { &self.hits } else { &self.misses });
    }

    pub(super) fn late(&self) {
        add(&self.late);
    }

    pub(super) fn failed(&self) {
        add(&self.failed);
    }

    pub(super) fn skipped(&self) {
        add(&self.skipped);
    }

    pub(super) fn stored(&self) {
        add(&self.stored);
    }

    pub(super) fn dropped(&self) {
        add(&self.dropped);
    }

    pub(super) fn removed(&self) {
        add(&self.removed);
    }

    pub(super) fn heard(&self) {
        add(&self.heard);
    }

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

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
