//! A key-value store in memory: one plugin's, or shared by several.
//!
//! Keys are spread over shards, each with a lock that is held for a few instructions and never
//! across an await. Bytes and keys are counted exactly, because they are a quota.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SHARDS: usize = 32;
/// Longest key, in bytes.
const MAX_KEY: usize = 1024;
/// Longest value, in bytes.
const MAX_VALUE: usize = 1024 * 1024;

/// As `kv.kv-error` in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvError {
    TooLarge,
    Quota,
    NotANumber,
}

#[derive(Debug)]
pub struct Store {
    shards: [Mutex<HashMap<String, Entry>>; SHARDS],
    hasher: RandomState,
    keys: AtomicUsize,
    bytes: AtomicUsize,
    max_keys: AtomicUsize,
    max_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    expires: Option<Instant>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            keys: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_keys: AtomicUsize::new(0),
            max_bytes: AtomicUsize::new(0),
        }
    }
}

impl Store {
    pub fn set_limits(&self, max_keys: usize, max_bytes: usize) {
        self.max_keys.store(max_keys, Relaxed);
        self.max_bytes.store(max_bytes, Relaxed);
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.shard(key).get(key).filter(|entry| entry.is_live()).map(|entry| entry.value.clone())
    }

    /// A `ttl_ms` of 0 is no end.
    pub fn set(&self, key: String, value: Vec<u8>, ttl_ms: u32) -> Result<(), KvError> {
        let mut shard = self.shard(&key);
        self.write(&mut shard, key, value, expiry(ttl_ms))
    }

    pub fn delete(&self, key: &str) -> bool {
        let removed = self.shard(key).remove(key);
        removed.is_some_and(|entry| {
            self.forget(key, &entry);
            entry.is_live()
        })
    }

    pub fn increment(&self, key: String, by: i64, ttl_ms: u32) -> Result<i64, KvError> {
        let mut shard = self.shard(&key);
        let (number, expires) = match shard.get(&key).filter(|entry| entry.is_live()) {
            Some(entry) => (parse(&entry.value)?, entry.expires),
            None => (0, expiry(ttl_ms)),
        };
        let sum = number.checked_add(by).ok_or(KvError::NotANumber)?;
        self.write(&mut shard, key, sum.to_string().into_bytes(), expires)?;
        Ok(sum)
    }

    pub fn compare_and_swap(
        &self,
        key: String,
        expected: Option<&[u8]>,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Result<bool, KvError> {
        let mut shard = self.shard(&key);
        let current = shard.get(&key).filter(|entry| entry.is_live()).map(|entry| entry.value.as_slice());
        if current != expected {
            return Ok(false);
        }
        self.write(&mut shard, key, value, expiry(ttl_ms))?;
        Ok(true)
    }

    /// Removes what has expired.
    pub fn sweep(&self) {
        for shard in &self.shards {
            lock(shard).retain(|key, entry| {
                let live = entry.is_live();
                if !live {
                    self.forget(key, entry);
                }
                live
            });
        }
    }

    fn write(
        &self,
        shard: &mut HashMap<String, Entry>,
        key: String,
        value: Vec<u8>,
        expires: Option<Instant>,
    ) -> Result<(), KvError> {
        if key.len() > MAX_KEY || value.len() > MAX_VALUE {
            return Err(KvError::TooLarge);
        }
        match shard.entry(key) {
            MapEntry::Occupied(mut found) => {
                let (old, new) = (found.get().value.len(), value.len());
                if new > old && self.bytes.load(Relaxed) + (new - old) > self.max_bytes.load(Relaxed) {
                    return Err(KvError::Quota);
                }
                self.bytes.fetch_add(new, Relaxed);
                self.bytes.fetch_sub(old, Relaxed);
                found.insert(Entry { value, expires });
            }
            MapEntry::Vacant(place) => {
                let size = place.key().len() + value.len();
                let full = self.keys.load(Relaxed) >= self.max_keys.load(Relaxed)
                    || self.bytes.load(Relaxed) + size > self.max_bytes.load(Relaxed);
                if full {
                    return Err(KvError::Quota);
                }
                self.keys.fetch_add(1, Relaxed);
                self.bytes.fetch_add(size, Relaxed);
                place.insert(Entry { value, expires });
            }
        }
        Ok(())
    }

    fn forget(&self, key: &str, entry: &Entry) {
        self.keys.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(key.len() + entry.value.len(), Relaxed);
    }

    #[allow(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
    fn shard(&self, key: &str) -> MutexGuard<'_, HashMap<String, Entry>> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }
}

impl Entry {
    fn is_live(&self) -> bool {
        self.expires.is_none_or(|end| Instant::now() < end)
    }
}

fn expiry(ttl_ms: u32) -> Option<Instant> {
    (ttl_ms > 0).then(|| Instant::now() + Duration::from_millis(ttl_ms.into()))
}

fn parse(value: &[u8]) -> Result<i64, KvError> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(KvError::NotANumber)
}

/// A poisoned shard is still a map; nothing in here is left half done by a panic.
fn lock(shard: &Mutex<HashMap<String, Entry>>) -> MutexGuard<'_, HashMap<String, Entry>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(keys: usize, bytes: usize) -> Store {
        let store = Store::default();
        store.set_limits(keys, bytes);
        store
    }

    #[test]
    fn a_value_is_there_until_its_time_is_over_or_it_is_deleted() {
        let store = store(10, 1000);
        store.set("a".into(), b"1".to_vec(), 20).unwrap();
        store.set("b".into(), b"2".to_vec(), 0).unwrap();
        assert_eq!(store.get("a"), Some(b"1".to_vec()));
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(store.get("a"), None);
        assert!(store.delete("b"));
        assert!(!store.delete("b"));
    }

    #[test]
    fn quotas_hold_and_what_is_freed_can_be_used_again() {
        let store = store(2, 10);
        store.set("a".into(), vec![0; 4], 1).unwrap();
        store.set("b".into(), vec![0; 4], 0).unwrap();
        assert_eq!(store.set("c".into(), vec![], 0), Err(KvError::Quota));
        assert_eq!(store.set("b".into(), vec![0; 5], 0), Err(KvError::Quota));
        std::thread::sleep(Duration::from_millis(5));
        store.sweep();
        store.set("b".into(), vec![0; 5], 0).unwrap();
        store.set("c".into(), vec![0; 3], 0).unwrap();
        store.delete("b");
        store.delete("c");
        assert_eq!((store.keys.load(Relaxed), store.bytes.load(Relaxed)), (0, 0));
    }

    #[test]
    fn increments_of_two_threads_are_all_counted() {
        let store = store(10, 1000);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        store.increment("n".into(), 1, 0).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.get("n"), Some(b"2000".to_vec()));
        store.set("t".into(), b"text".to_vec(), 0).unwrap();
        assert_eq!(store.increment("t".into(), 1, 0), Err(KvError::NotANumber));
    }

    #[test]
    fn a_swap_happens_only_if_nothing_changed() {
        let store = store(10, 1000);
        assert_eq!(store.compare_and_swap("k".into(), None, b"1".to_vec(), 0), Ok(true));
        assert_eq!(store.compare_and_swap("k".into(), None, b"2".to_vec(), 0), Ok(false));
        assert_eq!(store.compare_and_swap("k".into(), Some(b"1"), b"2".to_vec(), 0), Ok(true));
        assert_eq!(store.get("k"), Some(b"2".to_vec()));
    }
}
