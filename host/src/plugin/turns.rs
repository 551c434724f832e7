//! Whose turn it is to compute: the hooks of one worker that a tick found computing.
//!
//! A guest runs inside a poll of its worker, and nothing else of the worker runs meanwhile. So a hook
//! that a tick finds computing goes on only in its turn: one hook, for one tick, between two looks of
//! the worker at its sockets, or more where much lies between two looks ([`SHARE`]). A hook that is over
//! before a tick, as nearly all are, or that had begun a moment before, never comes here, and one that
//! waits in the host (for an answer of another service) gives its turn away.
//!
//! Those that have computed for [`LONG`] are long hooks. They take turns apart from those that have
//! not, which most often are nearly over, and between two of their turns the worker has [`ROUNDS`] for
//! all the rest. `server.limits.long_hooks` of a worker take turns; more of them wait in place until
//! one is over, `server.limits.long_hooks_queue` at most. Absent on purpose: the limits on one hook,
//! which are `meter`'s.
//!
//! A hook that ends in a fault costs its instance, and the next one of that plugin a new one: together much
//! more than a hook, in one piece. So what follows a fault has turns too ([`turn_to_begin`]), and plugins
//! that trap for each request leave the worker to the others in between.

mod seat;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::cork;

use super::ticker::{QUICK_TICK, Quicker, TICK};
pub(super) use seat::Seat;

/// CPU time from which on a hook is long. The first tick may come at once, or while the kernel has
/// put the thread aside: only the second one tells of a whole tick of work.
const LONG: Duration = TICK.saturating_mul(2);

/// How often the worker does what is ready, and looks at its sockets again, before a long hook goes
/// on. A request takes a few such rounds; where there is nothing to do one takes a microsecond.
const ROUNDS: usize = 8;

/// How long the rounds may take in all: long hooks have a fifth of a worker that is busy.
const ROUNDS_TIME: Duration = QUICK_TICK.saturating_mul(4);

/// What is ready between two looks is done in a moment, or takes milliseconds where there are many connections. Did only
/// one hook have its turn meanwhile that is nearly over, more would come than go, and wait in line for seconds while
/// others pass. So as many have that a quick tick of each is this part of the time, up to [`AT_ONCE`].
const SHARE: u32 = 4;
const AT_ONCE: usize = 32;

/// A long hook's turn is over with the next quick tick. Where it had to wait for twice as long as this, since many
/// connections are served in a round, it is longer in proportion, and this at the most: long hooks have a part of the
/// worker there, too, or they would not be over for seconds.
const LONGEST: Duration = TICK;
const REST: u32 = 4;

/// A guest may also have something done in one piece, such as megabytes copied by the host. What is about to be ready
/// would wait for the next piece, and rounds are over at once where nothing is. So after a turn that was so much longer
/// than it should be, long hooks and what follows a fault rest, in whole milliseconds as timers know them, for [`REST`]
/// times as long as it took: here too they have a fifth.
pub(super) const PIECE: Duration = QUICK_TICK.saturating_mul(4);

thread_local! {
    static TURNS: Rc<Turns> = Rc::default();
}

/// The turns of one thread.
#[derive(Debug)]
pub struct Turns {
    short: Line,
    long: Line,
    heavy: Line,
    after_fault: Line,
    look: Line,
    /// How many short hooks may have a turn.
    at_once: Cell<usize>,
    /// Until when neither long hooks nor what follows a fault compute.
    rest_until: Cell<Option<Instant>>,
    /// The plugin of each long hook that takes turns.
    running: RefCell<Vec<Arc<str>>>,
    /// Further long hooks, with their plugins.
    waiting: RefCell<VecDeque<(Arc<str>, oneshot::Sender<Place>)>>,
    /// Most of the former, and of the latter.
    limits: Cell<(usize, usize)>,
}

/// Which line a hook stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Short,
    Long,
    /// That of hooks that begin. Not the short one: who has this turn may make an instance, and a tick that finds
    /// that computing has it stand in the short line as well.
    Heavy,
    AfterFault,
    /// That of the first of each other line: it lets the worker look at its sockets before it computes.
    Look,
}

