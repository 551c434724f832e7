//! A change on disk, made live: watch, wait until it settles, build, swap.
//!
//! All of it happens on one thread of its own. The data plane hears of a new snapshot only when it
//! is complete; of a broken one it hears nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use crate::config::model::{Component, WatchMode};
use crate::gateway::{Built, Gateway};
use crate::lock;
use crate::snapshot::Snapshot;
use crate::unchecked::code;
use crate::worker::background::Background;
use crate::worker::thread::Handle;

mod watch;

use watch::Watch;

/// How long nothing must change before a build begins: several files are changed one by one.
const SETTLE: Duration = Duration::from_millis(10);
/// Bytes that are a piece of their own for mimalloc, and not one of many in a page.
const LARGE_PIECE: usize = 4 << 20;
/// As [`SETTLE`], where a file is being written and was not closed yet.
const SETTLE_WRITING: Duration = Duration::from_millis(250);
/// A build begins after this even if changes keep coming.
const SETTLE_AT_MOST: Duration = Duration::from_secs(2);
/// How often expired state is given back, and files are looked at in case a watch missed a change.
const TICK: Duration = Duration::from_secs(2);

/// The thread that reloads.
#[derive(Debug)]
pub struct Reloader {
    events: mpsc::Sender<Event>,
    /// Told, a build under way is given up.
    stopping: Arc<Notify>,
    status: Arc<Status>,
    thread: JoinHandle<()>,
}

/// Who is given each new snapshot.
#[derive(Debug)]
pub struct Threads {
    pub workers: Arc<Vec<Handle>>,
    pub background: Background,
}

/// What the thread is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// A file that matters was changed, and is whole.
    Changed,
    /// A file that matters is being changed: it is open, or was only made.
    BeingWritten,
    /// Build anew, changed or not.
    Reload,
    Stop,
}

