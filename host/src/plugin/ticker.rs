//! Interrupts guests that compute: an OS thread moves the engine's epoch.
//!
//! A thread, because a guest that spins keeps its own thread from ticking anything. A tick costs the
//! machine a wake-up and finds few hooks computing, so they are rare; but while a hook computes for long,
//! whoever else wants to be served waits for ticks. So they come quicker then, and for a while after it: where
//! one hook was long, the next one most often is.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rustix::thread::set_current_timer_slack;
use wasmtime::EngineWeak;

use crate::unchecked::schedule;

/// How often a running guest is interrupted to look at its CPU time and to let others run.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// The same while there are hooks that compute for long, and for [`QUICK_TICKS`] more.
pub(super) const QUICK_TICK: Duration = Duration::from_micros(100);
const QUICK_TICKS: u32 = 200;

/// For a program that runs many times slower than it should, as one does under valgrind: milliseconds between
/// two ticks, up to [`SLOWEST`]. Hooks would be found computing there that are not.
const SLOW: &str = "TOLLGATE_TICK_MS";
const SLOWEST: Duration = Duration::from_secs(1);

/// CPU time from which on a hook makes ticks quick.
pub(super) const QUICKENING: Duration = Duration::from_micros(500);

/// CPU time a hook may use before it is put aside: else most of those would be hit that are over in a moment, and hold
/// an instance each until their turn comes. With many connections that is long, as one has its turn each time the
/// worker has done what was ready: half of the requests took ten times as long as the other half, where a hook that
/// takes 75 microseconds was put aside by any tick.
const GRACE: Duration = QUICK_TICK.saturating_mul(2);

/// The same while ticks are quick.
const QUICK_GRACE: Duration = QUICK_TICK;

/// How much later than asked for the kernel may wake the thread, in nanoseconds.
const SLACK: Option<NonZeroU64> = NonZeroU64::new(1000);

/// Hooks of the whole process that make ticks quick, and are not over. One for all engines: it says only
/// how soon the next tick comes.
static COMPUTING: AtomicUsize = AtomicUsize::new(0);
/// Whether there was one lately.
static IS_QUICK: AtomicBool = AtomicBool::new(false);
/// Ticks so far, of all engines.
static TICKS: AtomicU32 = AtomicU32::new(0);
/// Whether the environment asks for slow ticks.
static IS_SLOW: AtomicBool = AtomicBool::new(false);

/// Ticks come quicker until it is dropped.
#[derive(Debug)]
pub(super) struct Quicker(());

impl Quicker {
    pub(super) fn until_dropped() -> Self {
        COMPUTING.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Quicker {
    fn drop(&mut self) {
        COMPUTING.fetch_sub(1, Relaxed);
    }
}

/// Ticks until the engine is gone.
pub(super) fn start(engine: EngineWeak) -> std::io::Result<()> {
    std::thread::Builder::new().name("epoch".into()).spawn(move || {
        // Else the kernel adds 50 microseconds to each, and a thread that computes beside this one a millisecond and
        // more. Where they may not be set, ticks are that much later.
        let _ = set_current_timer_slack(SLACK);
        // On one processor a guest would go on until the kernel looks who wants it too: milliseconds.
        let _ = schedule::at_once();
        let slow = slow(std::env::var(SLOW).ok().as_deref());
        IS_SLOW.store(slow.is_some(), Relaxed);
        let mut quick_ticks = 0;
        while let Some(engine) = engine.upgrade() {
            TICKS.fetch_add(1, Relaxed);
            engine.increment_epoch();
            drop(engine);
            let pause = pause(&mut quick_ticks);
            std::thread::sleep(slow.unwrap_or(pause));
        }
    })?;
    Ok(())
}

/// Whether times say little about hooks, since the whole program runs slowly.
pub(super) fn is_slow() -> bool {
    IS_SLOW.load(Relaxed)
}

/// How many ticks there were, to be compared with how many there are later.
pub(super) fn ticks() -> u32 {
    TICKS.load(Relaxed)
}

/// CPU time below which a tick leaves a hook alone.
pub(super) fn grace() -> Duration {
    if IS_QUICK.load(Relaxed) { QUICK_GRACE } else { GRACE }
}

/// Until the next tick, where so many more are to be quick.
fn pause(quick_ticks: &mut u32) -> Duration {
    *quick_ticks = if COMPUTING.load(Relaxed) > 0 { QUICK_TICKS } else { quick_ticks.saturating_sub(1) };
    let is_quick = *quick_ticks > 0;
    // Else each tick would take the line from the workers, who read it.
    if IS_QUICK.load(Relaxed) != is_quick {
        IS_QUICK.store(is_quick, Relaxed);
    }
    if is_quick { QUICK_TICK } else { TICK }
}

/// What the environment asks for, if that is slower than usual.
fn slow(milliseconds: Option<&str>) -> Option<Duration> {
    let asked = Duration::from_millis(milliseconds?.parse().ok()?);
    (asked > TICK).then(|| asked.min(SLOWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_may_be_slowed_down_but_not_stopped_or_hurried() {
        assert_eq!(slow(Some("50")), Some(Duration::from_millis(50)));
        assert_eq!(slow(Some("3600000")), Some(SLOWEST));
        for usual in [None, Some("0"), Some("1"), Some("-5"), Some("soon"), Some("")] {
            assert_eq!(slow(usual), None, "{usual:?}");
        }
    }

    #[test]
    fn ticks_come_quicker_while_a_hook_computes_and_a_while_longer() {
        let (one, other) = (Quicker::until_dropped(), Quicker::until_dropped());
        drop(one);
        let mut quick_ticks = 0;
        assert_eq!(pause(&mut quick_ticks), QUICK_TICK);
        drop(other);
        assert_eq!(pause(&mut quick_ticks), QUICK_TICK);
        // Hooks of other tests count as well; they end.
        while pause(&mut quick_ticks) != TICK {
            std::thread::yield_now();
        }
    }
}