impl Kind {
    /// Whether all the rest comes first, and again after what was long in one piece.
    fn rests(self) -> bool {
        matches!(self, Self::Long | Self::AfterFault)
    }
}

/// Hooks that take turns.
#[derive(Debug, Default)]
struct Line {
    /// How many of them have a turn.
    taken: Cell<usize>,
    /// Those that wait for it.
    waiting: RefCell<VecDeque<oneshot::Sender<Turn>>>,
}

/// As many long hooks take turns on this worker as may, and as many wait for it.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

impl Default for Turns {
    fn default() -> Self {
        Self {
            short: Line::default(),
            long: Line::default(),
            heavy: Line::default(),
            after_fault: Line::default(),
            look: Line::default(),
            at_once: Cell::new(1),
            rest_until: Cell::default(),
            running: RefCell::default(),
            waiting: RefCell::default(),
            // Threads that serve nobody try one plugin at a time.
            limits: Cell::new((usize::MAX, usize::MAX)),
        }
    }
}

impl Turns {
    /// Those of this thread.
    pub fn here() -> Rc<Self> {
        TURNS.with(Rc::clone)
    }

    /// How many long hooks may take turns, and how many more may wait for it.
    pub fn limit(&self, running: usize, waiting: usize) {
        self.limits.set((running, waiting));
    }

    /// Long hooks that take turns, and those that wait for it.
    pub fn counts(&self) -> (usize, usize) {
        let waiting = self.waiting.borrow().iter().filter(|(_, place)| !place.is_closed()).count();
        (self.running.borrow().len(), waiting)
    }

    fn line(&self, kind: Kind) -> &Line {
        match kind {
            Kind::Short => &self.short,
            Kind::Long => &self.long,
            Kind::Heavy => &self.heavy,
            Kind::AfterFault => &self.after_fault,
            Kind::Look => &self.look,
        }
    }

    /// How many of a line may have a turn.
    fn at_once(&self, kind: Kind) -> usize {
        if kind == Kind::Short { self.at_once.get() } else { 1 }
    }

    async fn turn(self: &Rc<Self>, kind: Kind) -> Turn {
        let line = self.line(kind);
        if line.taken.get() < self.at_once(kind) {
            line.taken.update(|taken| taken + 1);
        } else {
            let (sender, turn) = oneshot::channel();
            line.waiting.borrow_mut().push_back(sender);
            // A sender is dropped only after it has sent, as long as `self` is there.
            if let Ok(turn) = turn.await {
                return turn;
            }
        }
        Turn::now(self, kind)
    }

    /// A turn, after the others were let go first.
    async fn begin(self: &Rc<Self>, kind: Kind) -> Turn {
        let mut turn = self.turn(kind).await;
        if kind.rests() {
            give_way(ROUNDS).await;
            self.rest().await;
        }
        // One of each line may have a turn; what waits for the worker is not to wait for all of them.
        let look = if self.at_once(kind) == 1 { Some(self.turn(Kind::Look).await) } else { None };
        give_way(1).await;
        drop(look);
        if kind == Kind::Short {
            let at_once = turn.since.elapsed().as_nanos() / (QUICK_TICK * SHARE).as_nanos();
            self.at_once.set(usize::try_from(at_once).map_or(AT_ONCE, |at_once| at_once.clamp(1, AT_ONCE)));
        }
        // What others have written must not wait for a hook.
        cork::flush();
        let now = Instant::now();
        let waited = now - turn.since;
        if kind == Kind::Long && waited >= LONGEST * 2 {
            turn.length = (waited / REST).min(LONGEST);
        }
        turn.began = Some(now);
        turn
    }

