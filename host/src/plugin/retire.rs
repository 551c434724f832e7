//! Takes instances apart that have served for the last time and leave much memory.
//!
//! The kernel takes a guest's pages back in one go: 5 ms for 64 MiB on a small machine, in which a
//! worker would serve nobody. So a thread of its own does it, and a piece at a time where it can: the kernel lets
//! nobody else have that processor meanwhile, however nice the thread is. It gets few at a time, as their memory is
//! beside what `limits.instances` allow; a worker that finds them too many does it itself.

use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::instance::Instance;
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

/// Drops an instance, here or there. What it knows of a request is the caller's to take out before.
pub(super) fn retire(instance: Box<Instance>) {
    if instance.memory() < MUCH {
        return;
    }
    if let Some(thread) = &*THREAD {
        // Where the queue is full, it comes back in the error, and is dropped here.
        drop(thread.try_send(instance));
    }
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
        instance.give_memory_back(|| std::thread::sleep(PAUSE));
        drop(instance);
    }
}
