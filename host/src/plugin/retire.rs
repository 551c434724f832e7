//! Takes instances apart that have served for the last time and leave much memory.
//!
//! The kernel takes a guest's pages back in one go: 5 ms for 64 MiB on a small machine, in which a
//! worker would serve nobody. So a thread of its own does it, and a piece at a time where it can: the kernel lets
//! nobody else have that processor meanwhile, however nice the thread is. It gets few at a time, as their memory is
//! beside what `limits.instances` allow. Of more than that a worker takes one after the other apart, between all else
//! it does, and each has its place until then.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::instance::Instance;
use super::pool::Place;
use super::turns::{Begins, turn_to_begin};
use crate::give_way::give_way;
use crate::unchecked::schedule;

/// Bytes of memory from which on the thread does it: the kernel takes two tenths of a millisecond for as many, if
/// all were used. A plugin in Rust begins with half of it, and uses little.
const MUCH: usize = 2 << 20;

/// Instances that wait for the thread.
const QUEUE: usize = 4;

/// Between two pieces of a memory. Nice or not, who has the processor keeps it for a millisecond or so
/// from one that wakes up (`base_slice_ns` of the scheduler), unless it lets go of it.
const PAUSE: Duration = Duration::from_micros(50);

/// How much later than asked for the kernel may wake the thread, in nanoseconds; else it adds as much as the pause.
const SLACK: Option<NonZeroU64> = NonZeroU64::new(1000);

/// How much nicer than a worker, which it would keep from running for all of those milliseconds on a machine
/// that is busy. And it never takes the processor from one that computes, for it wakes up after each piece.
const NICE: i32 = 5;

/// None where the machine gives no thread.
static THREAD: LazyLock<Option<SyncSender<Box<Instance>>>> = LazyLock::new(start);

/// An instance, and its place, which nobody else has as long as its memory is there.
type Retired = (Box<Instance>, Option<Place>);

thread_local! {
    /// To the task that takes those of this worker apart for which the thread has no room.
    static HERE: RefCell<Option<UnboundedSender<Retired>>> = const { RefCell::new(None) };
}

/// Drops an instance, here or there, and then its place. What it knows of a request is the caller's to take out before.
pub(super) fn retire(instance: Box<Instance>, place: Option<Place>) {
    if instance.memory() < MUCH {
        drop(instance);
        return;
    }
    if let Err(instance) = to_the_thread(instance) {
        // Without such a task it comes back in the error, and is dropped.
        let _ = HERE.try_with(|here| here.borrow().as_ref().map(|here| here.send((instance, place))));
    }
}

/// Takes apart what the thread has no room for, as when many clients leave at once, and lets the worker do all else
/// after each piece. To be spawned once on each worker.
pub(crate) async fn keep_taking_apart() {
    let (sender, mut retired) = unbounded_channel();
    HERE.set(Some(sender));
    while let Some((instance, place)) = retired.recv().await {
        if let Err(mut instance) = to_the_thread(instance) {
            let pieces = give_back_in_shares(&mut instance).await;
            // What cannot be taken apart goes in one piece, after which those that compute for long rest.
            let turn = if pieces == 0 { Some(turn_to_begin(Begins::AfterFault).await) } else { None };
            drop(instance);
            drop(turn);
        }
        drop(place);
    }
}

/// Gives its memory back in the worker's time. As long hooks, it has a fifth of that where the worker is busy. Returns how
/// many pieces it was.
async fn give_back_in_shares(instance: &mut Instance) -> usize {
    let (mut pieces, mut share, mut began) = (0, Duration::ZERO, Instant::now());
    while instance.give_memory_back(pieces) {
        pieces += 1;
        if began.elapsed() >= share {
            let others = Instant::now();
            give_way().await;
            began = Instant::now();
            share = (began - others) / 4;
        }
    }
    pieces
}

/// It comes back where the thread has as many as it may.
fn to_the_thread(instance: Box<Instance>) -> Result<(), Box<Instance>> {
    let Some(thread) = &*THREAD else { return Err(instance) };
    thread.try_send(instance).map_err(|full| match full {
        TrySendError::Full(instance) | TrySendError::Disconnected(instance) => instance,
    })
}

fn start() -> Option<SyncSender<Box<Instance>>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let started = std::thread::Builder::new().name("retire".into()).spawn(move || {
        // Of this thread alone; where they are refused, the thread is less modest.
        let _ = rustix::process::nice(NICE);
        let _ = schedule::batch();
        let _ = rustix::thread::set_current_timer_slack(SLACK);
        take_apart(&receiver);
    });
    started.inspect_err(|error| tracing::warn!(%error, "no thread to take plugin instances apart")).ok()?;
    Some(sender)
}

fn take_apart(retired: &Receiver<Box<Instance>>) {
    for mut instance in retired {
        let mut pieces = 0;
        while instance.give_memory_back(pieces) {
            pieces += 1;
            std::thread::sleep(PAUSE);
        }
        drop(instance);
    }
}
