//! One data-plane thread: what it has of its own, and how the rest of its code finds it.
//!
//! A worker shares nothing it writes on a request's way. Its pools, instances and counters are
//! `Rc`s on its thread. Host functions run on the same thread, but inside a store, which can hold
//! no `Rc`; they find the worker in a thread-local.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::config::model::Target;
use crate::context::RequestId;
use crate::snapshot::WorkerSnapshot;
use crate::telemetry::metrics::WorkerMetrics;
use crate::upstream::{self, Reach, Upstream};

pub mod background;
mod completions;
mod connections;
mod gauges;
mod idle;
mod outbound;
pub mod thread;

pub use completions::{Completion, Completions};
use connections::Connections;
pub use outbound::{Answered, Caller, OutboundCall, Refused, StreamedCall, To, open, send};
use thread::Role;

/// Most origins whose idle connections a worker keeps.
const MAX_ORIGINS: usize = 256;

thread_local! {
    static CURRENT: OnceCell<Rc<Worker>> = const { OnceCell::new() };
}

/// One data-plane thread's own state.
#[derive(Debug)]
pub struct Worker {
    /// What requests are served by from now on; those under way keep theirs.
    snapshot: RefCell<Rc<WorkerSnapshot>>,
    /// Pools and health; outlive snapshots.
    pub upstreams: RefCell<upstream::Registry>,
    origins: RefCell<HashMap<(Target, Reach), Rc<Upstream>>>,
    pub metrics: Arc<WorkerMetrics>,
    pub connections: Connections,
    pub completions: Rc<Completions>,
    id_prefix: u64,
    /// Counts requests, from a random number on.
    requests: Cell<u64>,
}

impl Worker {
    /// Makes this thread the worker's. A thread is made a worker once.
    pub fn install(role: Role, snapshot: Rc<WorkerSnapshot>, upstreams: upstream::Registry) -> Rc<Self> {
        let metrics = snapshot.shared.metrics.worker(role.id());
        snapshot.limit_turns();
        let worker = Rc::new(Self {
            snapshot: RefCell::new(snapshot),
            upstreams: RefCell::new(upstreams),
            origins: RefCell::default(),
            metrics,
            connections: Connections::default(),
            completions: Rc::default(),
            // Without randomness, ids of two runs may meet; nothing worse.
            id_prefix: getrandom::u64().unwrap_or(role.id().0 as u64),
            requests: Cell::new(getrandom::u64().unwrap_or_default()),
        });
        CURRENT.with(|current| Rc::clone(current.get_or_init(|| worker)))
    }

    pub fn snapshot(&self) -> Rc<WorkerSnapshot> {
        Rc::clone(&self.snapshot.borrow())
    }

    /// The old snapshot goes with the last request that uses it.
    pub fn replace_snapshot(&self, snapshot: Rc<WorkerSnapshot>) {
        snapshot.limit_turns();
        let old = self.snapshot.replace(snapshot);
        // Origins of grants that are gone must not keep their connections.
        self.origins.borrow_mut().clear();
        drop(old);
    }

    pub fn next_id(&self) -> RequestId {
        self.requests.set(self.requests.get().wrapping_add(1));
        RequestId::new(self.id_prefix, self.requests.get())
    }

    fn origin(&self, target: &Target, reach: Reach) -> Rc<Upstream> {
        let mut origins = self.origins.borrow_mut();
        let key = (target.clone(), reach);
        if let Some(known) = origins.get(&key) {
            return Rc::clone(known);
        }
        // Wildcards cover as many hosts as there are: those nobody calls at this moment make room.
        if origins.len() >= MAX_ORIGINS {
            origins.retain(|_, origin| Rc::strong_count(origin) > 1);
        }
        let origin = self.upstreams.borrow_mut().origin(target, reach);
        origins.insert(key, Rc::clone(&origin));
        origin
    }
}
