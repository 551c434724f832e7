//! A worker's instances of one plugin.
//!
//! An instance is checked out for one hook and given back. Dropping it instead (after a trap, a
//! time-out, or because the client hung up in the middle of a hook) retires it: a guest that was
//! stopped half way is never used again. The pool grows on demand to `limits.instances`; beyond
//! that hooks wait in a queue of `limits.queue`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Plugin;
use super::completing::Completing;
use super::crowd::Crowd;
use super::fault::{Busy, Fault, LoadError};
use super::host_api::log::LogBudget;
use super::instance::Instance;
use super::meter::Meter;
use super::retire::retire;
use super::turns::{self, Begins, Turn};
use super::weight::Weight;
use crate::cache::Answers;
use crate::config::model::Isolation;
use crate::give_way::give_way;
use crate::telemetry::metrics::{HookMetrics, PluginMetrics};

/// Failures of a plugin that a worker logs in a second. All of them are counted.
const MAX_FAILURES: u32 = 10;

#[derive(Debug)]
pub struct Pool {
    pub plugin: Arc<Plugin>,
    pub metrics: Arc<PluginMetrics>,
    /// The instance used last is used next: its memory is in the cache.
    #[allow(
        clippy::vec_box,
        reason = "an instance goes out and in for each hook, as a pointer and not as a few hundred bytes"
    )]
    idle: RefCell<Vec<Box<Instance>>>,
    /// How few of them were idle since the last look at it: the first so many were not needed.
    unneeded: Cell<usize>,
    looked_at: Cell<Instant>,
    /// Idle ones and those checked out.
    live: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
    /// What it lets the worker answer again without a hook.
    pub answers: Answers,
    /// `on-complete` hooks that have yet to run.
    pub completing: Completing,
    failures: LogBudget,
    /// Whether the last hook that was over cost its instance.
    has_lost_one: Cell<bool>,
    pub(super) weight: Weight,
    crowd: Rc<Crowd>,
}

/// An instance on loan. Dropped, it is retired; see [`CheckedOut::give_back`].
#[derive(Debug)]
pub struct CheckedOut {
    /// There until it is given back or dropped.
    lent: Option<Lent>,
    /// Of an instance that was made after another was lost.
    turn: Option<Turn>,
    /// Whether its first hook is yet to come, for which it has waited as long as it has to.
    is_let_in: bool,
}

#[derive(Debug)]
struct Lent {
    instance: Box<Instance>,
    place: Place,
}

/// One of the `limits.instances` places. Freed when dropped, unless an idle instance keeps it.
#[derive(Debug)]
pub(super) struct Place {
    pool: Rc<Pool>,
    kept: bool,
}

impl Pool {
    pub fn new(plugin: Arc<Plugin>, metrics: Arc<PluginMetrics>) -> Rc<Self> {
        let completing = Completing::new(&plugin.rights.limits);
        let (idle, live, waiting) = (RefCell::default(), Cell::new(0), RefCell::default());
        Rc::new(Self {
            plugin,
            metrics,
            idle,
            unneeded: Cell::new(0),
            looked_at: Cell::new(Instant::now()),
            live,
            waiting,
            answers: Answers::default(),
            completing,
            failures: LogBudget::default(),
            has_lost_one: Cell::new(false),
            weight: Weight::default(),
            crowd: Rc::default(),
        })
    }

    /// Makes one instance ahead of the first request.
    pub async fn warm(self: &Rc<Self>) {
        if self.live.get() == 0 && self.plugin.isolation == Isolation::Shared {
            match self.make(None).await {
                Ok(instance) => instance.give_back(),
                Err(fault) => {
                    tracing::warn!(plugin = %self.plugin.name(), %fault, "no instance could be made ahead of time");
                }
            }
        }
    }

    /// Retires what no hook has needed for `limits.idle_for`, all but one. To be called now and then.
    pub async fn retire_idle(self: &Rc<Self>) {
        if self.looked_at.get().elapsed() < self.plugin.rights.limits.idle_for {
            return;
        }
        self.looked_at.set(Instant::now());
        let retired: Vec<_> = {
            let mut idle = self.idle.borrow_mut();
            let unneeded = self.unneeded.get().min(idle.len()).min(self.live.get().saturating_sub(1));
            let retired = idle.drain(..unneeded).collect();
            self.unneeded.set(idle.len());
            retired
        };
        for instance in retired {
            let_go(instance, Some(Place { pool: Rc::clone(self), kept: false }));
            give_way().await;
        }
    }

