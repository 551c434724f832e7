//! CPU time and wall time of one hook.
//!
//! CPU time is the time inside `poll` of the hook's future: while the guest waits in the host,
//! nobody polls it, so waiting is free. That is cheap to know, but counts a thread the kernel has put
//! aside as well, as it does on a busy machine or in a throttled container. So a hook that is still
//! running at a tick is measured by the thread's own clock from there on. Wall time gets a timer only
//! once the hook has had to wait; most never do. What a tick found computing goes on in its turn
//! (`turns`).

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::ticker::{self, TICK};
use super::turns::{Seat, Turn};

/// Shared by the future, which measures, and the store's epoch callback, which compares. Only one
/// thread ever touches it; it is atomic because a store's data has to be `Send`.
#[derive(Debug)]
pub struct Meter {
    /// Whose hook it is.
    plugin: Arc<str>,
    /// Whether the hook saw a tick, and is measured by the thread's clock since.
    is_slow: AtomicBool,
    /// Whether it is measured by that clock from its beginning.
    is_watched: AtomicBool,
    /// Nanoseconds of the longest poll, by the clock in use.
    longest_poll: AtomicU64,
    /// Nanoseconds, by the clock in use, at which the poll that is running began.
    poll_started: AtomicU64,
    /// Ticks before that.
    ticks: AtomicU32,
    /// Nanoseconds used before that.
    used: AtomicU64,
    /// Nanoseconds used until which ticks leave it alone, for it has its turn.
    turn_ends: AtomicU64,
    /// Whether a tick has put the hook aside, and it has not been told so yet.
    is_aside: AtomicBool,
    /// Whether the hook was not over at once, so that the next two hold.
    has_paused: AtomicBool,
    /// Nanoseconds spent waiting in the host.
    host_wait: AtomicU64,
    /// Nanoseconds spent waiting for a turn to compute.
    turn_wait: AtomicU64,
}

impl Meter {
    pub fn new(plugin: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            plugin,
            is_slow: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
            longest_poll: AtomicU64::new(0),
            poll_started: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            used: AtomicU64::new(0),
            turn_ends: AtomicU64::new(0),
            is_aside: AtomicBool::new(false),
            has_paused: AtomicBool::new(false),
            host_wait: AtomicU64::new(0),
            turn_wait: AtomicU64::new(0),
        })
    }

    /// Whether a tick came since the poll began that is running. A guest hears of those as well that came while it
    /// waited in the host, when it goes on.
    pub(super) fn was_ticked(&self) -> bool {
        ticker::ticks() != self.ticks.load(Relaxed)
    }

    /// Whether the hook, which computes, is to let others go on. Then its poll is to be left with `pause`.
    ///
    /// # Errors
    ///
    /// Where it has used more CPU time than this.
    pub(super) fn has_had_its_turn(&self, most: Duration) -> Result<bool, CpuTimeUp> {
        let used = self.tick();
        if used > most {
            return Err(CpuTimeUp);
        }
        let is_aside = used >= ticker::grace().max(Duration::from_nanos(self.turn_ends.load(Relaxed)));
        self.is_aside.store(is_aside, Relaxed);
        Ok(is_aside)
    }

    /// The hook goes on, so long if nothing ends it.
    fn have_a_turn(&self, length: Duration) {
        self.turn_ends.store(nanoseconds_of(self.used() + length), Relaxed);
    }

    /// CPU time of the hook so far, at a tick. To be called from inside its poll.
    pub fn tick(&self) -> Duration {
        if !self.is_slow.load(Relaxed) {
            // Whatever lies between two ticks, the guest can have used no more than one of it.
            let tick = nanoseconds_of(TICK);
            let spent = self.now().saturating_sub(self.poll_started.load(Relaxed));
            self.longest_poll.store(self.longest_poll.load(Relaxed).max(spent), Relaxed);
            self.used.store(self.used.load(Relaxed) + spent.min(tick), Relaxed);
            self.is_slow.store(true, Relaxed);
            self.begin();
        }
        let running = self.now().saturating_sub(self.poll_started.load(Relaxed));
        Duration::from_nanos(self.used.load(Relaxed) + running)
    }

    /// Whether the hooks to come are measured by the thread's clock from their beginning.
    pub(super) fn watch(&self, is_watched: bool) {
        self.is_watched.store(is_watched, Relaxed);
    }

    /// How long the hook's longest poll took. Time in which the kernel had put the thread aside counts, unless the
    /// hook was watched.
    pub(super) fn longest_poll(&self) -> Duration {
        Duration::from_nanos(self.longest_poll.load(Relaxed))
    }

    /// CPU time of the hook's polls that are over.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Relaxed))
    }

    /// What the hook spent waiting in the host, and for its turn to compute. `None` where it did neither.
    pub fn waits(&self) -> Option<(Duration, Duration)> {
        let time = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Relaxed));
        self.has_paused.load(Relaxed).then(|| (time(&self.host_wait), time(&self.turn_wait)))
    }

    /// Nanoseconds since some moment, by the clock in use. 584 years fit.
    fn now(&self) -> u64 {
        nanoseconds(if self.is_slow.load(Relaxed) { THREAD_TIME } else { TIME })
    }

    fn reset(&self) {
        self.used.store(0, Relaxed);
        self.turn_ends.store(0, Relaxed);
        self.longest_poll.store(0, Relaxed);
        self.is_slow.store(self.is_watched.load(Relaxed), Relaxed);
        self.is_aside.store(false, Relaxed);
        self.has_paused.store(false, Relaxed);
    }

    fn poll<F: Future>(&self, hook: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.begin();
        let polled = hook.poll(cx);
        self.end();
        polled
    }

    fn begin(&self) {
        self.ticks.store(ticker::ticks(), Relaxed);
        self.poll_started.store(self.now(), Relaxed);
    }

    fn end(&self) {
        let spent = self.now().saturating_sub(self.poll_started.load(Relaxed));
        self.used.store(self.used.load(Relaxed) + spent, Relaxed);
        if spent > self.longest_poll.load(Relaxed) {
            self.longest_poll.store(spent, Relaxed);
        }
    }

    /// CPU time of this thread so far.
    #[cfg(test)]
    pub(super) fn thread_time() -> Duration {
        Duration::from_nanos(nanoseconds(THREAD_TIME))
    }
}

