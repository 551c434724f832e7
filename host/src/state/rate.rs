//! Token buckets, checked without a lock.
//!
//! A bucket is one number, the "theoretical arrival time" of GCRA (ITU-T I.371, annex A): the
//! moment at which it will be full again. Taking tokens is one compare-and-swap on it, so workers
//! never wait for each other and never count a token twice.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// A longer key is kept by its hash.
const MAX_KEY: usize = 1024;

/// As `rate.bucket` in the WIT.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    pub capacity: u32,
    pub refill: u32,
    pub period_ms: u32,
}

/// As `rate.decision` in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    pub remaining: u32,
    pub retry_after_ms: u32,
    pub reset_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateError {
    Invalid,
    TooManyKeys,
}

/// The buckets of one plugin.
#[derive(Debug, Default)]
pub struct Store {
    buckets: papaya::HashMap<Box<str>, AtomicU64>,
    max_keys: AtomicUsize,
}

impl Store {
    pub fn set_limit(&self, max_keys: usize) {
        self.max_keys.store(max_keys, Relaxed);
    }

    pub fn check(&self, key: &str, bucket: Bucket, tokens: u32) -> Result<Decision, RateError> {
        self.check_at(key, bucket, tokens, now())
    }

    /// Forgets the buckets that are full, which is what a new one is.
    pub fn sweep(&self) {
        let now = now();
        self.buckets.pin().retain(|_, full_at| full_at.load(Relaxed) > now);
    }

    fn check_at(&self, key: &str, bucket: Bucket, tokens: u32, now: u64) -> Result<Decision, RateError> {
        if bucket.capacity == 0 || bucket.refill == 0 || bucket.period_ms == 0 || tokens > bucket.capacity {
            return Err(RateError::Invalid);
        }
        let buckets = self.buckets.pin();
        let shortened;
        let key = if key.len() > MAX_KEY {
            shortened = digest(key);
            shortened.as_str()
        } else {
            key
        };
        let full_at = match buckets.get(key) {
            Some(full_at) => full_at,
            None if buckets.len() >= self.max_keys.load(Relaxed) => return Err(RateError::TooManyKeys),
            None => buckets.get_or_insert_with(key.into(), || AtomicU64::new(0)),
        };
        Ok(take(full_at, bucket, tokens, now))
    }
}

fn take(full_at: &AtomicU64, bucket: Bucket, tokens: u32, now: u64) -> Decision {
    // Nanoseconds in which one token comes back, and in which the whole bucket does.
    let per_token = (u64::from(bucket.period_ms) * 1_000_000 / u64::from(bucket.refill)).max(1);
    let whole = per_token.saturating_mul(u64::from(bucket.capacity));
    let mut seen = full_at.load(Relaxed);
    loop {
        let missing = seen.saturating_sub(now);
        let after = missing.saturating_add(per_token.saturating_mul(u64::from(tokens)));
        if after > whole {
            return decision(false, missing, after - whole, per_token, whole);
        }
        match full_at.compare_exchange_weak(seen, now.saturating_add(after), Relaxed, Relaxed) {
            Ok(_) => return decision(true, after, 0, per_token, whole),
            Err(newer) => seen = newer,
        }
    }
}

fn decision(allowed: bool, missing: u64, wait: u64, per_token: u64, whole: u64) -> Decision {
    Decision {
        allowed,
        remaining: u32::try_from(whole.saturating_sub(missing) / per_token).unwrap_or(u32::MAX),
        retry_after_ms: to_ms(wait),
        reset_ms: to_ms(missing),
    }
}

/// Rounded up: a client that waits this long must not find it was a moment too early.
fn to_ms(nanoseconds: u64) -> u32 {
    u32::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// Nanoseconds since the first call: 584 years fit.
fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Collisions would let one client use another's tokens, so it has to be a cryptographic hash.
fn digest(key: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in sha2::Sha256::digest(key.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const TEN_A_SECOND: Bucket = Bucket { capacity: 10, refill: 10, period_ms: 1000 };

    fn store() -> Store {
        let store = Store::default();
        store.set_limit(2);
        store
    }

    #[test]
    fn a_full_bucket_gives_its_capacity_and_then_refuses() {
        let store = store();
        for left in (0..10).rev() {
            let decision = store.check_at("k", TEN_A_SECOND, 1, SECOND).unwrap();
            assert_eq!((decision.allowed, decision.remaining), (true, left));
        }
        let refused = store.check_at("k", TEN_A_SECOND, 1, SECOND).unwrap();
        assert_eq!(refused, Decision { allowed: false, remaining: 0, retry_after_ms: 100, reset_ms: 1000 });
    }

    #[test]
    fn tokens_come_back_evenly() {
        let store = store();
        assert!(store.check_at("k", TEN_A_SECOND, 10, SECOND).unwrap().allowed);
        assert!(!store.check_at("k", TEN_A_SECOND, 1, SECOND + SECOND / 20).unwrap().allowed);
        assert!(store.check_at("k", TEN_A_SECOND, 1, SECOND + SECOND / 10).unwrap().allowed);
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let store = store();
        assert!(store.check_at("k", TEN_A_SECOND, 8, SECOND).unwrap().allowed);
        assert!(!store.check_at("k", TEN_A_SECOND, 5, SECOND).unwrap().allowed);
        assert!(store.check_at("k", TEN_A_SECOND, 2, SECOND).unwrap().allowed);
    }

    #[test]
    fn keys_are_limited_and_full_buckets_make_room() {
        let store = store();
        store.check("a", Bucket { capacity: 1, refill: 1000, period_ms: 1 }, 1).unwrap();
        store.check("b", TEN_A_SECOND, 1).unwrap();
        assert_eq!(store.check("c", TEN_A_SECOND, 1), Err(RateError::TooManyKeys));
        std::thread::sleep(std::time::Duration::from_millis(5));
        store.sweep();
        assert!(store.check("c", TEN_A_SECOND, 1).unwrap().allowed);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let store = store();
        assert_eq!(store.check("k", TEN_A_SECOND, 11), Err(RateError::Invalid));
        assert_eq!(store.check("k", Bucket { refill: 0, ..TEN_A_SECOND }, 1), Err(RateError::Invalid));
    }

    #[test]
    fn two_threads_never_get_more_than_the_capacity() {
        let store = store();
        let slow = Bucket { capacity: 1000, refill: 1, period_ms: 60_000 };
        let got: usize = std::thread::scope(|scope| {
            let take = || (0..1000).filter(|_| store.check("k", slow, 1).unwrap().allowed).count();
            let threads = [scope.spawn(take), scope.spawn(take)];
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(got, 1000);
    }

    proptest::proptest! {
        #[test]
        fn no_bucket_and_no_time_overflows(capacity: u32, refill: u32, period_ms: u32, tokens: u32, now: u64, then: u64) {
            let store = store();
            let bucket = Bucket { capacity, refill, period_ms };
            for moment in [now, then] {
                if let Ok(decision) = store.check_at("k", bucket, tokens, moment) {
                    proptest::prop_assert!(decision.remaining <= capacity);
                }
            }
        }
    }
}
