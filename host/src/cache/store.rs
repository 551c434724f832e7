//! Where the responses of one plugin are: bounded in bytes, evicted by S3-FIFO.
//!
//! Reading takes a shard's lock for reading, for a few instructions. Writing is for fetches only.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use super::entry::{self, Entry, Head, Variants};
use super::flight::{Flights, Joined};
use super::numbers::{Numbers, Sums, count};
use super::purge::Purge;
use super::redis::Namespace;
use crate::config::model::PluginLimits;

/// Parts with a lock of their own. All that is stored under a key has to fit into one.
const SHARDS: usize = 8;
/// How much of a part one key may take. What is heavier than its hot part, 97 %, the cache throws away.
const MAX_PERCENT: u64 = 96;
/// A guess, for the memory of what was evicted lately.
const USUAL_BYTES: u64 = 16 << 10;
/// Slots for what was removed lately: a fetch that began before must not store. Another key's fetch that falls into
/// the same slot does not store either, so there are many.
const REMOVALS: usize = 16 << 10;

/// The responses of one plugin.
#[derive(Debug)]
pub struct Store {
    /// Made when something is stored for the first time: most plugins never do.
    kept: OnceLock<Kept>,
    flights: Arc<Flights>,
    pub(super) numbers: Numbers,
    max_bytes: AtomicU64,
    max_object: AtomicU64,
    max_waiting: AtomicUsize,
    /// Bytes of bodies that are being stored, which count as much again as the store at most.
    pub(super) filling: AtomicU64,
    writing: Mutex<()>,
    /// Counts removals. A fetch notes when it began.
    removals: AtomicU64,
    /// When a key that falls into this slot was removed last. Made with the first: most plugins remove nothing.
    removed: OnceLock<Box<[AtomicU64]>>,
    purged: AtomicU64,
    hasher: RandomState,
    /// Where other gateways find what is stored here; empty where nothing is shared.
    shared: OnceLock<Namespace>,
}

type Kept = Cache<Arc<str>, Arc<Variants>, Weight, DefaultHashBuilder, Evictions>;

impl Default for Store {
    fn default() -> Self {
        Self {
            kept: OnceLock::new(),
            flights: Arc::default(),
            numbers: Numbers::default(),
            max_bytes: AtomicU64::new(0),
            max_object: AtomicU64::new(0),
            max_waiting: AtomicUsize::new(0),
            filling: AtomicU64::new(0),
            writing: Mutex::default(),
            removals: AtomicU64::new(0),
            removed: OnceLock::new(),
            purged: AtomicU64::new(0),
            hasher: RandomState::new(),
            shared: OnceLock::new(),
        }
    }
}

impl Store {
    pub fn set_limits(&self, limits: &PluginLimits) {
        let bytes = limits.cache_bytes as u64;
        self.max_bytes.store(bytes, Relaxed);
        self.max_object.store(limits.cache_object as u64, Relaxed);
        self.max_waiting.store(limits.cache_waiting, Relaxed);
        if let Some(kept) = self.kept.get() {
            kept.set_capacity(bytes);
        }
    }

    /// From now on other gateways find what is stored here. Once and for all.
    pub fn share(&self, shared: Namespace) {
        // It was shared before: the same process has the same Redis.
        let _ = self.shared.set(shared);
    }

    /// What other gateways share, if anything is shared.
    pub fn shared(&self) -> Option<&Namespace> {
        self.shared.get()
    }

    /// Largest body, in bytes, that can be stored with all the rest of a response.
    pub fn max_body(&self, key: &str, head: &Head, kept: &entry::Kept) -> u64 {
        let room = self.max_under(key).saturating_sub(Variants::beside_the_body(head, kept));
        room.min(self.max_object.load(Relaxed))
    }

    /// Most bytes of what is stored under a key.
    fn max_under(&self, key: &str) -> u64 {
        (self.max_bytes.load(Relaxed) / SHARDS as u64 / 100 * MAX_PERCENT).saturating_sub(key.len() as u64)
    }

    /// Counts a use of what is stored under a key: what is used least goes first.
    pub fn touch(&self, key: &str) {
        if let Some(kept) = self.kept.get() {
            kept.get(key);
        }
    }

    /// All that is stored under a key, as long as it is.
    pub fn variants(&self, key: &str) -> Option<Arc<Variants>> {
        self.kept.get()?.peek(key)
    }