    /// Whether a failure of the plugin is told to the operator. Clients could fill the log with them,
    /// and the worker's time: a trap has a stack.
    pub fn tells_failure(&self) -> bool {
        let Some(dropped) = self.failures.take(Instant::now(), MAX_FAILURES) else {
            self.metrics.log_dropped();
            return false;
        };
        if dropped > 0 {
            let plugin = self.plugin.name();
            tracing::warn!(%plugin, dropped, "failures of a plugin were not logged: more than {MAX_FAILURES} a second on this worker");
        }
        true
    }

    /// An instance to run one hook on, whose numbers are `hook`.
    pub async fn check_out(self: &Rc<Self>, hook: &HookMetrics) -> Result<CheckedOut, Fault> {
        // Boxed: a future is moved about whole, and these are large and seldom needed.
        if let Some(begins) = self.weight.turn() {
            return Box::pin(self.check_out_in_turn(hook, begins)).await;
        }
        if self.crowd.is_full() {
            Box::pin(self.wait_in_crowd(hook)).await?;
        }
        match self.take_idle() {
            Some(instance) => Ok(instance),
            None => Box::pin(self.wait_or_make(hook, None)).await,
        }
    }

    /// The turn comes first: those who wait for it keep no instance from others.
    async fn check_out_in_turn(self: &Rc<Self>, hook: &HookMetrics, begins: Begins) -> Result<CheckedOut, Fault> {
        let turn = Some(self.counted_turn(hook, begins).await?);
        match self.take_idle() {
            Some(mut instance) => {
                instance.turn = turn;
                Ok(instance)
            }
            None => self.wait_or_make(hook, turn).await,
        }
    }

    async fn wait_or_make(
        self: &Rc<Self>,
        hook: &HookMetrics,
        mut own_turn: Option<Turn>,
    ) -> Result<CheckedOut, Fault> {
        if self.is_full() {
            // Others are not to wait as long as this one does.
            own_turn = None;
            let turn = self.queue()?;
            let began = Instant::now();
            let waited = self.wait(turn).await;
            hook.waited_in_queue(began.elapsed());
            if let Some(instance) = waited? {
                return Ok(instance);
            }
        }
        self.make(own_turn).await
    }

    /// Waits in the queue for an instance, or for room for one.
    async fn wait(self: &Rc<Self>, mut turn: oneshot::Receiver<()>) -> Result<Option<CheckedOut>, Fault> {
        let _in_queue = InQueue::of(&self.metrics);
        let wait_until = tokio::time::Instant::now() + self.plugin.rights.limits.wall;
        loop {
            // A sender is never dropped unsent while the pool lives, and it lives as long as `self`.
            let woken = tokio::time::timeout_at(wait_until, turn).await;
            woken.map_err(|_| Fault::Busy(Busy::Instances))?.ok();
            let instance = self.take_idle();
            if instance.is_some() || !self.is_full() {
                return Ok(instance);
            }
            turn = self.queue()?;
        }
    }

    fn is_full(&self) -> bool {
        self.live.get() >= self.plugin.rights.limits.instances
    }

    fn take_idle(self: &Rc<Self>) -> Option<CheckedOut> {
        let mut idle = self.idle.borrow_mut();
        let instance = idle.pop()?;
        self.unneeded.set(self.unneeded.get().min(idle.len()));
        let place = Place { pool: Rc::clone(self), kept: false };
        Some(CheckedOut { lent: Some(Lent { instance, place }), turn: None, is_let_in: true })
    }

    async fn make(self: &Rc<Self>, own_turn: Option<Turn>) -> Result<CheckedOut, Fault> {
        // Counted before the first await, so that two hooks do not both take the last place.
        self.live.set(self.live.get() + 1);
        self.metrics.instance_created();
        let place = Place { pool: Rc::clone(self), kept: false };
        let turn = match own_turn {
            Some(turn) => Some(turn),
            None => self.turn_after_fault().await?,
        };
        let instance = Instance::configured(&self.plugin).await;
        let mut instance = instance.map_err(|error| match error {
            LoadError::Crowded => Fault::Busy(Busy::LongHooks),
            LoadError::NoSlot => Fault::Busy(Busy::Slots),
            error => Fault::Instance(error.to_string().into()),
        })?;
        instance.count_in(Arc::clone(&self.metrics));
        Ok(CheckedOut { lent: Some(Lent { instance: Box::new(instance), place }), turn, is_let_in: true })
    }

    /// Where the last instance was lost, the next one is made when its turn comes.
    async fn turn_after_fault(&self) -> Result<Option<Turn>, Fault> {
        if !self.has_lost_one.get() {
            return Ok(None);
        }
        self.turn(Begins::AfterFault).await.map(Some)
    }

