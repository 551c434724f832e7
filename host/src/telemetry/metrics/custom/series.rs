//! The numbers themselves, with any number of writers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Change, NotChanged};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The bounds of a histogram that has none of its own: those of the gateway's durations, in seconds.
pub(super) const DEFAULT_BOUNDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// All series of one metric.
#[derive(Debug)]
pub(in super::super) struct Family {
    pub(super) kind: Kind,
    /// Upper bounds of a histogram's buckets; empty for other kinds.
    pub(super) bounds: Box<[f64]>,
    pub(super) version: u64,
    /// By their labels, as they are written.
    pub(super) series: papaya::HashMap<Box<str>, Series>,
}

#[derive(Debug)]
pub(super) enum Series {
    Single(Number),
    Histogram {
        /// Not cumulative; the last is for what is above every bound.
        buckets: Box<[AtomicU64]>,
        sum: Number,
    },
}

/// A number with a fraction, in the bits of an integer.
#[derive(Debug, Default)]
pub(super) struct Number(AtomicU64);

/// Whether the value of a change is legal.
pub(super) fn check(change: Change<'_>) -> Result<(), NotChanged> {
    let (Change::AddToCounter(value) | Change::SetGauge(value) | Change::AddToGauge(value) | Change::Observe(value, _)) =
        change;
    if !value.is_finite() {
        return Err(NotChanged::Invalid(format!("{value} is not a finite number")));
    }
    if matches!(change, Change::AddToCounter(_)) && value < 0.0 {
        return Err(NotChanged::Invalid(format!("a counter only grows, and {value} is less than 0")));
    }
    Ok(())
}

/// What the metric of a change is.
pub(super) fn needs(change: Change<'_>) -> (Kind, &[f64]) {
    match change {
        Change::AddToCounter(_) => (Kind::Counter, &[]),
        Change::SetGauge(_) | Change::AddToGauge(_) => (Kind::Gauge, &[]),
        Change::Observe(_, bounds) => (Kind::Histogram, bounds.unwrap_or(&DEFAULT_BOUNDS)),
    }
}

impl Family {
    pub(super) fn new(kind: Kind, bounds: &[f64], version: u64) -> Self {
        Self { kind, bounds: bounds.into(), version, series: papaya::HashMap::new() }
    }

    pub(super) fn is(&self, kind: Kind, bounds: &[f64]) -> bool {
        self.kind == kind && *self.bounds == *bounds
    }

    pub(super) fn new_series(&self) -> Series {
        match self.kind {
            Kind::Counter | Kind::Gauge => Series::Single(Number::default()),
            Kind::Histogram => Series::Histogram {
                buckets: (0..=self.bounds.len()).map(|_| AtomicU64::new(0)).collect(),
                sum: Number::default(),
            },
        }
    }
}

impl Series {
    /// A change of another kind changes nothing: the family was asked before.
    pub(super) fn change(&self, bounds: &[f64], change: Change<'_>) {
        match (self, change) {
            (Self::Single(number), Change::AddToCounter(by) | Change::AddToGauge(by)) => number.add(by),
            (Self::Single(number), Change::SetGauge(value)) => number.set(value),
            (Self::Histogram { buckets, sum }, Change::Observe(value, _)) => {
                let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
                if let Some(bucket) = buckets.get(bucket) {
                    bucket.fetch_add(1, Relaxed);
                }
                sum.add(value);
            }
            (Self::Single(_), Change::Observe(..)) | (Self::Histogram { .. }, _) => {}
        }
    }
}

impl Number {
    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    fn add(&self, by: f64) {
        let mut seen = self.0.load(Relaxed);
        loop {
            // Sums of finite numbers may be infinite; a number that is would never come back.
            let sum = (f64::from_bits(seen) + by).clamp(f64::MIN, f64::MAX);
            match self.0.compare_exchange_weak(seen, sum.to_bits(), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(newer) => seen = newer,
            }
        }
    }
}
