//! Numbers with one writer and any number of readers.
//!
//! One worker writes, so an addition is a relaxed load and a relaxed store: a tenth of what an
//! atomic addition costs. Two writers at a time would lose counts, never more.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

/// How often durations fell into which range. Small for who is always quick, because there may be many of them:
/// the other buckets have memory of their own, and only where they are needed.
#[derive(Debug, Default)]
pub struct Histogram {
    nanoseconds: Counter,
    /// The first of the buckets, which are not cumulative.
    quick: [Counter; QUICK],
    slow: OnceLock<Box<Slow>>,
}

/// The last is for what is above every bound.
type Slow = [Counter; BOUNDS.len() + 1 - QUICK];

/// Up to 2.5 ms.
const QUICK: usize = 3;

/// Upper bounds of the buckets, and how they are written in seconds.
pub(super) const BOUNDS: [(Duration, &str); 14] = [
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_micros(2500), "0.0025"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(25), "0.025"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(250), "0.25"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1"),
    (Duration::from_millis(2500), "2.5"),
    (Duration::from_secs(5), "5"),
    (Duration::from_secs(10), "10"),
];

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Adds whole nanoseconds.
    pub fn add_duration(&self, duration: Duration) {
        self.add(nanoseconds(duration));
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add_to(&self, total: &Self) {
        total.add(self.get());
    }
}

impl Gauge {
    /// A negative `n` takes away.
    pub fn add(&self, n: i64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub fn set(&self, n: i64) {
        self.0.store(n, Relaxed);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add_to(&self, total: &Self) {
        total.add(self.get());
    }
}

impl Histogram {
    pub fn observe(&self, duration: Duration) {
        let bucket = BOUNDS.iter().position(|(bound, _)| duration <= *bound).unwrap_or(BOUNDS.len());
        self.bucket(bucket).add(1);
        self.nanoseconds.add_duration(duration);
    }

    fn bucket(&self, at: usize) -> &Counter {
        self.quick.get(at).unwrap_or_else(|| &self.slow.get_or_init(Box::default)[at - QUICK])
    }

    fn buckets(&self) -> [u64; BOUNDS.len() + 1] {
        let slow = self.slow.get();
        std::array::from_fn(|at| match self.quick.get(at) {
            Some(bucket) => bucket.get(),
            None => slow.map_or(0, |slow| slow[at - QUICK].get()),
        })
    }

    /// How many durations were not longer than each bound, and how many there were in all.
    pub(super) fn cumulative(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum = 0;
        self.buckets().map(|bucket| {
            sum += bucket;
            sum
        })
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }

    pub(super) fn add_to(&self, total: &Self) {
        for (at, mine) in self.buckets().into_iter().enumerate().filter(|(_, mine)| *mine > 0) {
            total.bucket(at).add(mine);
        }
        self.nanoseconds.add_to(&total.nanoseconds);
    }
}

/// 584 years fit.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_on_a_bound_belongs_to_the_lower_bucket() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(1));
        histogram.observe(Duration::from_nanos(1_000_001));
        histogram.observe(Duration::from_secs(11));
        let counts = histogram.cumulative();
        assert_eq!(counts[..4], [0, 1, 2, 2]);
        assert_eq!(counts[13..], [2, 3]);
        assert_eq!(histogram.sum(), Duration::from_nanos(11_002_000_001));
    }

    #[test]
    fn the_bounds_are_written_as_they_are_and_ascend() {
        for (bound, text) in BOUNDS {
            assert_eq!(Duration::from_secs_f64(text.parse().unwrap()), bound);
        }
        assert!(BOUNDS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
