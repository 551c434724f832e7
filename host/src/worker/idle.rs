//! Plugin instances that were needed for a burst of requests, and are not any more.

use std::rc::Weak;
use std::time::Duration;

use super::Worker;

/// How often a worker looks for them.
const INTERVAL: Duration = Duration::from_secs(1);

/// Retires them as long as the worker runs.
pub(super) async fn retire(worker: Weak<Worker>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(worker) = worker.upgrade() else { return };
        for pool in worker.snapshot().pools() {
            pool.retire_idle().await;
        }
    }
}
