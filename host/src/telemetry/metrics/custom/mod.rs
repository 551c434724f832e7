//! Numbers that plugins make, beside those the gateway makes about them.
//!
//! One store for each configured plugin, which outlives reloads. All workers write the same series,
//! with atomic additions: a plugin may be running on several of them and in the reload's thread, and
//! no count may get lost. Finding a series takes no lock; making one does, and there are at most
//! `limits.metric_series`. Absent on purpose: help texts and units, which the names carry.

mod labels;
mod series;
mod write;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use labels::render as render_labels;
pub(super) use series::{Family, Kind};
pub(super) use write::write;

/// Most bytes of a metric's name.
const MAX_NAME: usize = 64;
/// Most buckets of a histogram, the one for all that is larger left out.
const MAX_BOUNDS: usize = 32;
/// What a histogram's own samples are called: a metric of that name could be mistaken for one.
const RESERVED_ENDS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// The stores of all plugins, by name.
#[derive(Debug, Default)]
pub(super) struct Stores {
    by_plugin: Mutex<BTreeMap<String, Arc<Store>>>,
    versions: AtomicU64,
}

/// The numbers of one plugin.
#[derive(Debug, Default)]
pub struct Store {
    families: papaya::HashMap<Box<str>, Arc<Family>>,
    /// Held while a series is made or dropped.
    making: Mutex<()>,
    series: AtomicUsize,
    dropped_series: AtomicU64,
    dropped_updates: AtomicU64,
}

/// The right to write some of a plugin's numbers.
#[derive(Debug, Clone, Default)]
pub struct CustomMetrics {
    store: Arc<Store>,
    /// Names that are granted.
    names: Vec<String>,
    max_series: usize,
    /// A later one may use a name for a metric of another kind, and the older one then gives way.
    version: u64,
}

/// What an update does.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    AddToCounter(f64),
    SetGauge(f64),
    AddToGauge(f64),
    /// With the bounds of the buckets, where the plugin has set them.
    Observe(f64, Option<&'a [f64]>),
}

/// Why a number was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotChanged {
    Invalid(String),
    TooManySeries,
}

impl Stores {
    pub(super) fn of(&self, plugin: &str, names: &[String], max_series: usize) -> CustomMetrics {
        let store = Arc::clone(self.lock().entry(plugin.to_owned()).or_default());
        CustomMetrics { store, names: names.to_vec(), max_series, version: self.versions.fetch_add(1, Relaxed) }
    }

    /// Forgets what the config in force grants no longer. `granted` are plugins with their metrics.
    pub(super) fn commit<'a>(&self, granted: impl Iterator<Item = (&'a str, &'a [String])>) {
        let mut stores = self.lock();
        let mut kept = BTreeMap::new();
        for (plugin, names) in granted {
            if let Some(store) = stores.remove(plugin) {
                store.keep(names);
                kept.insert(plugin.to_owned(), store);
            }
        }
        *stores = kept;
    }

    pub(super) fn all(&self) -> Vec<(String, Arc<Store>)> {
        self.lock().iter().map(|(plugin, store)| (plugin.clone(), Arc::clone(store))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Store>>> {
        self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CustomMetrics {
    pub fn is_granted(&self, name: &str) -> bool {
        self.names.iter().any(|granted| granted == name)
    }

    /// Changes one number. `labels` are as [`render_labels`] writes them.
    pub fn change(&self, name: &str, labels: &str, change: Change<'_>) -> Result<(), NotChanged> {
        series::check(change)?;
        let (kind, bounds) = series::needs(change);
        let families = self.store.families.pin();
        let family = match families.get(name) {
            Some(family) if family.is(kind, bounds) => family,
            _ => &self.store.family(name, kind, bounds, self.version)?,
        };
        let series = family.series.pin();
        if let Some(found) = series.get(labels) {
            found.change(&family.bounds, change);
            return Ok(());
        }
        self.store.make(family, labels, self.max_series)?;
        if let Some(made) = series.get(labels) {
            made.change(&family.bounds, change);
        }
        Ok(())
    }

    /// Counts an update that was refused because the instance has made too many.
    pub fn update_dropped(&self) {
        self.store.dropped_updates.fetch_add(1, Relaxed);
    }
}

impl Store {
    /// The family of this name and kind: a new one where there is none, or where a later version of
    /// the plugin wants another.
    fn family(&self, name: &str, kind: Kind, bounds: &[f64], version: u64) -> Result<Arc<Family>, NotChanged> {
        let _making = self.lock();
        let families = self.families.pin();
        if let Some(known) = families.get(name) {
            if known.is(kind, bounds) {
                return Ok(Arc::clone(known));
            }
            if known.version >= version {
                let known = known.kind.name();
                return Err(NotChanged::Invalid(format!("`{name}` is a {known} already, or has other buckets")));
            }
        }
        let family = Arc::new(Family::new(kind, bounds, version));
        families.insert(name.into(), Arc::clone(&family));
        self.count();
        Ok(family)
    }

    fn make(&self, family: &Family, labels: &str, max: usize) -> Result<(), NotChanged> {
        // Asked without the lock first: a plugin that has too many must not make workers wait.
        if self.series.load(Relaxed) < max {
            let _making = self.lock();
            if self.series.load(Relaxed) < max {
                family.series.pin().get_or_insert_with(labels.into(), || family.new_series());
                self.count();
                return Ok(());
            }
        }
        self.dropped_series.fetch_add(1, Relaxed);
        Err(NotChanged::TooManySeries)
    }

    fn keep(&self, names: &[String]) {
        let _making = self.lock();
        self.families.pin().retain(|name, _| names.iter().any(|kept| **kept == **name));
        self.count();
    }

    /// To be called with the lock held.
    fn count(&self) {
        let series = self.families.pin().values().map(|family| family.series.len()).sum();
        self.series.store(series, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a metric may have this name; what is wrong with it, for the operator.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(good) {
        return Err("a metric's name is 1 to 64 letters, digits and `_`");
    }
    if RESERVED_ENDS.iter().any(|end| name.ends_with(end)) {
        return Err("`_bucket`, `_sum` and `_count` are the ends of a histogram's own samples");
    }
    Ok(())
}

/// Whether a histogram's buckets may have these upper bounds.
pub fn check_bounds(bounds: &[f64]) -> Result<(), String> {
    if bounds.is_empty() || bounds.len() > MAX_BOUNDS {
        return Err(format!("a histogram has 1 to {MAX_BOUNDS} bounds, not {}", bounds.len()));
    }
    if !bounds.iter().all(|bound| bound.is_finite()) || !bounds.is_sorted_by(|a, b| a < b) {
        return Err("bounds are finite numbers, each larger than the one before".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
