//! What a worker's pools look like, told to the metrics now and then.
//!
//! Pools count for themselves; copying their numbers once a second costs a request nothing.

use std::collections::HashMap;
use std::rc::Weak;
use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use crate::plugin::turns::Turns;
use crate::upstream::TargetState;

/// How old the numbers may be.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs as long as the worker.
pub(super) async fn keep(worker: Weak<Worker>) {
    let mut opened: HashMap<Arc<str>, u64> = HashMap::new();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(worker) = worker.upgrade() else { return };
        let snapshot = worker.snapshot();
        let mut seen = HashMap::new();
        for state in worker.upstreams.borrow().targets() {
            let before = opened.get(&state.name).copied().unwrap_or_default();
            seen.insert(Arc::clone(&state.name), state.connects);
            tell(&snapshot, &state, state.connects.saturating_sub(before));
        }
        opened = seen;
        let (running, waiting) = Turns::here().counts();
        worker.metrics.long_hooks.set(gauge(running));
        worker.metrics.long_hooks_waiting.set(gauge(waiting));
    }
}

/// A target that two upstreams name has one pool; the first of them is told.
fn tell(snapshot: &crate::snapshot::WorkerSnapshot, state: &TargetState, newly_opened: u64) {
    let Some(metrics) = snapshot.first_metrics_of(&state.name) else { return };
    metrics.in_flight.set(gauge(state.in_flight));
    metrics.ejected.set(state.ejected.into());
    metrics.connections_opened.add(newly_opened);
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
