//! The thread that writes the access log.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::AccessLog;
use super::log::{Queue, Wake};
use super::sink::Sink;
use crate::config::model::Access;
use crate::telemetry::metrics::{Registry, WorkerId, WorkerMetrics};

/// Longest time a line waits before it is written.
const INTERVAL: Duration = Duration::from_millis(10);
/// Rounds without a line after which the thread sleeps until it is woken.
const IDLE_ROUNDS: u32 = 100;
/// Longest wait for the last lines to be written when the log ends.
const LAST_LINES: Duration = Duration::from_secs(2);
/// A worker's buffer that has grown beyond this in a burst is given back.
const KEPT_BYTES: usize = 256 * 1024;

/// The access log of the gateway. Dropping it writes what is left.
#[derive(Debug)]
pub struct AccessWriter {
    /// `None` where the log is off.
    thread: Option<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    wake: Arc<Wake>,
    /// Says that the thread has ended.
    ended: Mutex<Receiver<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queues: Mutex<Vec<Arc<Queue>>>,
    reopen: AtomicBool,
    stop: AtomicBool,
}

impl AccessWriter {
    /// Opens the log and starts its thread.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread cannot be started.
    pub fn start(access: &Access, registry: &Registry) -> io::Result<Self> {
        let sink = match access {
            Access::Off => return Ok(Self { thread: None }),
            Access::Stdout => Sink::Stdout,
            Access::File(path) => Sink::file(path)?,
        };
        let shared = Arc::new(Shared::default());
        let metrics = registry.worker(WorkerId::ACCESS_LOG);
        let (wakes, wake) = mpsc::sync_channel::<Arc<Wake>>(1);
        let (ending, ended) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            if let Ok(wake) = wake.recv() {
                Rounds { shared: theirs, wake, sink, metrics, failing: false }.run(&ending);
            }
        })?;
        let wake = Arc::new(Wake { asleep: AtomicBool::new(false), thread: thread.thread().clone() });
        // The thread waits for exactly this message, so it is there to take it.
        let _ = wakes.send(Arc::clone(&wake));
        Ok(Self { thread: Some(Handle { shared, wake, ended: Mutex::new(ended) }) })
    }

    /// The end of one worker. Its dropped lines are counted in `metrics`.
    pub fn worker(&self, metrics: Arc<WorkerMetrics>) -> AccessLog {
        let Some(handle) = &self.thread else { return AccessLog::off() };
        let queue = Arc::new(Queue::default());
        handle.shared.queues().push(Arc::clone(&queue));
        AccessLog::new(queue, Arc::clone(&handle.wake), metrics)
    }

    /// Has the file opened again by its name, after it was renamed.
    pub fn reopen(&self) {
        if let Some(handle) = &self.thread {
            handle.shared.reopen.store(true, Ordering::Release);
            handle.wake.thread.unpark();
        }
    }
}

impl Drop for AccessWriter {
    fn drop(&mut self) {
        let Some(handle) = &self.thread else { return };
        handle.shared.stop.store(true, Ordering::Release);
        handle.wake.thread.unpark();
        // Not `join`: whoever reads the other end of a pipe may have stopped reading.
        let _ = handle.ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LAST_LINES);
    }
}

