//! CPU time and wall time of one hook.
//!
//! CPU time is the time inside `poll` of the hook's future: while the guest waits in the host,
//! nobody polls it, so waiting is free. That is cheap to know, but counts a thread the kernel has put
//! aside as well, as it does on a busy machine or in a throttled container. So a hook that is still
//! running at a tick is measured by the thread's own clock from there on. Wall time gets a timer only
//! once the hook has had to wait; most never do.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::engine::TICK;

/// Shared by the future, which measures, and the store's epoch callback, which compares. Only one
/// thread ever touches it; it is atomic because a store's data has to be `Send`.
#[derive(Debug)]
pub struct Meter {
    origin: Instant,
    /// Whether the hook saw a tick, and is measured by the thread's clock since.
    is_slow: AtomicBool,
    /// Nanoseconds, by the clock in use, at which the poll that is running began.
    poll_started: AtomicU64,
    /// Nanoseconds used before that.
    used: AtomicU64,
}

impl Meter {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            is_slow: AtomicBool::new(false),
            poll_started: AtomicU64::new(0),
            used: AtomicU64::new(0),
        })
    }

    /// CPU time of the hook so far, at a tick. To be called from inside its poll.
    pub fn tick(&self) -> Duration {
        if !self.is_slow.load(Relaxed) {
            // Whatever lies between two ticks, the guest can have used no more than one of it.
            let tick = u64::try_from(TICK.as_nanos()).unwrap_or(u64::MAX);
            let spent = self.now().saturating_sub(self.poll_started.load(Relaxed)).min(tick);
            self.used.store(self.used.load(Relaxed) + spent, Relaxed);
            self.is_slow.store(true, Relaxed);
            self.begin();
        }
        let running = self.now().saturating_sub(self.poll_started.load(Relaxed));
        Duration::from_nanos(self.used.load(Relaxed) + running)
    }

    /// CPU time of the hook's polls that are over.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Relaxed))
    }

    /// Nanoseconds since some moment, by the clock in use. 584 years fit.
    fn now(&self) -> u64 {
        let time = if self.is_slow.load(Relaxed) { thread_time() } else { self.origin.elapsed() };
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }

    fn reset(&self) {
        self.used.store(0, Relaxed);
        self.is_slow.store(false, Relaxed);
    }

    fn begin(&self) {
        self.poll_started.store(self.now(), Relaxed);
    }

    fn end(&self) {
        let spent = self.now().saturating_sub(self.poll_started.load(Relaxed));
        self.used.store(self.used.load(Relaxed) + spent, Relaxed);
    }
}

/// CPU time of this thread. Asks the kernel, which costs more than the whole of most hooks.
fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// The hook took longer than it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WallTimeUp;

/// Runs a hook's future under the meter, for `wall` at the most.
pub(super) async fn metered<F: Future>(meter: &Meter, wall: Duration, hook: F) -> Result<F::Output, WallTimeUp> {
    meter.reset();
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
            meter.tick();
            while start.elapsed() < Duration::from_millis(20) {}
            meter.tick()
        };
        let meanwhile = metered(&meter, Duration::from_secs(5), work).await.unwrap();
        // Half of it, where this thread had to share its processor.
        assert!(meanwhile >= Duration::from_millis(10), "{meanwhile:?}");
        assert!(meter.used() >= meanwhile);
    }

    #[tokio::test]
    async fn a_thread_that_was_put_aside_has_used_no_cpu_time() {
        let meter = Meter::new();
        let put_aside = async {
            // Whether the kernel or the thread itself stops it: it does not run.
            std::thread::sleep(Duration::from_millis(60));
            let at_a_tick = meter.tick();
            std::thread::sleep(Duration::from_millis(60));
            (at_a_tick, meter.tick())
        };
        let (first, second) = metered(&meter, Duration::from_secs(5), put_aside).await.unwrap();
        assert!(first < Duration::from_millis(10) && second < Duration::from_millis(10), "{first:?}, {second:?}");
    }

    #[tokio::test]
    async fn a_hook_that_never_ends_is_given_up_after_its_wall_time() {
        let meter = Meter::new();
        let ended = metered(&meter, Duration::from_millis(20), std::future::pending::<()>()).await;
        assert_eq!(ended, Err(WallTimeUp));
    }
}
