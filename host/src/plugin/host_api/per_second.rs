//! How often an instance may do something in a second.

use std::time::{Duration, Instant};

/// What is used up of the second at hand.
#[derive(Debug, Default)]
pub struct PerSecond {
    second: Option<Instant>,
    used: u32,
}

impl PerSecond {
    /// Whether it may be done once more, where `limit` times are in a second.
    pub fn take(&mut self, now: Instant, limit: u32) -> bool {
        if self.second.is_none_or(|second| now - second >= Duration::from_secs(1)) {
            self.second = Some(now);
            self.used = 0;
        }
        let is_free = self.used < limit;
        self.used += u32::from(is_free);
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_limit_and_the_next_one_starts_anew() {
        let mut updates = PerSecond::default();
        let now = Instant::now();
        assert_eq!((0..150).filter(|_| updates.take(now, 100)).count(), 100);
        assert!(!updates.take(now + Duration::from_millis(999), 100));
        assert!(updates.take(now + Duration::from_secs(1), 100));
        assert!(!updates.take(now, 0));
    }
}
