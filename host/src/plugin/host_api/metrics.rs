//! `metrics`: numbers of the plugin's own.

use std::time::Instant;

use crate::plugin::bindings::tollgate::plugin::metrics::{Host, Label, MetricError};
use crate::plugin::state::{Hook, InstanceState, wrong_hook};
use crate::telemetry::metrics::custom::{Change, NotChanged, check_bounds, render_labels};

type Changed = wasmtime::Result<Result<(), MetricError>>;

impl Host for InstanceState {
    fn add_to_counter(&mut self, name: String, labels: Vec<Label>, by: f64) -> Changed {
        self.change("metrics.add-to-counter", &name, &labels, |_| Change::AddToCounter(by))
    }

    fn set_gauge(&mut self, name: String, labels: Vec<Label>, value: f64) -> Changed {
        self.change("metrics.set-gauge", &name, &labels, |_| Change::SetGauge(value))
    }

    fn add_to_gauge(&mut self, name: String, labels: Vec<Label>, by: f64) -> Changed {
        self.change("metrics.add-to-gauge", &name, &labels, |_| Change::AddToGauge(by))
    }

    fn observe(&mut self, name: String, labels: Vec<Label>, value: f64) -> Changed {
        self.change("metrics.observe", &name, &labels, |bounds| Change::Observe(value, bounds))
    }

    /// Kept with the instance and used with its first value: what a plugin sets that is only tried,
    /// and refused in the end, must not touch the numbers of the one that serves.
    fn set_buckets(&mut self, name: String, bounds: Vec<f64>) -> Changed {
        if self.hook != Hook::Configure {
            return Err(wrong_hook("metrics.set-buckets", self.hook));
        }
        if !self.plugin.metrics.is_granted(&name) {
            return Ok(Err(denied(&self.plugin.name, &name)));
        }
        if let Err(problem) = check_bounds(&bounds) {
            return Ok(Err(MetricError::Invalid(problem)));
        }
        self.buckets.retain(|(known, _)| *known != name);
        self.buckets.push((name, bounds));
        Ok(Ok(()))
    }
}

impl InstanceState {
    fn change<'a>(
        &'a mut self,
        function: &str,
        name: &str,
        labels: &[Label],
        change: impl FnOnce(Option<&'a [f64]>) -> Change<'a>,
    ) -> Changed {
        if matches!(self.hook, Hook::Start | Hook::Describe | Hook::Configure) {
            return Err(wrong_hook(function, self.hook));
        }
        if !self.plugin.metrics.is_granted(name) {
            return Ok(Err(denied(&self.plugin.name, name)));
        }
        if !self.plugin.metric_budget.take(Instant::now(), self.plugin.limits.metric_updates) {
            self.plugin.metrics.update_dropped();
            return Ok(Err(MetricError::TooManyUpdates));
        }
        let labels = labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
        let labels = match render_labels(labels) {
            Ok(labels) => labels,
            Err(problem) => return Ok(Err(MetricError::Invalid(problem))),
        };
        let bounds = self.buckets.iter().find(|(known, _)| known == name).map(|(_, bounds)| bounds.as_slice());
        Ok(self.plugin.metrics.change(name, &labels, change(bounds)).map_err(|refused| match refused {
            NotChanged::Invalid(problem) => MetricError::Invalid(problem),
            NotChanged::TooManySeries => MetricError::TooManySeries,
        }))
    }
}

fn denied(plugin: &str, name: &str) -> MetricError {
    MetricError::Denied(format!("[plugins.{plugin}] grant.metrics has no {name:?}"))
}
