//! CPU time and wall time of one hook.
//!
//! CPU time is the time inside `poll` of the hook's future: while the guest waits in the host,
//! nobody polls it, so waiting is free. The epoch callback runs inside `poll` and compares. Wall
//! time gets a timer only once the hook has had to wait; most never do.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Shared by the future, which measures, and the store's epoch callback, which compares. Only one
/// thread ever touches it; it is atomic because a store's data has to be `Send`.
#[derive(Debug)]
pub struct Meter {
    origin: Instant,
    /// Nanoseconds since `origin` at which the poll that is running began.
    poll_started: AtomicU64,
    /// Nanoseconds used by the polls before it.
    used: AtomicU64,
}

impl Meter {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), poll_started: AtomicU64::new(0), used: AtomicU64::new(0) })
    }

    /// CPU time of the hook so far. To be called from inside its poll.
    pub fn used_now(&self) -> Duration {
        let running = self.now().saturating_sub(self.poll_started.load(Relaxed));
        Duration::from_nanos(self.used.load(Relaxed) + running)
    }

    /// CPU time of the hook's polls that are over.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Relaxed))
    }

    fn now(&self) -> u64 {
        // 584 years fit.
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn begin(&self) {
        self.poll_started.store(self.now(), Relaxed);
    }

    fn end(&self) {
        let spent = self.now().saturating_sub(self.poll_started.load(Relaxed));
        self.used.store(self.used.load(Relaxed) + spent, Relaxed);
    }
}

/// The hook took longer than it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WallTimeUp;

/// Runs a hook's future under the meter, for `wall` at the most.
pub(super) async fn metered<F: Future>(meter: &Meter, wall: Duration, hook: F) -> Result<F::Output, WallTimeUp> {
    meter.used.store(0, Relaxed);
    let mut hook = pin!(hook);
    let mut poll = |cx: &mut Context<'_>| {
        meter.begin();
        let polled = hook.as_mut().poll(cx);
        meter.end();
        polled
    };
    // The first poll registers the waker as every poll does, so nothing is lost by going on below.
    if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(poll(cx))).await {
        return Ok(output);
    }
    tokio::time::timeout(wall, poll_fn(poll)).await.map_err(|_| WallTimeUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_costs_no_cpu_time() {
        let meter = Meter::new();
        let slept = metered(&meter, Duration::from_secs(5), tokio::time::sleep(Duration::from_millis(60))).await;
        assert_eq!(slept, Ok(()));
        assert!(meter.used() < Duration::from_millis(40), "{:?}", meter.used());
    }

    #[tokio::test]
    async fn working_costs_cpu_time_that_can_be_read_meanwhile() {
        let meter = Meter::new();
        let work = async {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(20) {}
            meter.used_now()
        };
        let meanwhile = metered(&meter, Duration::from_secs(5), work).await.unwrap();
        assert!(meanwhile >= Duration::from_millis(20), "{meanwhile:?}");
        assert!(meter.used() >= meanwhile);
    }

    #[tokio::test]
    async fn a_hook_that_never_ends_is_given_up_after_its_wall_time() {
        let meter = Meter::new();
        let ended = metered(&meter, Duration::from_millis(20), std::future::pending::<()>()).await;
        assert_eq!(ended, Err(WallTimeUp));
    }
}
