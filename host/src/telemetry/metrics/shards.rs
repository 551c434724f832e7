//! One number per series and worker, and what becomes of it when the worker lets go of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Series of one family that are kept after their route, target or plugin is gone, so that
/// counters do not start again when it comes back. Beyond it the ones gone longest are forgotten.
pub(super) const MAX_SERIES: usize = 1000;

/// Who writes a shard. Two threads must never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerId(pub usize);

impl WorkerId {
    /// The thread that writes the access log.
    pub const ACCESS_LOG: Self = Self(usize::MAX);
    /// The thread that runs plugins' `on-interval`.
    pub const BACKGROUND: Self = Self(usize::MAX - 1);
}

/// The numbers of one series that one worker writes.
pub(super) trait Shard: Default {
    /// Adds what stays true after the shard is gone: counters and histograms.
    fn add_counters_to(&self, total: &Self);

    /// Adds what holds only while the shard is in use.
    fn add_gauges_to(&self, _total: &Self) {}
}

/// All series of one family of metrics, each with a shard for each worker.
///
/// The lock is taken when a snapshot is installed and when somebody asks, never for a request.
#[derive(Debug)]
pub(super) struct Shards<K, S>(Mutex<State<K, S>>);

#[derive(Debug)]
struct State<K, S> {
    series: BTreeMap<K, Series<S>>,
    cap: usize,
    /// The number of series at which the next look for unused ones is due.
    sweep_at: usize,
    /// Counts the series that went out of use, to know the oldest.
    retired: u64,
}

#[derive(Debug)]
struct Series<S> {
    /// What shards that are gone have counted.
    total: S,
    shards: BTreeMap<WorkerId, Arc<S>>,
    /// Set while no shard is in use: the how-manieth it was to go.
    retired: Option<u64>,
}

impl<K: Ord + Clone, S: Shard> Shards<K, S> {
    pub(super) fn new(cap: usize) -> Self {
        Self(Mutex::new(State { series: BTreeMap::new(), cap, sweep_at: cap, retired: 0 }))
    }

    /// The shard of `worker` for the series `key`: the one it has, or a new one.
    pub(super) fn shard(&self, worker: WorkerId, key: K) -> Arc<S> {
        let mut state = self.lock();
        if state.series.len() >= state.sweep_at {
            state.sweep();
            state.sweep_at = state.cap.max(state.series.len() * 2);
        }
        let series = state.series.entry(key).or_insert_with(Series::new);
        series.retired = None;
        Arc::clone(series.shards.entry(worker).or_default())
    }

    /// Every series with the sum of its shards, in the order of the keys.
    pub(super) fn sums(&self) -> Vec<(K, S)> {
        let mut state = self.lock();
        state.sweep();
        state.series.iter().map(|(key, series)| (key.clone(), series.sum())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State<K, S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Clone, S: Shard> State<K, S> {
    /// Folds shards nobody writes any more into their totals, and forgets the oldest unused
    /// series beyond the cap.
    fn sweep(&mut self) {
        for series in self.series.values_mut() {
            series.fold();
            if series.shards.is_empty() && series.retired.is_none() {
                self.retired += 1;
                series.retired = Some(self.retired);
            }
        }
        let excess = self.series.len().saturating_sub(self.cap);
        if excess > 0 {
            self.forget(excess);
        }
    }

    fn forget(&mut self, count: usize) {
        let unused = self.series.iter().filter_map(|(key, series)| Some((series.retired?, key.clone())));
        let mut unused: Vec<(u64, K)> = unused.collect();
        unused.sort_unstable();
        for (_, key) in unused.into_iter().take(count) {
            self.series.remove(&key);
        }
    }
}

impl<S: Shard> Series<S> {
    fn new() -> Self {
        Self { total: S::default(), shards: BTreeMap::new(), retired: None }
    }

    fn fold(&mut self) {
        for (worker, shard) in std::mem::take(&mut self.shards) {
            // Succeeds where nobody else has it, and orders the last writer's stores before this.
            match Arc::try_unwrap(shard) {
                Ok(shard) => shard.add_counters_to(&self.total),
                Err(shard) => {
                    self.shards.insert(worker, shard);
                }
            }
        }
    }

    fn sum(&self) -> S {
        let sum = S::default();
        self.total.add_counters_to(&sum);
        for shard in self.shards.values() {
            shard.add_counters_to(&sum);
            shard.add_gauges_to(&sum);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::{Counter, Gauge};
    use super::*;

    #[derive(Debug, Default)]
    struct Numbers {
        count: Counter,
        open: Gauge,
    }

    impl Shard for Numbers {
        fn add_counters_to(&self, total: &Self) {
            self.count.add_to(&total.count);
        }

        fn add_gauges_to(&self, total: &Self) {
            self.open.add_to(&total.open);
        }
    }

    type Family = Shards<&'static str, Numbers>;

    fn sums(family: &Family) -> Vec<(&'static str, u64, i64)> {
        family.sums().into_iter().map(|(key, n)| (key, n.count.get(), n.open.get())).collect()
    }

    #[test]
    fn a_scrape_sums_the_workers() {
        let family = Family::new(10);
        let (one, two) = (family.shard(WorkerId(1), "a"), family.shard(WorkerId(2), "a"));
        one.count.add(3);
        two.count.add(4);
        one.open.add(1);
        assert_eq!(sums(&family), [("a", 7, 1)]);
    }

    #[test]
    fn a_counter_never_goes_back_when_a_worker_lets_go() {
        let family = Family::new(10);
        let shard = family.shard(WorkerId(1), "a");
        shard.count.add(3);
        shard.open.add(1);
        drop(shard);
        assert_eq!(sums(&family), [("a", 3, 0)], "the gauge is gone, the counter stays");
        family.shard(WorkerId(1), "a").count.add(2);
        assert_eq!(sums(&family), [("a", 5, 0)]);
    }

    #[test]
    fn a_worker_gets_the_shard_it_has_already() {
        let family = Family::new(10);
        let before = family.shard(WorkerId(1), "a");
        let after = family.shard(WorkerId(1), "a");
        assert!(Arc::ptr_eq(&before, &after));
        assert!(!Arc::ptr_eq(&before, &family.shard(WorkerId(2), "a")));
    }

    #[test]
    fn beyond_the_cap_the_series_gone_longest_is_forgotten() {
        let family = Family::new(2);
        let kept = family.shard(WorkerId(1), "kept");
        drop(family.shard(WorkerId(1), "z-first"));
        assert_eq!(sums(&family).len(), 2);
        drop(family.shard(WorkerId(1), "a-second"));
        let names: Vec<_> = sums(&family).into_iter().map(|s| s.0).collect();
        assert_eq!(names, ["a-second", "kept"]);
        drop(kept);
    }

    #[test]
    fn series_in_use_are_kept_however_many_there_are() {
        let family = Family::new(1);
        let _in_use = ["a", "b", "c"].map(|key| family.shard(WorkerId(1), key));
        assert_eq!(sums(&family).len(), 3);
    }

    #[test]
    fn without_a_scrape_unused_series_are_bounded_too() {
        let family = Shards::<usize, Numbers>::new(8);
        for key in 0..1000 {
            drop(family.shard(WorkerId(1), key));
        }
        assert!(family.lock().series.len() <= 16);
    }
}