impl Shared {
    fn queues(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own state.
struct Rounds {
    shared: Arc<Shared>,
    wake: Arc<Wake>,
    sink: Sink,
    metrics: Arc<WorkerMetrics>,
    /// Whether the last write failed: the log is told once, not a hundred times a second.
    failing: bool,
}

impl Rounds {
    fn run(mut self, ending: &SyncSender<()>) {
        let mut buffer = Vec::new();
        let mut idle = 0;
        loop {
            let stop = self.shared.stop.load(Ordering::Acquire);
            if self.shared.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            let wrote = self.round(&mut buffer);
            if stop {
                break;
            }
            idle = if wrote { 0 } else { idle + 1 };
            if idle < IDLE_ROUNDS {
                thread::park_timeout(INTERVAL);
            } else {
                self.sleep(&mut buffer);
                idle = 0;
            }
        }
        let _ = ending.send(());
    }

    /// Writes what the workers have. `false` where that is nothing.
    fn round(&mut self, buffer: &mut Vec<u8>) -> bool {
        let queues = self.queues_in_use();
        let mut wrote = false;
        for queue in &queues {
            queue.swap(buffer);
            if !buffer.is_empty() {
                wrote = true;
                self.write(buffer);
                buffer.clear();
                buffer.shrink_to(KEPT_BYTES);
            }
        }
        wrote
    }

    /// Sleeps until there is a line. See [`Wake::wake`] for why none is missed.
    fn sleep(&mut self, buffer: &mut Vec<u8>) {
        self.wake.asleep.store(true, Ordering::Release);
        if !self.round(buffer) && !self.called() {
            thread::park();
        }
        self.wake.asleep.store(false, Ordering::Release);
    }

    fn called(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire) || self.shared.reopen.load(Ordering::Acquire)
    }

    /// The queues; those whose worker is gone are forgotten, after this last look.
    fn queues_in_use(&self) -> Vec<Arc<Queue>> {
        let mut queues = self.shared.queues();
        let all = queues.clone();
        // One is the list's and one the copy's: no worker has it any more.
        queues.retain(|queue| Arc::strong_count(queue) > 2);
        all
    }

    fn write(&mut self, lines: &[u8]) {
        let result = self.sink.write(lines);
        if let Err(error) = &result {
            let lost = lines.split_inclusive(|byte| *byte == b'\n').count();
            self.metrics.access_lines_dropped.add(lost as u64);
            if !self.failing {
                tracing::error!(%error, "the access log cannot be written; its lines are dropped");
            }
        } else if self.failing {
            tracing::info!("the access log can be written again");
        }
        self.failing = result.is_err();
    }

    fn reopen(&mut self) {
        match self.sink.reopen() {
            Ok(()) => tracing::info!("the access log was opened again"),
            Err(error) => tracing::error!(%error, "the access log cannot be opened again; the old file stays in use"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Instant;

    use super::super::line::tests::a_line;
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tollgate-access-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("access.log")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < end, "{what} did not happen");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn lines(path: &std::path::Path) -> usize {
        fs::read_to_string(path).map_or(0, |text| text.lines().count())
    }

    #[test]
    fn every_line_of_every_worker_is_in_the_file() {
        let folder = Folder::new("all");
        let registry = Registry::default();
        let writer = AccessWriter::start(&Access::File(folder.file()), &registry).unwrap();
        thread::scope(|scope| {
            for worker in 0..4 {
                let log = writer.worker(registry.worker(WorkerId(worker)));
                scope.spawn(move || {
                    for n in 0..500 {
                        log.write(&a_line(&format!("/{worker}/{n}")));
                    }
                });
            }
        });
        drop(writer);
        let text = fs::read_to_string(folder.file()).unwrap();
        assert_eq!(text.lines().count(), 2000);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn a_sleeping_thread_wakes_for_a_line() {
        let folder = Folder::new("sleep");
        let registry = Registry::default();
        let writer = AccessWriter::start(&Access::File(folder.file()), &registry).unwrap();
        let log = writer.worker(registry.worker(WorkerId(0)));
        let wake = Arc::clone(&writer.thread.as_ref().unwrap().wake);
        eventually("falling asleep", || wake.asleep.load(Ordering::Acquire));
        log.write(&a_line("/"));
        eventually("the line", || lines(&folder.file()) == 1);
    }

    #[test]
    fn after_a_rename_and_reopen_lines_go_to_the_new_file() {
        let folder = Folder::new("reopen");
        let registry = Registry::default();
        let writer = AccessWriter::start(&Access::File(folder.file()), &registry).unwrap();
        let log = writer.worker(registry.worker(WorkerId(0)));
        log.write(&a_line("/before"));
        eventually("the first line", || lines(&folder.file()) == 1);
        let old = folder.0.join("access.log.1");
        fs::rename(folder.file(), &old).unwrap();
        writer.reopen();
        eventually("the new file", || folder.file().exists());
        log.write(&a_line("/after"));
        eventually("the second line", || lines(&folder.file()) == 1);
        assert_eq!(lines(&old), 1);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error_at_the_start() {
        let access = Access::File(PathBuf::from("/nonexistent-folder/access.log"));
        assert!(AccessWriter::start(&access, &Registry::default()).is_err());
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        let registry = Registry::default();
        let writer = AccessWriter::start(&Access::File(PathBuf::from("/dev/full")), &registry).unwrap();
        writer.worker(registry.worker(WorkerId(0))).write(&a_line("/"));
        drop(writer);
        assert!(
            registry
                .text(&crate::telemetry::metrics::Caches::default())
                .contains("tollgate_access_lines_dropped_total 1\n")
        );
    }

    #[test]
    fn a_log_that_is_off_hands_out_ends_that_take_nothing() {
        let registry = Registry::default();
        let writer = AccessWriter::start(&Access::Off, &registry).unwrap();
        assert!(!writer.worker(registry.worker(WorkerId(0))).enabled());
    }
}
