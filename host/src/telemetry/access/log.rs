//! A worker's end of the access log.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use super::AccessLine;
use crate::telemetry::metrics::WorkerMetrics;

/// Bytes of lines one worker may have waiting for the writing thread. Lines beyond are dropped
/// and counted: a full disk must not stop traffic.
pub(super) const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Where one worker puts its lines.
#[derive(Debug)]
pub struct AccessLog {
    /// `None` where the log is off.
    on: Option<On>,
}

#[derive(Debug)]
struct On {
    queue: Arc<Queue>,
    wake: Arc<Wake>,
    metrics: Arc<WorkerMetrics>,
}

/// Lines of one worker that are not written yet.
///
/// The lock is held for an append by the worker or a swap of two buffers by the writing thread,
/// which comes by some hundred times a second at most: it is as good as never contended.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Vec<u8>>);

/// Wakes the writing thread where it sleeps. While lines keep coming it does not, so a worker pays
/// for a load and not for a system call.
#[derive(Debug)]
pub(super) struct Wake {
    pub(super) asleep: AtomicBool,
    pub(super) thread: Thread,
}

thread_local! {
    /// The line under construction; its memory is used again for the next.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl AccessLog {
    /// A log that takes nothing.
    pub fn off() -> Self {
        Self { on: None }
    }

    pub(super) fn new(queue: Arc<Queue>, wake: Arc<Wake>, metrics: Arc<WorkerMetrics>) -> Self {
        Self { on: Some(On { queue, wake, metrics }) }
    }

    /// Whether a line is wanted at all. Ask before building one.
    pub fn enabled(&self) -> bool {
        self.on.is_some()
    }

    /// Takes the line, or drops and counts it where too many wait.
    pub fn write(&self, line: &AccessLine<'_>) {
        let Some(on) = &self.on else { return };
        let taken = LINE.with_borrow_mut(|buffer| {
            buffer.clear();
            line.append_to(buffer).is_ok() && on.queue.push(buffer)
        });
        if taken {
            on.wake.wake();
        } else {
            on.metrics.access_lines_dropped.add(1);
        }
    }
}

impl Queue {
    /// `false` where there is no room.
    fn push(&self, line: &[u8]) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = QUEUE_BYTES.saturating_sub(waiting.len()) >= line.len();
        if room {
            waiting.extend_from_slice(line);
        }
        room
    }

    /// Gives what waits for the empty `buffer`.
    pub(super) fn swap(&self, buffer: &mut Vec<u8>) {
        std::mem::swap(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), buffer);
    }
}

impl Wake {
    /// Called after a push. The queue's lock orders it: either the writing thread saw the push
    /// before it slept, or the push came after `asleep` was set and sees it here.
    pub(super) fn wake(&self) {
        if self.asleep.load(Ordering::Acquire) && self.asleep.swap(false, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::a_line;
    use super::*;

    fn a_log() -> (AccessLog, Arc<Queue>, Arc<WorkerMetrics>) {
        let queue = Arc::new(Queue::default());
        let metrics = Arc::new(WorkerMetrics::default());
        let wake = Arc::new(Wake { asleep: AtomicBool::new(true), thread: std::thread::current() });
        (AccessLog::new(Arc::clone(&queue), wake, Arc::clone(&metrics)), queue, metrics)
    }

    #[test]
    fn a_log_that_is_off_is_not_enabled() {
        assert!(!AccessLog::off().enabled());
        assert!(a_log().0.enabled());
    }

    #[test]
    fn lines_that_do_not_fit_are_dropped_and_counted() {
        let (log, queue, metrics) = a_log();
        let path = "/".repeat(QUEUE_BYTES / 4);
        for _ in 0..5 {
            log.write(&a_line(&path));
        }
        assert_eq!(metrics.access_lines_dropped.get(), 2, "three lines of a quarter and a bit fit");
        let mut written = Vec::new();
        queue.swap(&mut written);
        assert_eq!(written.split_inclusive(|byte| *byte == b'\n').count(), 3);
    }

    #[test]
    fn there_is_room_again_after_a_swap() {
        let (log, queue, metrics) = a_log();
        let path = "/".repeat(QUEUE_BYTES / 2);
        log.write(&a_line(&path));
        queue.swap(&mut Vec::new());
        log.write(&a_line(&path));
        assert_eq!(metrics.access_lines_dropped.get(), 0);
    }
}
