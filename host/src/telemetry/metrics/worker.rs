//! What one worker counts about itself.

use super::shards::Shard;
use super::text::{Kind, Text};
use super::value::{Counter, Gauge};

/// The numbers of one worker that belong to no route.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerMetrics {
    connections_total: Counter,
    connections: Gauge,
    /// Hooks that take turns to compute.
    pub long_hooks: Gauge,
    /// Hooks that wait to take part in that.
    pub long_hooks_waiting: Gauge,
    /// Access lines that found no room, or could not be written.
    pub access_lines_dropped: Counter,
}

impl WorkerMetrics {
    pub fn connection_opened(&self) {
        self.connections_total.add(1);
        self.connections.add(1);
    }

    pub fn connection_closed(&self) {
        self.connections.add(-1);
    }

    /// Open client connections of this worker.
    pub fn connections(&self) -> i64 {
        self.connections.get()
    }
}

impl Shard for WorkerMetrics {
    fn add_counters_to(&self, total: &Self) {
        self.connections_total.add_to(&total.connections_total);
        self.access_lines_dropped.add_to(&total.access_lines_dropped);
    }

    fn add_gauges_to(&self, total: &Self) {
        self.connections.add_to(&total.connections);
        self.long_hooks.add_to(&total.long_hooks);
        self.long_hooks_waiting.add_to(&total.long_hooks_waiting);
    }
}

pub(super) fn write(text: &mut Text, workers: &WorkerMetrics) {
    text.family("tollgate_connections", Kind::Gauge, "Open client connections.");
    text.sample(&[], workers.connections.get());
    text.family("tollgate_connections_total", Kind::Counter, "Client connections accepted.");
    text.sample(&[], workers.connections_total.get());
    text.family("tollgate_long_hooks", Kind::Gauge, "Plugins' hooks that take turns to compute for long.");
    text.sample(&[], workers.long_hooks.get());
    text.family("tollgate_long_hooks_waiting", Kind::Gauge, "Plugins' hooks that wait for a place among those.");
    text.sample(&[], workers.long_hooks_waiting.get());
    text.family(
        "tollgate_access_lines_dropped_total",
        Kind::Counter,
        "Access log lines that found no room or could not be written.",
    );
    text.sample(&[], workers.access_lines_dropped.get());
}
