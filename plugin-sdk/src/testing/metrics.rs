//! The fake of `metrics`: all values of each series, by name and labels.

use std::collections::BTreeMap;

use super::state::with;
use crate::bindings::tollgate::plugin::metrics::{Label, MetricError};

/// Metric and labels, the labels in order.
pub(super) type Key = (String, BTreeMap<String, String>);

/// What a series has become.
pub(super) enum Series {
    Counter(f64),
    Gauge(f64),
    Histogram(Vec<f64>),
}

pub(crate) fn add_to_counter(name: &str, labels: &[Label], by: f64) -> Result<(), MetricError> {
    if by < 0.0 {
        return Err(MetricError::Invalid(format!("a counter only grows, and {by} is less than 0")));
    }
    change(name, labels, by, Series::Counter(0.0), |series| match series {
        Series::Counter(sum) => {
            *sum += by;
            true
        }
        _ => false,
    })
}

pub(crate) fn set_gauge(name: &str, labels: &[Label], value: f64) -> Result<(), MetricError> {
    change(name, labels, value, Series::Gauge(0.0), |series| match series {
        Series::Gauge(now) => {
            *now = value;
            true
        }
        _ => false,
    })
}

pub(crate) fn add_to_gauge(name: &str, labels: &[Label], by: f64) -> Result<(), MetricError> {
    change(name, labels, by, Series::Gauge(0.0), |series| match series {
        Series::Gauge(now) => {
            *now += by;
            true
        }
        _ => false,
    })
}

pub(crate) fn observe(name: &str, labels: &[Label], value: f64) -> Result<(), MetricError> {
    change(name, labels, value, Series::Histogram(Vec::new()), |series| match series {
        Series::Histogram(values) => {
            values.push(value);
            true
        }
        _ => false,
    })
}

pub(crate) fn set_buckets(_name: &str, bounds: &[f64]) -> Result<(), MetricError> {
    let good = !bounds.is_empty() && bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b);
    let problem = || MetricError::Invalid("bounds are finite numbers, each larger than the one before".to_owned());
    good.then_some(()).ok_or_else(problem)
}

/// `change` is false where the series is of another kind.
fn change(
    name: &str,
    labels: &[Label],
    value: f64,
    new: Series,
    change: impl FnOnce(&mut Series) -> bool,
) -> Result<(), MetricError> {
    if !value.is_finite() {
        return Err(MetricError::Invalid(format!("{value} is not a finite number")));
    }
    let labels = labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect();
    with(|state| {
        let series = state.metrics.entry((name.to_owned(), labels)).or_insert(new);
        let of_another_kind = || MetricError::Invalid(format!("`{name}` is of another kind already"));
        change(series).then_some(()).ok_or_else(of_another_kind)
    })
}
