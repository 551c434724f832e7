//! Plugins that do much in one piece, which no tick interrupts: have the host copy or sign megabytes.
//!
//! Such a hook may be over without having seen a tick, so `turns` never hears of it. It is found by how long one
//! poll of it took, by a clock that counts a thread as well that the kernel had put aside. So a plugin that took
//! long once is watched: its next hooks are measured by the thread's own clock, which costs two calls of the kernel
//! each. Where those took long for [`MUCH`] together, with few others in between, the plugin's hooks have turns.

use std::cell::Cell;
use std::time::Duration;

use super::meter::Meter;
use super::ticker::TICK;

/// A poll of this length was done in one piece, for else ticks would have ended it before.
const LONG: Duration = TICK.saturating_mul(2);

/// How many hooks a plugin is watched.
const HOOKS: u32 = 100;

/// Milliseconds in pieces from which on hooks have turns. Each hook without a piece makes up for one.
const MUCH: u32 = 12;
const MOST: u32 = 500;

/// Of one plugin on one worker.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Hooks still to be watched.
    watched: Cell<u32>,
    /// Milliseconds that were spent in pieces, and are not made up for.
    spent: Cell<u32>,
}

impl Pieces {
    /// Whether the next hook is to be measured by the thread's clock.
    pub(super) fn are_watched(&self) -> bool {
        self.watched.get() > 0
    }

    /// Whether the next hook is to wait for its turn.
    pub(super) fn need_turns(&self) -> bool {
        self.spent.get() >= MUCH
    }

    /// Learns from a hook that is over.
    pub(super) fn learn(&self, meter: &Meter) {
        let took = meter.longest_poll();
        if took < LONG {
            self.watched.update(|hooks| hooks.saturating_sub(1));
            self.spent.update(|spent| spent.saturating_sub(1));
            return;
        }
        if self.are_watched() {
            let took = u32::try_from(took.as_millis()).unwrap_or(MOST);
            self.spent.update(|spent| spent.saturating_add(took).min(MOST));
        }
        self.watched.set(HOOKS);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::super::meter::metered;
    use super::*;

    /// A hook that is over after one poll, in which the thread computes or sleeps.
    async fn hook(pieces: &Pieces, piece: impl FnOnce()) {
        let meter = Meter::new("p".into());
        meter.watch(pieces.are_watched());
        metered(&meter, Duration::from_secs(9), pin!(async { piece() })).await.unwrap();
        pieces.learn(&meter);
    }

    fn compute() {
        let end = Meter::thread_time() + LONG * 6;
        while Meter::thread_time() < end {}
    }

    #[tokio::test]
    async fn what_computes_in_pieces_has_turns_until_it_does_so_no_more() {
        let pieces = Pieces::default();
        hook(&pieces, compute).await;
        assert!(pieces.are_watched() && !pieces.need_turns());
        hook(&pieces, || ()).await;
        hook(&pieces, compute).await;
        assert!(pieces.need_turns());
        for _ in 0..MOST {
            hook(&pieces, || ()).await;
        }
        assert!(!pieces.are_watched() && !pieces.need_turns());
    }

    #[tokio::test]
    async fn a_thread_that_was_put_aside_computed_nothing() {
        let pieces = Pieces::default();
        for _ in 0..3 {
            hook(&pieces, || std::thread::sleep(LONG * 6)).await;
        }
        assert!(pieces.are_watched() && !pieces.need_turns());
    }
}