    /// What is stored under a key, the newest first.
    pub fn lookup(&self, key: &str) -> Vec<Arc<Entry>> {
        let Some(found) = self.kept.get().and_then(|kept| kept.get(key)) else { return Vec::new() };
        let now = Instant::now();
        found.entries.iter().filter(|entry| entry.is_kept(now)).cloned().collect()
    }

    /// Whether there is something under a key that is not among these.
    pub fn has_more_than(&self, known: &[Arc<Entry>], key: &str) -> bool {
        self.lookup(key).iter().any(|entry| known.iter().all(|known| known.id != entry.id))
    }

    /// Leads the fetch of a key, or follows who does.
    pub fn join(&self, key: &Arc<str>) -> Joined {
        if self.is_apart(key) {
            return Joined::Alone;
        }
        self.flights.join(key, self.max_waiting.load(Relaxed))
    }

    fn is_apart(&self, key: &str) -> bool {
        let until = self.kept.get().and_then(|kept| kept.peek(key)).and_then(|found| found.apart_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// For a while nobody waits for somebody else to fetch this key.
    pub fn set_apart(&self, key: &Arc<str>, wait: Duration) {
        if !wait.is_zero() {
            let until = Instant::now().checked_add(wait);
            self.write(key, |found| Some(found.apart(until)));
        }
    }

    /// The moment, in removals, for [`Self::insert`].
    pub fn moment(&self) -> u64 {
        self.removals.load(Relaxed)
    }

    /// Stores an entry, unless its key was removed since `began`. True if it was stored.
    pub(super) fn insert(&self, key: &Arc<str>, began: u64, entry: &Arc<Entry>) -> bool {
        let stays = self.write_if_current(key, began, |found| Some(found.with(Arc::clone(entry))));
        if stays {
            count(&self.numbers.stored);
            if let Some(shared) = self.shared() {
                shared.store(key, entry);
            }
        }
        stays
    }

    /// Asks for what other gateways have stored under a key. True if there is now something that was
    /// not there before, or something later than what was.
    pub async fn bring(&self, key: &Arc<str>, deadline: Instant) -> bool {
        let Some(shared) = self.shared().filter(|_| !self.is_apart(key)) else { return false };
        let began = self.moment();
        let found = shared.lookup(key, deadline).await;
        let mut has_come = false;
        let max_object = self.max_object.load(Relaxed);
        for entry in found.into_iter().filter(|entry| entry.body.len() as u64 <= max_object) {
            has_come |= self.write_if_current(key, began, |found| found.lacks(&entry).then(|| found.with(entry)));
        }
        has_come
    }

    /// As `insert`, for what takes an earlier one's place.
    pub(super) fn refresh(&self, key: &Arc<str>, began: u64, newer: Arc<Entry>) -> Arc<Entry> {
        if self.is_current(key, began) {
            self.write(key, |found| Some(found.with(Arc::clone(&newer))));
            count(&self.numbers.refreshed);
            if let Some(shared) = self.shared() {
                shared.store(key, &newer);
            }
        }
        newer
    }

    fn is_current(&self, key: &str, began: u64) -> bool {
        let removed = self.removed.get().map_or(0, |removed| removed[self.slot(key)].load(Relaxed));
        removed <= began && self.purged.load(Relaxed) <= began
    }

    /// Removes a key here and wherever it is shared, and keeps what is being fetched from being
    /// stored. True if it was here.
    pub fn remove(&self, key: &str) -> bool {
        let was_here = self.forget(key);
        if let Some(shared) = self.shared() {
            shared.remove(key);
        }
        was_here
    }

    /// The same, here alone: another gateway has removed it.
    pub fn forget(&self, key: &str) -> bool {
        let moment = self.removals.fetch_add(1, Relaxed) + 1;
        let removed = self.removed.get_or_init(|| (0..REMOVALS).map(|_| AtomicU64::new(0)).collect());
        removed[self.slot(key)].store(moment, Relaxed);
        let removed = self.kept.get().and_then(|kept| kept.remove(key));
        let was_there = removed.is_some_and(|(_, variants)| !variants.entries.is_empty());
        if was_there {
            count(&self.numbers.removed);
        }
        was_there
    }

    /// Removes all that fits here, and returns how many keys that were. Looks at everything that is
    /// stored: not for a worker.
    pub fn purge(&self, what: Purge<'_>) -> u64 {
        let moment = self.removals.fetch_add(1, Relaxed) + 1;
        self.purged.store(moment, Relaxed);
        let Some(kept) = self.kept.get() else { return 0 };
        let removed = AtomicU64::new(0);
        kept.retain(|key, variants| {
            let goes = what.fits(key, variants);
            if goes && !variants.entries.is_empty() {
                count(&removed);
            }
            !goes
        });
        let removed = removed.into_inner();
        self.numbers.removed.fetch_add(removed, Relaxed);
        removed
    }

    pub fn numbers(&self) -> Sums {
        let (entries, bytes) = self.kept.get().map_or((0, 0), |kept| (kept.len() as u64, kept.weight()));
        let numbers = &self.numbers;
        Sums {
            entries,
            bytes,
            stored: numbers.stored.load(Relaxed),
            refreshed: numbers.refreshed.load(Relaxed),
            unfinished: numbers.unfinished.load(Relaxed),
            coalesced: numbers.coalesced.load(Relaxed),
            gave_up_waiting: numbers.gave_up_waiting.load(Relaxed),
            waiting: self.flights.waiting() as u64,
            removed: numbers.removed.load(Relaxed),
            evicted: numbers.evicted.load(Relaxed),
        }
    }

    pub fn count_coalesced(&self) {
        count(&self.numbers.coalesced);
    }

    pub fn count_gave_up_waiting(&self) {
        count(&self.numbers.gave_up_waiting);
    }

    /// Room for so many more bytes of a body that is being stored.
    pub(super) fn may_fill(&self, more: u64) -> bool {
        let filling = self.filling.fetch_add(more, Relaxed) + more;
        if filling > self.max_bytes.load(Relaxed) {
            self.filling.fetch_sub(more, Relaxed);
            return false;
        }
        true
    }

    /// As `write`, unless the key was removed since `began`. True if something was written and stays.
    fn write_if_current(&self, key: &Arc<str>, began: u64, change: impl FnOnce(&Variants) -> Option<Variants>) -> bool {
        if !self.is_current(key, began) || !self.write(key, change) {
            return false;
        }
        // It may have been removed just now, before it was there.
        let is_current = self.is_current(key, began);
        if !is_current {
            self.kept.get().and_then(|kept| kept.remove(key));
        }
        is_current
    }

    /// Two fetches of one key that end at the same time must not lose one another's variant. True if
    /// there was something to change, and it fits.
    fn write(&self, key: &Arc<str>, change: impl FnOnce(&Variants) -> Option<Variants>) -> bool {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept.get_or_init(|| self.open());
        let changed = change(&kept.peek(key).unwrap_or_default());
        let changed = changed.and_then(|changed| changed.within(self.max_under(key)));
        let has_changed = changed.is_some();
        if let Some(changed) = changed {
            kept.insert(Arc::clone(key), Arc::new(changed));
        }
        has_changed
    }

    fn open(&self) -> Kept {
        let bytes = self.max_bytes.load(Relaxed);
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(usize::MAX).max(SHARDS * 32);
        let evictions = Evictions(Arc::clone(&self.numbers.evicted));
        let mut options = OptionsBuilder::new();
        options.shards(SHARDS).estimated_items_capacity(items).weight_capacity(bytes);
        match options.build() {
            Ok(options) => Cache::with_options(options, Weight, DefaultHashBuilder::default(), evictions),
            // Only a missing option is an error.
            Err(_) => Cache::with(items, bytes, Weight, DefaultHashBuilder::default(), evictions),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "only the low bits choose the slot")]
    fn slot(&self, key: &str) -> usize {
        self.hasher.hash_one(key) as usize % REMOVALS
    }
}

/// Bytes, keys included.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Arc<str>, Arc<Variants>> for Weight {
    fn weight(&self, key: &Arc<str>, variants: &Arc<Variants>) -> u64 {
        key.len() as u64 + variants.bytes
    }
}

/// Counts what had to go.
#[derive(Debug, Clone)]
struct Evictions(Arc<AtomicU64>);

impl Lifecycle<Arc<str>, Arc<Variants>> for Evictions {
    type RequestState = ();

    fn begin_request(&self) -> Self::RequestState {}

    fn on_evict(&self, (): &mut (), _key: Arc<str>, _variants: Arc<Variants>) {
        count(&self.0);
    }
}

#[cfg(test)]
mod tests;