/// CPU time of this thread. Asks the kernel, which costs more than the whole of most hooks.
const THREAD_TIME: ClockId = ClockId::CLOCK_THREAD_CPUTIME_ID;
/// Asked twice for each hook, and without the checks that `Instant` makes in between.
const TIME: ClockId = ClockId::CLOCK_MONOTONIC;

/// Both clocks are there on any Linux, and begin at or after 0.
fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).unwrap_or(TimeSpec::new(0, 0));
    time.tv_sec().cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec().cast_unsigned())
}

/// The operator's marker inside a wasmtime error: a hook was stopped in the middle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CpuTimeUp;

impl std::fmt::Display for CpuTimeUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("used more CPU time than limits.cpu allows")
    }
}

impl std::error::Error for CpuTimeUp {}

/// Why a hook was not run to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It took longer than it may.
    Wall,
    /// Too many others compute for long, or none of them was over within the wall time.
    Crowded,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wall => "took longer than limits.wall allows",
            Self::Crowded => "too many others compute for long (server.limits.long_hooks)",
        })
    }
}

impl std::error::Error for Stopped {}

/// Puts a hook aside at a tick. Only what runs under [`metered`] may: nothing else goes on with it.
pub(super) fn pause() -> impl Future<Output = ()> + Send + 'static {
    let mut paused = false;
    poll_fn(move |_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending })
}

/// Runs a hook's future under the meter, for `wall` at the most. It is lent, as it is large and would be moved
/// for each call.
pub(super) async fn metered<F: Future>(meter: &Meter, wall: Duration, hook: Pin<&mut F>) -> Result<F::Output, Stopped> {
    metered_in_turn(meter, wall, hook, None).await
}

/// As [`metered`], of a hook that has a turn already, until it is over or waits.
pub(super) async fn metered_in_turn<F: Future>(
    meter: &Meter,
    wall: Duration,
    mut hook: Pin<&mut F>,
    turn: Option<Turn>,
) -> Result<F::Output, Stopped> {
    meter.reset();
    // The first poll registers the waker as every poll does, so nothing is lost by going on below.
    if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(meter.poll(hook.as_mut(), cx))).await {
        return Ok(output);
    }
    drop(turn);
    // Boxed: a future is moved about whole, and most hooks are over by now.
    Box::pin(rest(meter, wall, hook)).await
}

