//! One timer for everything that is waited for in turn: re-armed, never re-created.
//!
//! Moving a tokio timer costs more than letting it fire too early once, so a timer that is armed
//! for an earlier time than asked is left alone; when it fires the real time is armed. Under load
//! a connection's timer is thereby touched once per time-out, not once per request.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Costs nothing until it is polled for the first time.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready once `until` is over. A later call may name another time, earlier or later.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if until < sleep.deadline() {
            sleep.as_mut().reset(until);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
    }
}

/// `now + wait`, where a wait beyond what the clock can express means "practically never".
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_hours(30 * 365 * 24);
    now.checked_add(wait.min(NEVER)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_timer_can_be_brought_forward_and_pushed_back() {
        let mut timer = Timer::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        poll_fn(|cx| {
            assert!(timer.poll(cx, at(5_000)).is_pending());
            assert!(timer.poll(cx, at(20)).is_pending());
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| timer.poll(cx, at(60))).await;
        let took = start.elapsed();
        assert!((60..2_000).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test]
    async fn an_endless_wait_does_not_overflow_the_clock() {
        assert!(later(Instant::now(), Duration::MAX) > Instant::now() + Duration::from_secs(3600));
    }
}
