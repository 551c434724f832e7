//! Many short hooks of one plugin that are ready at once.
//!
//! A worker does what is ready one after the other, and then looks at its sockets. Sixty-four hooks of a tenth of a
//! millisecond keep whoever comes meanwhile for six, at each step of a request; no tick finds one of them, and none
//! is heavy by itself (`weight`). So a plugin has a part of the time between two looks ([`PART`]), which plugins that
//! want more share. Once its hooks have used that up, further ones begin after the next look, in the order they came.
//! Where nobody else wants the worker a look follows at once.
//!
//! Absent on purpose: who went beyond its part is not stopped, only has less of the next ones.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;

use super::ticker::{self, QUICK_TICK};
use crate::give_way::give_way;

/// Time of hooks between two looks, of which a request takes two or three. Half a millisecond is no cheaper; without
/// a bound a request is dearer, as more of them are open at once than the processor's cache holds.
const PART: Duration = QUICK_TICK.saturating_mul(3);

/// What a call that a hook makes costs the worker beside the hook: a task, a request and an answer.
const CALL: Duration = Duration::from_micros(10);

/// What is remembered at the most: a hook that is long has had its turns (`turns`).
const MOST: Duration = PART.saturating_mul(20);

/// What a hook is taken to take at least, when it is said how many may begin.
const LEAST: Duration = Duration::from_micros(1);

/// How much a hook tells of the next one's time, by that of all before.
const WEIGHT_OF_LAST: u32 = 8;

thread_local! {
    static LOOKS: Looks = Looks::default();
}

/// How often this thread has looked at its sockets, as far as that matters, and who waits for the next look.
#[derive(Debug, Default)]
struct Looks {
    count: Cell<u32>,
    waiting: RefCell<Vec<Rc<Crowd>>>,
    /// The task of [`keep_letting_in`].
    task: RefCell<Option<Waker>>,
}

/// The hooks of one plugin on one worker.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// Time of the hooks that began since the last look, with what they went beyond their part before.
    spent: Cell<Duration>,
    /// Which look that was.
    look: Cell<u32>,
    /// What a hook takes, about.
    usual: Cell<Duration>,
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
}

impl Crowd {
    /// Whether a hook is to wait for the next look.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.borrow().is_empty() || self.spent() >= PART
    }

    /// Until the hook may begin. Without a task that lets it in, at once.
    pub(super) async fn wait(self: &Rc<Self>) {
        let (sender, may_begin) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        if !LOOKS.with(|looks| looks.add(self)) {
            self.waiting.borrow_mut().clear();
        }
        // Dropped unsent, it says the same.
        let _ = may_begin.await;
    }

    /// Learns from a hook that is over and has made so many calls.
    pub(super) fn learn(&self, used: Duration, calls: u32) {
        // Times say little there, and none are weighed.
        if ticker::is_slow() {
            return;
        }
        let time = used + CALL * calls;
        self.spent.set((self.spent() + time).min(MOST));
        self.usual.set((self.usual.get() * (WEIGHT_OF_LAST - 1) + time) / WEIGHT_OF_LAST);
    }

    /// What counts since the last look.
    fn spent(&self) -> Duration {
        let now = LOOKS.with(|looks| looks.count.get());
        let looks = now.wrapping_sub(self.look.replace(now));
        if looks > 0 {
            self.spent.update(|spent| spent.saturating_sub(PART.saturating_mul(looks)));
        }
        self.spent.get()
    }

    /// After a look: as many begin as the part has room for, by what a hook takes. Whether others still wait.
    fn let_in(&self, part: Duration) -> bool {
        self.spent.update(|spent| spent.saturating_sub(part));
        self.look.set(LOOKS.with(|looks| looks.count.get()));
        let left = part.saturating_sub(self.spent.get());
        let many = left.as_nanos().div_ceil(self.usual.get().max(LEAST).as_nanos());
        let mut waiting = self.waiting.borrow_mut();
        for _ in 0..many {
            // One who was given up meanwhile takes nobody's place.
            while waiting.pop_front().is_some_and(|next| next.send(()).is_err()) {}
        }
        !waiting.is_empty()
    }
}

impl Looks {
    /// False on a thread without that task: one that serves nobody, or ends.
    fn add(&self, crowd: &Rc<Crowd>) -> bool {
        let Some(task) = &*self.task.borrow() else { return false };
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| Rc::ptr_eq(other, crowd)) {
            waiting.push(Rc::clone(crowd));
            task.wake_by_ref();
        }
        true
    }

    fn let_in(&self) {
        self.count.update(|count| count.wrapping_add(1));
        let mut waiting = self.waiting.borrow_mut();
        let part = u32::try_from(waiting.len()).map_or(LEAST, |plugins| PART / plugins.max(1));
        waiting.retain(|crowd| crowd.let_in(part));
    }
}

