//! Numbers of the plugin's own, on the gateway's `/metrics` page.
//!
//! Each is granted by its name, `grant = { metrics = ["hits_total"] }`, and appears there as
//! `tollgate_plugin_custom_hits_total`, with the plugin's name as label `plugin`. All workers add to
//! the same numbers, and a reload keeps them. A metric's kind is what it is first used as.
//!
//! Labels are pairs of name and value. Each new value makes a new series, and there are few: never
//! take what clients can choose.

use std::fmt;

use crate::bindings::tollgate::plugin::metrics::Label;
use crate::host::metrics as wit;

/// Adds to a counter: not less than 0. A counter's name ends in `_total` by custom.
pub fn add_to_counter(name: &str, labels: &[(&str, &str)], by: f64) -> Result<(), MetricError> {
    Ok(wit::add_to_counter(name, &owned(labels), by)?)
}

/// Sets a gauge, for the whole gateway: of several workers the last one counts.
pub fn set_gauge(name: &str, labels: &[(&str, &str)], value: f64) -> Result<(), MetricError> {
    Ok(wit::set_gauge(name, &owned(labels), value)?)
}

/// Adds to a gauge; what is less than 0 takes away.
pub fn add_to_gauge(name: &str, labels: &[(&str, &str)], by: f64) -> Result<(), MetricError> {
    Ok(wit::add_to_gauge(name, &owned(labels), by)?)
}

/// Counts a value in a histogram. Its unit is at the name's end by custom: `_seconds`, `_bytes`.
pub fn observe(name: &str, labels: &[(&str, &str)], value: f64) -> Result<(), MetricError> {
    Ok(wit::observe(name, &owned(labels), value)?)
}

/// Sets the upper bounds of a histogram's buckets: 1 to 32 finite numbers, each larger than the one
/// before. For [`Plugin::configure`](crate::Plugin::configure) only; anywhere else it ends the hook.
pub fn set_buckets(name: &str, bounds: &[f64]) -> Result<(), MetricError> {
    Ok(wit::set_buckets(name, bounds)?)
}

fn owned(labels: &[(&str, &str)]) -> Vec<Label> {
    labels.iter().map(|&(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
}

/// Why a number was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricError {
    /// The metric is not granted to this plugin; the text says which grant is missing.
    Denied(String),
    /// What is not legal about the value, the labels or the use of the metric.
    Invalid(String),
    /// The series would be new, and the plugin has as many as `limits.metric_series` allows.
    TooManySeries,
    /// The plugin's instances have made as many updates in this second as `limits.metric_updates` allows.
    TooManyUpdates,
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(missing) => write!(f, "not granted: {missing}"),
            Self::Invalid(problem) => write!(f, "not a valid metric: {problem}"),
            Self::TooManySeries => f.write_str("more series than limits.metric_series allows"),
            Self::TooManyUpdates => f.write_str("more updates in a second than limits.metric_updates allows"),
        }
    }
}

impl std::error::Error for MetricError {}

impl From<crate::bindings::tollgate::plugin::metrics::MetricError> for MetricError {
    fn from(error: crate::bindings::tollgate::plugin::metrics::MetricError) -> Self {
        use crate::bindings::tollgate::plugin::metrics::MetricError as Wit;
        match error {
            Wit::Denied(missing) => Self::Denied(missing),
            Wit::Invalid(problem) => Self::Invalid(problem),
            Wit::TooManySeries => Self::TooManySeries,
            Wit::TooManyUpdates => Self::TooManyUpdates,
        }
    }
}
