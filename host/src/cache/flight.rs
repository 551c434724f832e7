//! Fetches under way: the first request for a key leads, the others wait for it.
//!
//! A leader that is dropped was given up before there was an answer, as where its client has hung up: nobody has
//! to tell those who wait.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

const SHARDS: usize = 32;

/// The fetches under way of one store.
#[derive(Debug)]
pub(super) struct Flights {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    last: AtomicU64,
    waiting: AtomicUsize,
}

type Shard = HashMap<Arc<str>, Flight>;

#[derive(Debug)]
struct Flight {
    number: u64,
    landed: watch::Receiver<Option<Landed>>,
}

/// How a fetch ended that was not given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landed {
    Stored,
    /// There is nothing for others: it failed, or is for one alone.
    NotStored,
}

/// What a request that wants to fetch is.
#[derive(Debug)]
pub enum Joined {
    Leader(Leading),
    Follower(Following),
    /// Nobody waits for this key, or too many do already.
    Alone,
}

/// The right, and the duty, to fetch a key for all.
#[derive(Debug)]
pub struct Leading {
    flights: Arc<Flights>,
    key: Arc<str>,
    number: u64,
    landed: watch::Sender<Option<Landed>>,
}

/// A place among those who wait.
#[derive(Debug)]
pub struct Following {
    flights: Arc<Flights>,
    landed: watch::Receiver<Option<Landed>>,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            last: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Flights {
    pub(super) fn join(self: &Arc<Self>, key: &Arc<str>, max_waiting: usize) -> Joined {
        let mut shard = self.shard(key);
        if let Some(flight) = shard.get(key) {
            if self.waiting.load(Relaxed) >= max_waiting {
                return Joined::Alone;
            }
            self.waiting.fetch_add(1, Relaxed);
            return Joined::Follower(Following { flights: Arc::clone(self), landed: flight.landed.clone() });
        }
        let (sender, landed) = watch::channel(None);
        let number = self.last.fetch_add(1, Relaxed);
        shard.insert(Arc::clone(key), Flight { number, landed });
        Joined::Leader(Leading { flights: Arc::clone(self), key: Arc::clone(key), number, landed: sender })
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    #[allow(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        // A poisoned shard is still a map; nothing in here is left half done by a panic.
        self.shards[self.hasher.hash_one(key) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, key: &str, number: u64) {
        let mut shard = self.shard(key);
        if shard.get(key).is_some_and(|flight| flight.number == number) {
            shard.remove(key);
        }
    }
}

impl Leading {
    pub fn land(self, landed: Landed) {
        // Whoever comes from now on finds what was stored.
        self.flights.forget(&self.key, self.number);
        self.landed.send_replace(Some(landed));
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.flights.forget(&self.key, self.number);
    }
}

impl Following {
    /// How the fetch ended; `None` if it was given up.
    pub async fn landed(&mut self) -> Option<Landed> {
        self.landed.wait_for(Option::is_some).await.ok().and_then(|landed| *landed)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.flights.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<str> {
        "http://a/".into()
    }

    #[tokio::test]
    async fn one_leads_and_the_others_are_told() {
        let flights = Arc::new(Flights::default());
        let Joined::Leader(leader) = flights.join(&key(), 10) else { panic!("the first leads") };
        let Joined::Follower(mut follower) = flights.join(&key(), 10) else { panic!("the second waits") };
        assert!(matches!(flights.join(&"http://b/".into(), 10), Joined::Leader(_)), "another key is another matter");
        leader.land(Landed::Stored);
        assert_eq!(follower.landed().await, Some(Landed::Stored));
        assert!(matches!(flights.join(&key(), 10), Joined::Leader(_)));
    }

    #[tokio::test]
    async fn a_leader_that_is_dropped_makes_room_for_the_next() {
        let flights = Arc::new(Flights::default());
        let Joined::Leader(leader) = flights.join(&key(), 10) else { panic!("the first leads") };
        let Joined::Follower(mut follower) = flights.join(&key(), 10) else { panic!("the second waits") };
        drop(leader);
        assert_eq!(follower.landed().await, None);
        assert!(matches!(flights.join(&key(), 10), Joined::Leader(_)));
    }

    #[tokio::test]
    async fn those_who_wait_are_bounded_and_counted() {
        let flights = Arc::new(Flights::default());
        let Joined::Leader(_leader) = flights.join(&key(), 1) else { panic!("the first leads") };
        let Joined::Follower(follower) = flights.join(&key(), 1) else { panic!("the second waits") };
        assert!(matches!(flights.join(&key(), 1), Joined::Alone));
        drop(follower);
        assert_eq!(flights.waiting(), 0);
        assert!(matches!(flights.join(&key(), 1), Joined::Follower(_)));
    }
}
