//! A worker's thread: one runtime, one mailbox, many connections.

use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::LocalOptions;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::background::Intervals;
use super::{Worker, gauges, idle};
use crate::cork;
use crate::listen::connection;
use crate::plugin::{crowd, retire};
use crate::snapshot::{Snapshot, WorkerSnapshot};
use crate::telemetry::WorkerId;
use crate::unchecked::schedule;
use crate::upstream;

/// Tasks polled before the kernel is asked for news again. A request is about four polls; asking
/// seldom is cheaper, and at a few microseconds a request news is still less than a millisecond old.
const EVENT_INTERVAL: u32 = 128;

/// How often a worker that is stopping looks whether its last connection is gone.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// What a worker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves clients. The number is the worker's.
    Serves(usize),
    /// Serves none, and runs plugins' `on-interval`.
    Background,
}

impl Role {
    /// Who writes its metrics.
    pub(super) fn id(self) -> WorkerId {
        match self {
            Self::Serves(number) => WorkerId(number),
            Self::Background => WorkerId::BACKGROUND,
        }
    }

    /// Which target it begins its rounds with.
    fn first_target(self) -> usize {
        match self {
            Self::Serves(number) => number,
            Self::Background => 0,
        }
    }
}

/// The thread's name.
impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Serves(number) => write!(f, "worker-{number}"),
            Self::Background => f.write_str("background"),
        }
    }
}

/// What a worker is told.
enum Message {
    Connection(Accepted),
    /// Serve new requests by this one; answer when that is so.
    Snapshot(Arc<Snapshot>, oneshot::Sender<()>),
}

/// A connection and its place among `server.limits.connections`.
#[derive(Debug)]
pub struct Accepted {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub place: OwnedSemaphorePermit,
}

/// The other end of a worker's mailbox.
#[derive(Debug)]
pub struct Handle {
    mailbox: mpsc::UnboundedSender<Message>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// Starts a worker and waits until it serves `snapshot`.
pub fn spawn(role: Role, snapshot: Arc<Snapshot>, draining: watch::Receiver<bool>) -> std::io::Result<Handle> {
    // Unbounded, but what goes in is bounded: connections by their places, snapshots by reloads.
    let (mailbox, messages) = mpsc::unbounded_channel();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let open = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&open);
    let thread = std::thread::Builder::new().name(role.to_string()).spawn(move || {
        // A worker whose plugins compute has had its share, and would wait for a millisecond and more where others
        // want the processor too. Where it is refused, it waits.
        if matches!(role, Role::Serves(_)) {
            let _ = schedule::short_slices();
        }
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = match builder
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .on_thread_park(before_waiting)
            .build_local(LocalOptions::default())
        {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(run(role, snapshot, messages, draining, counter, ready));
        cork::flush();
        // Connections that did not end within the drain time are cut here. A file that is still being
        // read from a dead disk must not hold up the end.
        runtime.shutdown_background();
    })?;
    is_ready.recv().unwrap_or_else(|_| Err(std::io::Error::other("the worker ended at its start")))?;
    Ok(Handle { mailbox, open, thread })
}

impl Handle {
    /// Connections that are open on this worker.
    pub fn open_connections(&self) -> usize {
        self.open.load(Relaxed)
    }

    pub fn serve(&self, accepted: Accepted) {
        // Counted here, so that the next choice of a worker knows of it.
        self.open.fetch_add(1, Relaxed);
        // A worker that is gone takes no connections: dropping this closes it.
        drop(self.mailbox.send(Message::Connection(accepted)));
    }

    /// Resolves once new requests are served by the snapshot.
    pub fn install(&self, snapshot: Arc<Snapshot>) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        drop(self.mailbox.send(Message::Snapshot(snapshot, done)));
        is_done
    }

    /// Closes all mailboxes, then waits until the last connection is closed or cut.
    pub fn join_all(workers: Vec<Self>) {
        let threads: Vec<_> = workers.into_iter().map(|worker| worker.thread).collect();
        for thread in threads {
            drop(thread.join());
        }
    }
}

/// This thread has done all that was ready.
fn before_waiting() {
    cork::end_round();
    crowd::looked();
}