/// What there is to know of reloads, for the admin interface.
#[derive(Debug)]
pub struct Status {
    pub config: PathBuf,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
pub struct Current {
    pub snapshot: Arc<Snapshot>,
    /// When `snapshot` went live.
    pub since: SystemTime,
    /// Reloads tried after the start.
    pub reloads: u64,
    /// Why the last reload changed nothing; `None` if it was a success.
    pub last_error: Option<String>,
}

impl Status {
    pub fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut Current)) {
        change(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Reloader {
    pub fn start(
        gateway: Gateway,
        config: &Path,
        lock: lock::Mode,
        snapshot: Arc<Snapshot>,
        files: Vec<PathBuf>,
        threads: Threads,
    ) -> std::io::Result<Self> {
        let current = Current { snapshot, since: SystemTime::now(), reloads: 0, last_error: None };
        let status = Arc::new(Status { config: config.to_owned(), current: Mutex::new(current) });
        let (events, received) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (watch, stopping) = (Watch::new(events.clone()), Arc::new(Notify::new()));
        let mut reloads = Reloads {
            gateway,
            runtime,
            status: Arc::clone(&status),
            files,
            threads,
            watch,
            stopping: Arc::clone(&stopping),
            lock,
            swept: Instant::now(),
            looked: Instant::now(),
        };
        reloads.watch_again();
        let thread = std::thread::Builder::new().name("reload".into()).spawn(move || {
            reloads.run(&received);
            reloads.threads.background.stop();
        })?;
        Ok(Self { events, stopping, status, thread })
    }

    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    pub fn reload(&self) {
        drop(self.events.send(Event::Reload));
    }

    pub fn reopen_logs(&self) {
        self.status.current().snapshot.access.reopen();
    }

    pub fn stop(self) {
        drop(self.events.send(Event::Stop));
        // Kept for the next build where none is under way, which then does not begin.
        self.stopping.notify_one();
        drop(self.thread.join());
    }
}

/// The thread's own state.
struct Reloads {
    gateway: Gateway,
    runtime: tokio::runtime::Runtime,
    status: Arc<Status>,
    /// Files the newest config was made of, without plugins.
    files: Vec<PathBuf>,
    threads: Threads,
    watch: Watch,
    stopping: Arc<Notify>,
    lock: lock::Mode,
    /// When expired state was last given back.
    swept: Instant,
    /// When the files were last looked at without a hint.
    looked: Instant,
}

impl Reloads {
    fn run(&mut self, events: &mpsc::Receiver<Event>) {
        loop {
            let settled = match events.recv_timeout(self.patience()) {
                Ok(Event::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => Settled::Stop,
                Ok(Event::Reload) => Settled::Reload,
                Ok(hint @ (Event::Changed | Event::BeingWritten)) => settle(events, &hint),
                Err(mpsc::RecvTimeoutError::Timeout) if self.look_is_due() && self.watch.contents_changed() => {
                    self.settle_by_looking(events)
                }
                Err(mpsc::RecvTimeoutError::Timeout) => Settled::Unchanged,
            };
            self.sweep();
            match settled {
                Settled::Stop => return,
                Settled::Reload => {
                    // What forces it need not be told of again.
                    self.watch.contents_changed();
                    self.reload();
                }
                // A watch tells of more than what matters; what the files are decides.
                Settled::Changed if self.watch.contents_changed() => self.reload(),
                Settled::Changed | Settled::Unchanged => {}
            }
        }
    }

    /// Without the kernel's word a changed file may be half written: waits until it stays the same.
    fn settle_by_looking(&mut self, events: &mpsc::Receiver<Event>) -> Settled {
        let end = Instant::now() + SETTLE_AT_MOST;
        loop {
            match settle(events, &Event::BeingWritten) {
                Settled::Changed if Instant::now() < end && self.watch.contents_changed() => {}
                Settled::Changed => return Settled::Reload,
                settled => return settled,
            }
        }
    }

    /// How long to wait for the kernel's word before there is something else to do.
    fn patience(&self) -> Duration {
        self.look_interval().saturating_sub(self.looked.elapsed()).min(TICK)
    }

    /// How often the files are looked at without the kernel's word.
    fn look_interval(&self) -> Duration {
        let reload = &self.status.current().snapshot.config.reload;
        if reload.watch == WatchMode::Poll { reload.poll_interval } else { TICK }
    }

    fn look_is_due(&mut self) -> bool {
        let is_due = self.looked.elapsed() >= self.look_interval();
        if is_due {
            self.looked = Instant::now();
        }
        is_due
    }

    fn sweep(&mut self) {
        if self.swept.elapsed() >= TICK {
            self.gateway.sweep();
            give_back_memory();
            self.swept = Instant::now();
        }
    }

    fn reload(&mut self) {
        let started = Instant::now();
        let previous = self.status.current().snapshot;
        let built = self.runtime.block_on(async {
            tokio::select! {
                built = self.gateway.build(&self.status.config, self.lock, Some(&previous)) => Some(built),
                () = self.stopping.notified() => None,
            }
        });
        match built {
            Some(Ok(Built { snapshot, files })) => {
                warn_of_what_needs_a_restart(&previous, &snapshot);
                self.files = files;
                self.install(&snapshot);
                self.gateway.metrics.reloaded(true);
                tracing::info!(took_ms = started.elapsed().as_millis(), "reloaded");
            }
            Some(Err(problems)) => {
                self.gateway.metrics.reloaded(false);
                tracing::error!("not reloaded, the last good config goes on:\n{problems}");
                self.status.update(|current| {
                    current.reloads += 1;
                    current.last_error = Some(problems.to_string());
                });
            }
            None => return,
        }
        // After a failure too: the file that mends it may be one that is not watched yet.
        self.watch_again();
        // As after the start.
        let _ = code::give_back();
    }

    fn install(&mut self, snapshot: &Arc<Snapshot>) {
        let Threads { workers, background } = &mut self.threads;
        let mut installed: Vec<_> = workers.iter().map(|worker| worker.install(Arc::clone(snapshot))).collect();
        match background.install(snapshot) {
            Ok(done) => installed.extend(done),
            Err(error) => {
                tracing::error!(%error, "no thread for plugins' `on-interval`: it is tried again at the next reload");
            }
        }
        for done in installed {
            // A worker that is gone serves nothing old either.
            let _ = done.blocking_recv();
        }
        self.status.update(|current| {
            *current = Current {
                snapshot: Arc::clone(snapshot),
                since: SystemTime::now(),
                reloads: current.reloads + 1,
                last_error: None,
            };
        });
    }

    fn watch_again(&mut self) {
        let config = &self.status.config;
        let snapshot = self.status.current().snapshot;
        let server = &snapshot.config.server;
        let plugins = snapshot.config.plugins.iter().filter_map(|plugin| match &plugin.component {
            Component::File(path) => Some(path.clone()),
            Component::BuiltIn(_) => None,
        });
        let files = self.files.iter().cloned().chain(plugins).chain([config.clone()]);
        self.watch.set(snapshot.config.reload.watch, files.collect(), &server.plugins_dir);
    }
}

/// Memory that is free for a second goes back to the system, as mimalloc has it, when somebody frees a
/// large piece after that. After a start or a reload, which need a lot for a moment, nobody does.
fn give_back_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_PIECE)));
}

/// What is to be done when nothing changes any more.
enum Settled {
    /// Look whether there is another content.
    Changed,
    /// Build anew.
    Reload,
    Unchanged,
    Stop,
}

fn settle(events: &mpsc::Receiver<Event>, first: &Event) -> Settled {
    let patience = |hint: &Event| if matches!(hint, Event::BeingWritten) { SETTLE_WRITING } else { SETTLE };
    let end = Instant::now() + SETTLE_AT_MOST;
    let mut wait = patience(first);
    loop {
        match events.recv_timeout(wait.min(end.saturating_duration_since(Instant::now()))) {
            Ok(Event::Reload) => return Settled::Reload,
            Ok(Event::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => return Settled::Stop,
            Ok(hint) if Instant::now() < end => wait = patience(&hint),
            Ok(_) | Err(mpsc::RecvTimeoutError::Timeout) => return Settled::Changed,
        }
    }
}

/// Sockets, threads and the connection to Redis are made once.
fn warn_of_what_needs_a_restart(old: &Snapshot, new: &Snapshot) {
    let level = ("log.level", old.config.log.level != new.config.log.level);
    let shared = ("state.cache", old.config.state.cache != new.config.state.cache);
    let (old, new) = (&old.config.server, &new.config.server);
    let fixed = [
        level,
        shared,
        ("server.listen", old.listen != new.listen),
        ("server.admin", old.admin != new.admin),
        ("server.workers", old.workers != new.workers),
        ("server.limits.connections", old.limits.connections != new.limits.connections),
    ];
    for (key, _) in fixed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!("`{key}` changed; it takes effect at the next start");
    }
}
