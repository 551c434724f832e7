//! Plugins whose hooks are mostly over before a tick finds them computing, and yet are felt by who waits behind them.
//!
//! A worker runs what is ready one after the other. Four hooks of half a millisecond that are ready at once keep a
//! request behind them for two, and `turns` never hears of them. So a plugin is weighed by the CPU time of its
//! hooks. By a clock that counts a thread as well that the kernel had put aside, so a plugin that was heavy once is
//! watched: its next hooks are measured by the thread's own clock, which costs two calls of the kernel each.
//!
//! Hooks of a heavy plugin begin in their turn, and ticks are quick meanwhile: between any two tenths of a millisecond
//! of theirs the worker looks at its sockets. What takes long even so is done in one piece that nothing interrupts:
//! megabytes that the host copies, a signature. Such hooks are followed by a rest as well.

use std::cell::Cell;
use std::time::Duration;

use super::meter::Meter;
use super::ticker::{self, QUICK_TICK};
use super::turns::{Begins, PIECE};

/// CPU time from which on a hook is heavy: what a tick would end, if it came in time.
const HEAVY: Duration = QUICK_TICK.saturating_mul(2);

/// How many hooks a plugin is watched.
const HOOKS: u32 = 100;

/// In quick ticks: time of heavy hooks, and in pieces, from which on hooks are treated so. Each other hook makes up
/// for one; one without a piece for a short one, as late ticks make some of what is none.
const MUCH: u32 = 20;
const MUCH_IN_PIECES: u32 = 120;
const SHORT_PIECE: u32 = 4;
const MOST: u32 = 500;

/// Of one plugin on one worker.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// Hooks still to be watched.
    watched: Cell<u32>,
    /// Quick ticks that were spent in heavy hooks, and are not made up for.
    spent: Cell<u32>,
    /// The same of pieces, while ticks were quick.
    in_pieces: Cell<u32>,
}

impl Weight {
    /// Whether the next hook is to be measured by the thread's clock.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.get() > 0
    }

    /// Whether the next hook is to wait for its turn, and for which.
    pub(super) fn turn(&self) -> Option<Begins> {
        if self.spent.get() < MUCH {
            return None;
        }
        Some(if self.in_pieces.get() < MUCH_IN_PIECES { Begins::Heavy } else { Begins::InPieces })
    }

    /// Learns from a hook that is over.
    pub(super) fn learn(&self, meter: &Meter) {
        let used = meter.used();
        if used < HEAVY || ticker::is_slow() {
            self.watched.update(|hooks| hooks.saturating_sub(1));
            self.spent.update(|ticks| ticks.saturating_sub(1));
            self.in_pieces.update(|ticks| ticks.saturating_sub(SHORT_PIECE));
            return;
        }
        if self.is_watched() {
            // Ticks that are not quick let a hook compute for longer than a piece takes.
            let piece = Some(meter.longest_poll()).filter(|&piece| piece >= PIECE && self.turn().is_some());
            self.in_pieces.update(|ticks| piece.map_or(ticks.saturating_sub(SHORT_PIECE), |piece| add(ticks, piece)));
            self.spent.update(|ticks| add(ticks, used));
        }
        self.watched.set(HOOKS);
    }
}

fn add(ticks: u32, time: Duration) -> u32 {
    let more = time.as_nanos() / QUICK_TICK.as_nanos();
    u32::try_from(more).map_or(MOST, |more| ticks.saturating_add(more).min(MOST))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::super::meter::metered;
    use super::*;

    /// A hook that is over after one poll, in which the thread computes or sleeps.
    async fn hook(weight: &Weight, poll: impl FnOnce()) {
        let meter = Meter::new("p".into());
        meter.watch(weight.is_watched());
        metered(&meter, Duration::from_secs(9), pin!(async { poll() })).await.unwrap();
        weight.learn(&meter);
    }

    fn compute(time: Duration) {
        let end = Meter::thread_time() + time;
        while Meter::thread_time() < end {}
    }

    async fn hooks(weight: &Weight, many: u32, poll: impl Fn()) {
        for _ in 0..many {
            hook(weight, &poll).await;
        }
    }

    #[tokio::test]
    async fn what_is_heavy_has_turns_until_it_is_so_no_more() {
        let weight = Weight::default();
        hooks(&weight, 1, || compute(HEAVY * 20)).await;
        assert!(weight.is_watched() && weight.turn().is_none(), "the kernel may have put the thread aside");
        hooks(&weight, 1, || ()).await;
        hooks(&weight, 11, || compute(HEAVY)).await;
        assert_eq!(weight.turn(), Some(Begins::Heavy));
        hooks(&weight, MOST, || ()).await;
        assert!(!weight.is_watched() && weight.turn().is_none());
    }

    #[tokio::test]
    async fn what_is_done_in_pieces_rests_as_well() {
        let weight = Weight::default();
        hooks(&weight, 4, || compute(HEAVY * 20)).await;
        assert_eq!(weight.turn(), Some(Begins::Heavy));
        hooks(&weight, 2, || compute(HEAVY * 20)).await;
        assert_eq!(weight.turn(), Some(Begins::InPieces));
    }

    #[tokio::test]
    async fn a_thread_that_was_put_aside_computed_nothing() {
        let weight = Weight::default();
        hooks(&weight, 3, || std::thread::sleep(HEAVY * 60)).await;
        assert!(weight.is_watched() && weight.turn().is_none());
    }
}