async fn run(
    role: Role,
    snapshot: Arc<Snapshot>,
    mut messages: mpsc::UnboundedReceiver<Message>,
    mut draining: watch::Receiver<bool>,
    open: Arc<AtomicUsize>,
    ready: std::sync::mpsc::Sender<std::io::Result<()>>,
) {
    let mut upstreams = upstream::Registry::new(role.first_target());
    let id = role.id();
    let first = Rc::new(WorkerSnapshot::new(snapshot, id, &mut upstreams, None));
    let mut intervals = Intervals::default();
    let worker = Worker::install(role, Rc::clone(&first), upstreams);
    take_up(&worker, role, first, &mut intervals).await;
    tokio::task::spawn_local(gauges::keep(Rc::downgrade(&worker)));
    tokio::task::spawn_local(idle::retire(Rc::downgrade(&worker)));
    tokio::task::spawn_local(Rc::clone(&worker.completions).tell());
    let drained = Rc::clone(&worker);
    tokio::task::spawn_local(async move {
        // An error means that the gateway is gone, which ends connections as well.
        drop(draining.wait_for(|draining| *draining).await);
        drained.connections.drain();
    });
    tokio::task::spawn_local(cork::keep_flushing());
    tokio::task::spawn_local(crowd::keep_letting_in());
    tokio::task::spawn_local(retire::keep_taking_apart());
    drop(ready.send(Ok(())));

    // Apart from what follows: while plugins are made ready, which takes as long as they like, the worker goes on
    // with the connections it gets.
    let (installs, to_install) = mpsc::unbounded_channel();
    let installing = tokio::task::spawn_local(install(Rc::clone(&worker), role, intervals, to_install));
    while let Some(message) = messages.recv().await {
        match message {
            Message::Connection(accepted) => {
                let (worker, open) = (Rc::clone(&worker), Arc::clone(&open));
                tokio::task::spawn_local(async move {
                    connection::serve(worker, accepted).await;
                    open.fetch_sub(1, Relaxed);
                });
            }
            Message::Snapshot(snapshot, done) => drop(installs.send((snapshot, done))),
        }
    }
    drop(installs);
    // The mailbox is closed: the gateway is stopping. Answers under way have the drain time, and so have
    // plugins that are still to be told of them.
    if let Ok(intervals) = installing.await {
        intervals.stop().await;
    }
    let drain = worker.snapshot().shared.config.server.drain;
    let empty = async {
        while open.load(Relaxed) > 0 || worker.completions.open() > 0 {
            tokio::time::sleep(DRAIN_POLL).await;
        }
    };
    if tokio::time::timeout(drain, empty).await.is_err() {
        tracing::warn!(
            thread = %role,
            connections = open.load(Relaxed),
            completions = worker.completions.open(),
            "connections or `on-complete` hooks were cut: they did not end within server.drain"
        );
    }
}

/// Takes up one snapshot after the other.
async fn install(
    worker: Rc<Worker>,
    role: Role,
    mut intervals: Intervals,
    mut snapshots: mpsc::UnboundedReceiver<(Arc<Snapshot>, oneshot::Sender<()>)>,
) -> Intervals {
    while let Some((snapshot, done)) = snapshots.recv().await {
        let previous = worker.snapshot();
        let next = WorkerSnapshot::new(snapshot, role.id(), &mut worker.upstreams.borrow_mut(), Some(&previous));
        take_up(&worker, role, Rc::new(next), &mut intervals).await;
        // Nobody waits any more where the gateway is stopping.
        let _ = done.send(());
    }
    intervals
}

/// What is begun from now on is by this snapshot.
async fn take_up(worker: &Worker, role: Role, snapshot: Rc<WorkerSnapshot>, intervals: &mut Intervals) {
    match role {
        // Its first requests find instances.
        Role::Serves(_) => {
            snapshot.warm().await;
            worker.replace_snapshot(snapshot);
        }
        // A plugin's first call finds the upstreams it is granted.
        Role::Background => {
            worker.replace_snapshot(Rc::clone(&snapshot));
            intervals.follow(&snapshot).await;
        }
    }
}