/// The thread is about to wait: it has done all that was ready, and looks at its sockets.
pub(crate) fn looked() {
    LOOKS.with(|looks| looks.count.update(|count| count.wrapping_add(1)));
}

/// Lets hooks in after each look while some wait. To be spawned once on each worker.
pub(crate) async fn keep_letting_in() {
    loop {
        poll_fn(|cx| {
            LOOKS.with(|looks| {
                looks.task.replace(Some(cx.waker().clone()));
                if looks.waiting.borrow().is_empty() { Poll::Pending } else { Poll::Ready(()) }
            })
        })
        .await;
        give_way().await;
        LOOKS.with(Looks::let_in);
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinHandle, LocalSet, spawn_local};

    use super::*;

    type Began = Rc<RefCell<Vec<u32>>>;

    /// On a worker's thread.
    fn on_a_worker(test: impl AsyncFnOnce(Rc<Crowd>)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            spawn_local(keep_letting_in());
            give_way().await;
            test(Rc::default()).await;
        });
    }

    /// Hooks that wait, each of which takes so long when it may begin.
    fn hooks(crowd: &Rc<Crowd>, many: u32, took: Duration, began: &Began) -> Vec<JoinHandle<()>> {
        let hook = |number| {
            let (crowd, began) = (Rc::clone(crowd), Rc::clone(began));
            spawn_local(async move {
                crowd.wait().await;
                began.borrow_mut().push(number);
                crowd.learn(took, 0);
            })
        };
        (0..many).map(hook).collect()
    }

    /// How many began between two looks, until all have.
    async fn by_look(began: &Began, all: usize) -> Vec<usize> {
        let mut counts = Vec::new();
        while began.borrow().len() < all {
            let before = began.borrow().len();
            give_way().await;
            counts.push(began.borrow().len() - before);
        }
        counts
    }

    #[test]
    fn hooks_that_used_up_their_part_wait_for_a_look_and_those_of_others_do_not() {
        on_a_worker(async |crowd| {
            let other = Crowd::default();
            crowd.learn(PART / 2, 0);
            assert!(!crowd.is_full());
            crowd.learn(PART / 2, 0);
            assert!(crowd.is_full() && !other.is_full());
            crowd.wait().await;
            assert!(!crowd.is_full());
        });
    }

    #[test]
    fn a_look_before_the_thread_waits_counts_as_well() {
        let crowd = Crowd::default();
        crowd.learn(PART * 2, 0);
        looked();
        assert!(crowd.is_full(), "it went beyond its part");
        looked();
        assert!(!crowd.is_full());
    }

    #[test]
    fn calls_are_time_too() {
        let crowd = Crowd::default();
        crowd.learn(Duration::ZERO, 1000);
        assert!(crowd.is_full());
    }

    #[test]
    fn as_many_begin_as_there_is_time_for_in_the_order_they_came() {
        on_a_worker(async |crowd| {
            for _ in 0..100 {
                crowd.learn(PART / 4, 0);
                looked();
            }
            let began = Began::default();
            drop(hooks(&crowd, 20, PART / 4, &began));
            let counts = by_look(&began, 20).await;
            assert!(counts.iter().all(|many| *many <= 5) && counts.len() <= 12, "{counts:?}");
            assert!(began.borrow().is_sorted());
        });
    }

    #[test]
    fn plugins_that_want_more_share_the_time() {
        on_a_worker(async |crowd| {
            let crowds = [crowd, Rc::default(), Rc::default(), Rc::default()];
            let began = Began::default();
            for crowd in &crowds {
                for _ in 0..100 {
                    crowd.learn(PART / 4, 0);
                    looked();
                }
                drop(hooks(crowd, 5, PART / 4, &began));
            }
            let counts = by_look(&began, 20).await;
            assert!(counts.iter().all(|many| *many <= 8) && counts.iter().sum::<usize>() == 20, "{counts:?}");
        });
    }

    #[test]
    fn who_was_given_up_takes_nobodys_place() {
        on_a_worker(async |crowd| {
            crowd.learn(PART, 0);
            crowd.usual.set(PART);
            let began = Began::default();
            let mut hooks = hooks(&crowd, 3, PART, &began);
            give_way().await;
            // The first began, or is about to: the second one waits.
            hooks.remove(1).abort();
            let _ = by_look(&began, 2).await;
            assert_eq!(*began.borrow(), [0, 2]);
            assert!(crowd.waiting.borrow().is_empty());
        });
    }

    #[tokio::test]
    async fn on_a_thread_that_serves_nobody_none_waits() {
        let crowd = Rc::new(Crowd::default());
        crowd.learn(PART, 0);
        crowd.wait().await;
    }
}
