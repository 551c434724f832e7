//! The thread that talks with Redis: it connects, makes good what was missed, carries out what workers
//! ask, and begins again when Redis is lost.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, RedisResult};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::super::numbers::count;
use super::connect::{self, Link};
use super::listen::{self, Place};
use super::names::Names;
use super::pending::Pending;
use super::removal::Removal;
use super::{Job, Removed, State, commands};

/// Between attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);
/// Most commands under way.
const MAX_AT_ONCE: usize = 64;
/// For what is still to do when the gateway stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Errors that Redis goes on after are logged so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Ends the thread.
#[derive(Debug)]
pub struct Keeper {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub(super) fn start(
        client: Client,
        names: Names,
        state: Arc<State>,
        jobs: mpsc::Receiver<Job>,
        apply: impl Fn(&Removal) + 'static + Send,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("redis".into()).spawn(move || {
            let (node, pending) = (format!("{:016x}", getrandom::u64().unwrap_or_default()), Rc::default());
            let (place, told) = (Cell::new(None), Cell::new(None));
            let inbox = Inbox { jobs, stopped, state: Arc::clone(&state), pending: Rc::clone(&pending) };
            let peer = Peer { client, names, node, state, pending, place, told, apply: Box::new(apply) };
            LocalSet::new().block_on(&runtime, keep(Rc::new(peer), inbox));
        })?;
        Ok(Self { stop, thread })
    }

    /// Returns when what was asked is done, or has taken too long.
    pub fn stop(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}

async fn keep(peer: Rc<Peer>, mut inbox: Inbox) {
    let mut was_told = false;
    loop {
        let Some(begun) = inbox.meanwhile(peer.begin()).await else { return };
        let why = match begun {
            Ok(link) => {
                tracing::info!(redis = %peer.address(), "the cache is shared through Redis");
                was_told = false;
                match serve(&peer, &mut inbox, link).await {
                    Some(why) => why,
                    None => return,
                }
            }
            Err(error) => error.to_string(),
        };
        if !was_told {
            tracing::warn!(redis = %peer.address(), every = ?PAUSE, "the cache goes on without Redis, which is tried again: {why}");
            was_told = true;
        }
        if inbox.meanwhile(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}

/// Carries out what is asked until Redis is lost, and says why; `None` when the gateway stops.
async fn serve(peer: &Rc<Peer>, inbox: &mut Inbox, link: Link) -> Option<String> {
    let Link { commands, removals } = link;
    let (lost, mut was_lost) = mpsc::channel(1);
    let listening = tokio::task::spawn_local(Rc::clone(peer).listen(removals, lost.clone()));
    let mut tasks = JoinSet::new();
    let begin = |tasks: &mut JoinSet<()>, job| {
        tasks.spawn_local(Rc::clone(peer).carry_out(commands.clone(), job, lost.clone()));
    };
    peer.state.is_connected.store(true, Relaxed);
    let why = loop {
        if peer.state.has_lost_removals.swap(false, Relaxed) {
            begin(&mut tasks, Job::Remove { removal: Removal::everything(), removed: None });
        }
        tokio::select! {
            biased;
            _ = &mut inbox.stopped => break None,
            why = was_lost.recv() => break why,
            Some(_) = tasks.join_next() => {}
            job = inbox.jobs.recv(), if tasks.len() < MAX_AT_ONCE => match job {
                Some(job) => begin(&mut tasks, job),
                None => break None,
            },
        }
    };
    peer.state.is_connected.store(false, Relaxed);
    listening.abort();
    if why.is_none() {
        inbox.jobs.close();
        while let Ok(job) = inbox.jobs.try_recv() {
            begin(&mut tasks, job);
        }
    }
    let ended = async { while tasks.join_next().await.is_some() {} };
    if why.is_some() {
        // Each ends by itself, with an error at the latest. One broken off would be a removal that is
        // neither made nor pending.
        inbox.meanwhile(ended).await?;
    } else {
        drop(tokio::time::timeout(LAST_WORDS, ended).await);
    }
    why
}

/// What workers ask.
struct Inbox {
    jobs: mpsc::Receiver<Job>,
    stopped: oneshot::Receiver<()>,
    state: Arc<State>,
    pending: Rc<RefCell<Pending>>,
}

impl Inbox {
    /// Does the work; who asks meanwhile is refused. `None` when the gateway stops.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                _ = &mut self.stopped => return None,
                done = &mut work => return Some(done),
                job = self.jobs.recv() => self.refuse(job?),
            }
        }
    }

    fn refuse(&mut self, job: Job) {
        match job {
            // Whoever asked is told by the end of the channel.
            Job::Lookup { .. } => {}
            Job::Store { .. } => count(&self.state.numbers.dropped),
            Job::Remove { removal, removed } => {
                postpone(&self.pending, &self.state, removal);
                tell(removed, Removed::Later);
            }
        }
    }
}