    async fn counted_turn(&self, hook: &HookMetrics, begins: Begins) -> Result<Turn, Fault> {
        let began = Instant::now();
        let turn = self.turn(begins).await;
        hook.waited_for_turn(began.elapsed());
        turn
    }

    async fn turn(&self, begins: Begins) -> Result<Turn, Fault> {
        let turn = tokio::time::timeout(self.plugin.rights.limits.wall, turns::turn_to_begin(begins)).await;
        turn.map_err(|_| Fault::Busy(Busy::Instances))
    }

    async fn wait_in_crowd(&self, hook: &HookMetrics) -> Result<(), Fault> {
        let began = Instant::now();
        let may_begin = tokio::time::timeout(self.plugin.rights.limits.wall, self.crowd.wait()).await;
        hook.waited_for_turn(began.elapsed());
        may_begin.map_err(|_| Fault::Busy(Busy::Instances))
    }

    /// Learns from a hook that is over, and made so many calls, for those to come.
    pub(super) fn learn(&self, meter: &Meter, calls: u32) {
        self.weight.learn(meter);
        self.crowd.learn(meter.used(), calls);
    }

    fn queue(&self) -> Result<oneshot::Receiver<()>, Fault> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|turn| !turn.is_closed());
        if waiting.len() >= self.plugin.rights.limits.queue {
            return Err(Fault::Busy(Busy::Instances));
        }
        let (sender, receiver) = oneshot::channel();
        waiting.push_back(sender);
        Ok(receiver)
    }

    fn wake_next(&self) {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(turn) = waiting.pop_front() {
            // One who gave up waiting must not swallow the turn.
            if turn.send(()).is_ok() {
                return;
            }
        }
    }
}

impl CheckedOut {
    /// The turn its hook runs in, if it needs one. A further hook of one that is held, as for a body's chunks, has
    /// to wait for it.
    pub(super) async fn turn(&mut self, hook: &HookMetrics) -> Result<Option<Turn>, Fault> {
        let is_let_in = std::mem::take(&mut self.is_let_in);
        let pool = &self.lent().place.pool;
        // Boxed, both: a future is moved about whole, and these are seldom needed.
        if let Some(begins) = pool.weight.turn().filter(|_| self.turn.is_none()) {
            return Box::pin(pool.counted_turn(hook, begins)).await.map(Some);
        }
        if !is_let_in && pool.crowd.is_full() {
            Box::pin(pool.wait_in_crowd(hook)).await?;
        }
        Ok(self.turn.take())
    }

    /// Another one may have it: this one's hook is not to run at once.
    pub fn let_turn_go(&mut self) {
        self.turn = None;
    }

    /// Back to the pool, unless it is worn or may serve only once.
    pub fn give_back(mut self) {
        let Some(Lent { instance, mut place }) = self.lent.take() else { return };
        place.pool.has_lost_one.set(false);
        if place.pool.plugin.isolation == Isolation::Shared && !instance.is_worn() {
            place.kept = true;
            place.pool.idle.borrow_mut().push(instance);
        } else {
            let_go(instance, Some(place));
        }
    }

    #[allow(clippy::expect_used, reason = "only what consumes `self` takes it out")]
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.lent.as_mut().expect("the instance that was checked out").instance
    }

    #[allow(clippy::expect_used, reason = "only what consumes `self` takes it out")]
    fn lent(&self) -> &Lent {
        self.lent.as_ref().expect("the instance that was checked out")
    }
}

impl Drop for CheckedOut {
    fn drop(&mut self) {
        if let Some(Lent { instance, place }) = self.lent.take() {
            place.pool.has_lost_one.set(true);
            let_go(instance, Some(place));
        }
    }
}

fn let_go(mut instance: Box<Instance>, place: Option<Place>) {
    instance.forget();
    retire(instance, place);
}

/// Counts a hook as waiting for as long as it does.
struct InQueue<'a>(&'a PluginMetrics);

impl<'a> InQueue<'a> {
    fn of(metrics: &'a PluginMetrics) -> Self {
        metrics.queue_entered();
        Self(metrics)
    }
}

impl Drop for InQueue<'_> {
    fn drop(&mut self) {
        self.0.queue_left();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            self.pool.live.set(self.pool.live.get().saturating_sub(1));
            self.pool.metrics.instance_dropped();
        }
        self.pool.wake_next();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Nobody holds an instance of a pool that is gone: what is left is idle.
        for instance in self.idle.get_mut().drain(..) {
            self.metrics.instance_dropped();
            let_go(instance, None);
        }
    }
}