    /// Until the rest is over, and no other one began meanwhile.
    async fn rest(&self) {
        while let Some(until) = self.rest_until.get().filter(|until| Instant::now() < *until) {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    async fn place(self: &Rc<Self>, plugin: &Arc<str>) -> Result<Place, TooMany> {
        let (most, most_waiting) = self.limits.get();
        if self.running.borrow().len() < most {
            return Ok(self.take_place(plugin));
        }
        let place = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.retain(|(_, place)| !place.is_closed());
            if waiting.len() >= most_waiting {
                return Err(TooMany);
            }
            let (sender, place) = oneshot::channel();
            waiting.push_back((Arc::clone(plugin), sender));
            place
        };
        place.await.map_err(|_| TooMany)
    }

    fn take_place(self: &Rc<Self>, plugin: &Arc<str>) -> Place {
        self.running.borrow_mut().push(Arc::clone(plugin));
        Place { turns: Rc::clone(self), plugin: Arc::clone(plugin) }
    }

    /// The next to have a place is the one that has waited longest, of the plugin with the fewest
    /// places: one plugin that spins leaves the others theirs.
    fn next_waiting(&self) -> Option<(Arc<str>, oneshot::Sender<Place>)> {
        let (running, mut waiting) = (self.running.borrow(), self.waiting.borrow_mut());
        if running.len() >= self.limits.get().0 {
            return None;
        }
        waiting.retain(|(_, place)| !place.is_closed());
        let places_of = |plugin: &Arc<str>| running.iter().filter(|running| *running == plugin).count();
        let at = waiting.iter().enumerate().min_by_key(|(_, (plugin, _))| places_of(plugin)).map(|(at, _)| at)?;
        waiting.remove(at)
    }
}

/// The right to compute now. Dropped, it goes to the next in line.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Rc<Turns>,
    kind: Kind,
    /// Since when it is this hook's.
    since: Instant,
    /// How long it may compute, if that is longer than until the next tick.
    length: Duration,
    /// When it began to compute; none while others are still let go first.
    began: Option<Instant>,
    /// Of hooks that begin in a turn because others were heavy.
    quicker: Option<Quicker>,
}

impl Turn {
    fn now(turns: &Rc<Turns>, kind: Kind) -> Self {
        Self {
            turns: Rc::clone(turns),
            kind,
            since: Instant::now(),
            length: Duration::ZERO,
            began: None,
            quicker: None,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let line = self.turns.line(self.kind);
        let took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        if self.kind.rests() && took >= self.length + PIECE {
            self.turns.rest_until.set(Some(Instant::now() + took * REST));
        }
        line.taken.update(|taken| taken.saturating_sub(1));
        while line.taken.get() < self.turns.at_once(self.kind) {
            let next = {
                let mut waiting = line.waiting.borrow_mut();
                // One who was given up meanwhile must not swallow the turn.
                while waiting.pop_front_if(|next| next.is_closed()).is_some() {}
                waiting.pop_front()
            };
            let Some(next) = next else { return };
            line.taken.update(|taken| taken + 1);
            drop(next.send(Self::now(&self.turns, self.kind)));
        }
    }
}

/// One of the places of long hooks. Dropped, it goes to one who waits.
#[derive(Debug)]
struct Place {
    turns: Rc<Turns>,
    plugin: Arc<str>,
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut running = self.turns.running.borrow_mut();
            if let Some(at) = running.iter().position(|plugin| *plugin == self.plugin) {
                running.swap_remove(at);
            }
        }
        if let Some((plugin, next)) = self.turns.next_waiting() {
            drop(next.send(self.turns.take_place(&plugin)));
        }
    }
}

/// Why a hook is to have a turn from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// Its plugin lost an instance to a fault, and another one is to be made.
    AfterFault,
    /// Hooks of its plugin compute for less than a tick, but not for much less.
    Heavy,
    /// Hooks of its plugin do much that nothing interrupts.
    InPieces,
}

/// A turn for a hook that has not begun, until it is over or waits.
pub(super) async fn turn_to_begin(begins: Begins) -> Turn {
    let kind = if begins == Begins::Heavy { Kind::Heavy } else { Kind::AfterFault };
    let quicker = (begins != Begins::AfterFault).then(Quicker::until_dropped);
    let mut turn = Turns::here().begin(kind).await;
    turn.quicker = quicker;
    turn
}

/// Lets the worker do so often what is ready.
async fn give_way(rounds: usize) {
    let began = Instant::now();
    for _ in 0..rounds {
        crate::give_way::give_way().await;
        if began.elapsed() >= ROUNDS_TIME {
            break;
        }
    }
}

#[cfg(test)]
mod tests;
