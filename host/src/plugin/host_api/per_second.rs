//! How often a plugin may do something in a second, all its instances together: what counted for each alone
//! would be no limit, since a new instance would begin anew.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// What is used up of the second at hand. Workers share it without a lock.
#[derive(Debug)]
pub struct PerSecond {
    began: Instant,
    /// The second since then, and in the lower half how often it was done in it.
    used: AtomicU64,
}

impl Default for PerSecond {
    fn default() -> Self {
        Self { began: Instant::now(), used: AtomicU64::new(0) }
    }
}

impl PerSecond {
    /// Whether it may be done once more, where `limit` times are in a second.
    pub fn take(&self, now: Instant, limit: u32) -> bool {
        // Full after 136 years.
        let second = now.saturating_duration_since(self.began).as_secs() << u32::BITS;
        let once_more = |state: u64| {
            let before = if state >= second { state } else { second };
            (before & u64::from(u32::MAX) < u64::from(limit)).then_some(before + 1)
        };
        self.used.fetch_update(Relaxed, Relaxed, once_more).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_has_its_limit_and_the_next_one_starts_anew() {
        let updates = PerSecond::default();
        let now = updates.began;
        assert_eq!((0..150).filter(|_| updates.take(now, 100)).count(), 100);
        assert!(!updates.take(now + Duration::from_millis(999), 100));
        assert!(updates.take(now + Duration::from_secs(1), 100));
        assert!(!updates.take(now, 0));
    }

    #[test]
    fn threads_share_it() {
        let updates = PerSecond::default();
        let taken = || (0..1000).filter(|_| updates.take(updates.began, 100)).count();
        let all: usize = std::thread::scope(|scope| {
            let threads = [scope.spawn(taken), scope.spawn(taken), scope.spawn(taken)];
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(all, 100);
    }
}