/// The rest of a hook that has to wait, or that a tick found computing.
async fn rest<F: Future>(meter: &Meter, wall: Duration, mut hook: Pin<&mut F>) -> Result<F::Output, Stopped> {
    let mut seat = Seat::new(&meter.plugin);
    let (host_wait, turn_wait) = (Waited::default(), Waited::default());
    let to_its_end = async {
        loop {
            if meter.is_aside.swap(false, Relaxed) {
                let began = Instant::now();
                let turn = seat.next_turn(meter.used()).await;
                turn_wait.add(began.elapsed());
                meter.have_a_turn(turn.map_err(|_| Stopped::Crowded)?);
            }
            let mut waits_since = Instant::now();
            let polled = poll_fn(|cx| {
                host_wait.add(waits_since.elapsed());
                let polled = meter.poll(hook.as_mut(), cx);
                waits_since = Instant::now();
                if polled.is_pending() && !meter.is_aside.load(Relaxed) {
                    seat.leave();
                    return Poll::Pending;
                }
                Poll::Ready(polled)
            });
            if let Poll::Ready(output) = polled.await {
                return Ok(output);
            }
        }
    };
    let ended = tokio::time::timeout(wall, to_its_end).await;
    meter.host_wait.store(host_wait.nanoseconds(), Relaxed);
    meter.turn_wait.store(turn_wait.nanoseconds(), Relaxed);
    meter.has_paused.store(true, Relaxed);
    ended.unwrap_or(Err(if seat.is_kept_out { Stopped::Crowded } else { Stopped::Wall }))
}

/// A sum of times.
#[derive(Debug, Default)]
struct Waited(Cell<Duration>);

impl Waited {
    fn add(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }

    fn nanoseconds(&self) -> u64 {
        nanoseconds_of(self.0.get())
    }
}

fn nanoseconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn waiting_costs_no_cpu_time() {
        let meter = Meter::new("p".into());
        let slept = metered(&meter, Duration::from_secs(5), pin!(tokio::time::sleep(Duration::from_millis(60)))).await;
        assert_eq!(slept, Ok(()));
        assert!(meter.used() < Duration::from_millis(40), "{:?}", meter.used());
    }

    #[tokio::test]
    async fn working_costs_cpu_time_that_can_be_read_meanwhile() {
        let meter = Meter::new("p".into());
        let work = async {
            // By this thread's own clock: on a busy machine it gets a part of the time only.
            let start = nanoseconds(THREAD_TIME);
            meter.tick();
            while nanoseconds(THREAD_TIME) - start < 20_000_000 {}
            meter.tick()
        };
        let meanwhile = metered(&meter, Duration::from_secs(5), pin!(work)).await.unwrap();
        assert!(meanwhile >= Duration::from_millis(10), "{meanwhile:?}");
        assert!(meter.used() >= meanwhile);
    }

    #[tokio::test]
    async fn a_tick_leaves_a_hook_alone_that_has_only_begun() {
        let meter = Meter::new("p".into());
        let most = Duration::from_secs(9);
        let asked = async || {
            let soon = meter.has_had_its_turn(most);
            let start = nanoseconds(THREAD_TIME);
            while nanoseconds(THREAD_TIME) - start < 1_000_000 {}
            (soon, meter.has_had_its_turn(most))
        };
        // Where the kernel had put the thread aside before it asked, that counts.
        for _ in 0..100 {
            let asked = metered(&meter, most, pin!(asked())).await.unwrap();
            assert_eq!(asked.1, Ok(true));
            if asked.0 == Ok(false) {
                return;
            }
        }
        panic!("put aside at once, each time");
    }

    #[tokio::test]
    async fn a_tick_leaves_a_hook_alone_until_its_turn_is_over() {
        let meter = Meter::new("p".into());
        let most = Duration::from_secs(9);
        let computes = async || {
            let start = meter.tick();
            meter.have_a_turn(start + Duration::from_millis(20));
            while meter.tick() < start + Duration::from_millis(1) {}
            let in_its_turn = meter.has_had_its_turn(most);
            while meter.tick() < start + Duration::from_millis(21) {}
            (in_its_turn, meter.has_had_its_turn(most))
        };
        let asked = metered(&meter, most, pin!(computes())).await.unwrap();
        assert_eq!(asked, (Ok(false), Ok(true)));
    }

    #[tokio::test]
    async fn a_thread_that_was_put_aside_has_used_no_cpu_time() {
        let meter = Meter::new("p".into());
        let put_aside = async {
            // Whether the kernel or the thread itself stops it: it does not run.
            std::thread::sleep(Duration::from_millis(60));
            let at_a_tick = meter.tick();
            std::thread::sleep(Duration::from_millis(60));
            (at_a_tick, meter.tick())
        };
        let (first, second) = metered(&meter, Duration::from_secs(5), pin!(put_aside)).await.unwrap();
        assert!(first < Duration::from_millis(10) && second < Duration::from_millis(10), "{first:?}, {second:?}");
    }

    #[tokio::test]
    async fn a_hook_that_never_ends_is_given_up_after_its_wall_time() {
        let meter = Meter::new("p".into());
        let ended = metered(&meter, Duration::from_millis(20), pin!(std::future::pending::<()>())).await;
        assert_eq!(ended, Err(Stopped::Wall));
    }
}
