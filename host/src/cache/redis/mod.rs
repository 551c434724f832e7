//! What gateways share of the cache: a copy in Redis of what each has stored in memory.
//!
//! A fetch asks Redis before the upstream, so that what one gateway has fetched no other fetches; a
//! hit in memory never does. What is stored is written there behind the response's back. What is
//! removed at one gateway is removed in Redis and, through a stream all gateways read, from the
//! memory of the others.
//!
//! Nothing depends on Redis: where it is away, slow or full, each gateway is a cache of its own, and
//! what it removes meanwhile is made good before Redis is asked again. Absent on purpose: Redis
//! Cluster, reading along with a body another gateway still fetches, and coalescing between gateways.

mod commands;
mod connect;
mod keeper;
mod listen;
mod names;
mod numbers;
mod pending;
mod record;
mod removal;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::entry::Entry;
use super::numbers::count;
use super::purge::Purge;
use crate::config::model::{Outbound, SharedCache};
pub use keeper::Keeper;
use names::Names;
use numbers::Numbers;
pub use numbers::Sums;
#[cfg(fuzzing)]
pub(crate) use record::read as read_record;
pub use removal::{Removal, What};

/// Most things to do for Redis that wait. What is stored beyond that is not written there; what is
/// looked up is taken for not found.
const MAX_JOBS: usize = 4096;
/// Most bytes of bodies that wait to be written.
const MAX_WAITING_BYTES: u64 = 32 << 20;

/// One plugin's part of what is in Redis.
#[derive(Debug, Clone)]
pub struct Namespace {
    shared: Arc<Shared>,
    plugin: Arc<str>,
}

/// The workers' end of the thread that talks with Redis.
#[derive(Debug)]
pub struct Shared {
    jobs: mpsc::Sender<Job>,
    state: Arc<State>,
    settings: SharedCache,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// So many keys are gone from Redis.
    Keys(u64),
    /// Redis is away; it is removed before anything is read from there again.
    Later,
}

/// What both ends know.
#[derive(Debug, Default)]
struct State {
    is_connected: AtomicBool,
    /// A removal found no room in the queue: nothing there can be trusted.
    has_lost_removals: AtomicBool,
    /// Bytes of bodies that wait to be written.
    waiting: AtomicU64,
    numbers: Numbers,
}

#[derive(Debug)]
enum Job {
    Lookup { plugin: Arc<str>, key: Arc<str>, found: oneshot::Sender<Vec<Arc<Entry>>> },
    Store { plugin: Arc<str>, key: Arc<str>, entry: Arc<Entry>, room: Room },
    Remove { removal: Removal, removed: Option<oneshot::Sender<Removed>> },
}

/// A body's place among those that wait, given back when this is dropped.
#[derive(Debug)]
struct Room {
    state: Arc<State>,
    bytes: u64,
}

impl Shared {
    /// Starts the thread. Whether Redis is there shows later: a gateway starts without it.
    ///
    /// `apply` is told what other gateways removed.
    ///
    /// # Errors
    /// If the machine has no thread, or the authorities of `outbound` cannot be used for Redis.
    pub fn start(
        settings: &SharedCache,
        outbound: &Outbound,
        apply: impl Fn(&Removal) + 'static + Send,
    ) -> Result<(Arc<Self>, Keeper), String> {
        let client = connect::client(&settings.redis, outbound)?;
        let (jobs, to_do) = mpsc::channel(MAX_JOBS);
        let state = Arc::new(State::default());
        let names = Names::new(&settings.prefix);
        let keeper =
            Keeper::start(client, names, Arc::clone(&state), to_do, apply).map_err(|error| error.to_string())?;
        Ok((Arc::new(Self { jobs, state, settings: settings.clone() }), keeper))
    }

    pub fn namespace(self: &Arc<Self>, plugin: &str) -> Namespace {
        Namespace { shared: Arc::clone(self), plugin: plugin.into() }
    }

    pub fn sums(&self) -> Sums {
        self.state.numbers.sums(self.state.is_connected())
    }

    fn remove(&self, removal: Removal, removed: Option<oneshot::Sender<Removed>>) {
        if self.jobs.try_send(Job::Remove { removal, removed }).is_err() {
            self.state.has_lost_removals.store(true, Relaxed);
        }
    }
}

impl Removed {
    /// Of two removals.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Keys(some), Self::Keys(more)) => Self::Keys(some + more),
            _ => Self::Later,
        }
    }
}

impl Namespace {
    /// What other gateways stored under a key, the oldest first. Empty where Redis does not tell in
    /// time.
    pub(super) async fn lookup(&self, key: &Arc<str>, deadline: Instant) -> Vec<Arc<Entry>> {
        let Shared { jobs, state, settings } = &*self.shared;
        let (found, answer) = oneshot::channel();
        let job = Job::Lookup { plugin: Arc::clone(&self.plugin), key: Arc::clone(key), found };
        if !state.is_connected() || jobs.try_send(job).is_err() {
            count(&state.numbers.skipped);
            return Vec::new();
        }
        let until = deadline.min(Instant::now() + settings.timeout);
        match tokio::time::timeout_at(until.into(), answer).await {
            Ok(Ok(found)) => {
                count(if found.is_empty() { &state.numbers.misses } else { &state.numbers.hits });
                found
            }
            Ok(Err(_)) => {
                count(&state.numbers.failed);
                Vec::new()
            }
            Err(_) => {
                count(&state.numbers.late);
                Vec::new()
            }
        }
    }

    /// Has it written, some time.
    pub(super) fn store(&self, key: &Arc<str>, entry: &Arc<Entry>) {
        let Shared { jobs, state, settings } = &*self.shared;
        if entry.body.len() > settings.object {
            return;
        }
        let room = state.is_connected().then(|| Room::take(state, entry.body.len() as u64)).flatten();
        let Some(room) = room else { return count(&state.numbers.dropped) };
        let (plugin, key, entry) = (Arc::clone(&self.plugin), Arc::clone(key), Arc::clone(entry));
        if jobs.try_send(Job::Store { plugin, key, entry, room }).is_err() {
            count(&state.numbers.dropped);
        }
    }

    /// Has a key removed, there and from the memory of the others.
    pub(super) fn remove(&self, key: &str) {
        self.shared.remove(Removal::of(&self.plugin, What::Key(key.to_owned())), None);
    }

    /// Removes what fits, there and from the memory of the others.
    pub async fn purge(&self, what: Purge<'_>) -> Removed {
        let (removed, answer) = oneshot::channel();
        self.shared.remove(Removal::of(&self.plugin, what.into()), Some(removed));
        answer.await.unwrap_or(Removed::Later)
    }

    pub fn sums(&self) -> Sums {
        self.shared.sums()
    }
}

impl State {
    fn is_connected(&self) -> bool {
        self.is_connected.load(Relaxed)
    }
}

impl Room {
    fn take(state: &Arc<State>, bytes: u64) -> Option<Self> {
        let room = Self { state: Arc::clone(state), bytes };
        let waiting = state.waiting.fetch_add(bytes, Relaxed) + bytes;
        (waiting <= MAX_WAITING_BYTES).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.state.waiting.fetch_sub(self.bytes, Relaxed);
    }
}