/// Redis, and what is known of it.
struct Peer {
    client: Client,
    names: Names,
    /// Tells this gateway's removals from those of others.
    node: String,
    state: Arc<State>,
    pending: Rc<RefCell<Pending>>,
    /// Up to where removals were heard.
    place: Cell<Option<Place>>,
    /// When an error was logged last.
    told: Cell<Option<Instant>>,
    apply: Box<dyn Fn(&Removal)>,
}

impl Peer {
    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Connects, and makes good what was missed: nothing is read before.
    async fn begin(&self) -> RedisResult<Link> {
        let mut link = connect::link(&self.client).await?;
        let stream = self.names.removals();
        let is_whole = match self.place.get() {
            Some(place) => listen::is_whole_since(&mut link.commands, &stream, place).await?,
            None => false,
        };
        if !is_whole {
            // What is in memory may have been removed unheard: all of it goes. It is in Redis.
            self.place.set(Some(listen::end(&mut link.commands, &stream).await?));
            (self.apply)(&Removal::everything());
        }
        if self.state.has_lost_removals.swap(false, Relaxed) {
            self.pending.borrow_mut().add(Removal::everything());
        }
        loop {
            let next = self.pending.borrow_mut().take();
            let Some(removal) = next else { break };
            let done = commands::remove(&mut link.commands, &self.names, &self.node, &removal).await;
            if let Err(error) = done {
                postpone(&self.pending, &self.state, removal);
                return Err(error);
            }
            count(&self.state.numbers.removed);
        }
        self.state.numbers.set_pending(0);
        Ok(link)
    }

    async fn listen(self: Rc<Self>, mut connection: MultiplexedConnection, lost: mpsc::Sender<String>) {
        let stream = self.names.removals();
        // Set by `begin`.
        let Some(mut place) = self.place.get() else { return };
        loop {
            match listen::next(&mut connection, &stream, &self.node, &mut place).await {
                Ok(removals) => {
                    for removal in removals {
                        count(&self.state.numbers.heard);
                        (self.apply)(&removal);
                    }
                    self.place.set(Some(place));
                }
                Err(error) => return drop(lost.try_send(error.to_string())),
            }
        }
    }

    async fn carry_out(self: Rc<Self>, mut connection: MultiplexedConnection, job: Job, lost: mpsc::Sender<String>) {
        match job {
            // Who has asked for it has gone on: nothing is fetched for nobody.
            Job::Lookup { found, .. } if found.is_closed() => {}
            Job::Lookup { plugin, key, found } => {
                match commands::lookup(&mut connection, &self.names, &plugin, &key).await {
                    Ok((entries, broken)) => {
                        if let Some(broken) = broken {
                            count(&self.state.numbers.failed);
                            self.say(&format!("what is stored under `{}` is not used: {broken}", key.escape_debug()));
                        }
                        // Nobody may wait for it any more.
                        drop(found.send(entries));
                    }
                    Err(error) => self.trouble(&error, &lost),
                }
            }
            Job::Store { plugin, key, entry, room } => {
                match commands::store(&mut connection, &self.names, &plugin, &key, &entry).await {
                    Ok(true) => count(&self.state.numbers.stored),
                    Ok(false) => count(&self.state.numbers.dropped),
                    Err(error) => {
                        count(&self.state.numbers.dropped);
                        self.trouble(&error, &lost);
                    }
                }
                drop(room);
            }
            Job::Remove { removal, removed } => {
                match commands::remove(&mut connection, &self.names, &self.node, &removal).await {
                    Ok(keys) => {
                        count(&self.state.numbers.removed);
                        tell(removed, Removed::Keys(keys));
                    }
                    Err(error) => {
                        postpone(&self.pending, &self.state, removal);
                        tell(removed, Removed::Later);
                        // Where nothing can be removed, nothing may be read.
                        drop(lost.try_send(error.to_string()));
                    }
                }
            }
        }
    }

    /// An error of one command: the end of the connection, or not.
    fn trouble(&self, error: &RedisError, lost: &mpsc::Sender<String>) {
        if error.is_io_error() || error.is_unrecoverable_error() {
            drop(lost.try_send(error.to_string()));
        } else {
            self.say(&error.to_string());
        }
    }

    fn say(&self, trouble: &str) {
        if self.told.get().is_none_or(|last| last.elapsed() >= TELL_EVERY) {
            self.told.set(Some(Instant::now()));
            tracing::warn!(redis = %self.address(), "the cache has trouble with Redis: {trouble}");
        }
    }
}

fn postpone(pending: &RefCell<Pending>, state: &State, removal: Removal) {
    let mut pending = pending.borrow_mut();
    pending.add(removal);
    state.numbers.set_pending(pending.len());
}

fn tell(removed: Option<oneshot::Sender<Removed>>, how: Removed) {
    if let Some(removed) = removed {
        // An operator who has gone away is told nothing.
        let _ = removed.send(how);
    }
}
