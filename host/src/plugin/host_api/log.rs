//! `log`: lines for operators, in the gateway's own log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::per_second::PerSecond;
use crate::plugin::bindings::tollgate::plugin::log::{Host, Level};
use crate::plugin::state::InstanceState;

/// Longest line, in bytes; the rest is cut.
const MAX_LINE: usize = 4096;

/// How many lines may still be written in this second. A flood is cut here, before it
/// costs the log's queue anything.
#[derive(Debug, Default)]
pub struct LogBudget {
    lines: PerSecond,
    /// Lines dropped since the last one that was told about.
    dropped: AtomicU64,
}

impl LogBudget {
    /// Whether a line may be written, where `limit` are in a second, and how many were dropped before it.
    pub fn take(&self, now: Instant, limit: u32) -> Option<u64> {
        if !self.lines.take(now, limit) {
            self.dropped.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.dropped.swap(0, Relaxed))
    }
}

impl Host for InstanceState {
    fn write(&mut self, level: Level, mut message: String) -> wasmtime::Result<()> {
        self.count(&message);
        let limit = self.plugin.limits.log_lines;
        let Some(dropped) = self.plugin.log_budget.take(Instant::now(), limit) else {
            if let Some(metrics) = &self.metrics {
                metrics.log_dropped();
            }
            return Ok(());
        };
        if dropped > 0 {
            tracing::warn!(
                plugin = &*self.plugin.name,
                dropped,
                "log lines of a plugin were dropped: more than limits.log_lines ({limit}) a second"
            );
        }
        message.truncate(message.floor_char_boundary(MAX_LINE));
        let (plugin, hook) = (&*self.plugin.name, self.hook.name());
        let context = self.context.as_deref();
        let route = context.map(|context| context.route.name());
        let id = context.map(|context| tracing::field::display(context.id));
        match level {
            Level::Debug => tracing::debug!(plugin, hook, route, id, "{message}"),
            Level::Info => tracing::info!(plugin, hook, route, id, "{message}"),
            Level::Warn => tracing::warn!(plugin, hook, route, id, "{message}"),
            Level::Error => tracing::error!(plugin, hook, route, id, "{message}"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted_and_the_next_second_starts_anew() {
        let budget = LogBudget::default();
        let now = Instant::now();
        assert_eq!((0..150).filter(|_| budget.take(now, 100).is_some()).count(), 100);
        assert_eq!(budget.take(now + Duration::from_secs(1), 100), Some(50));
        assert_eq!(budget.take(now + Duration::from_secs(1), 100), Some(0));
    }
}
