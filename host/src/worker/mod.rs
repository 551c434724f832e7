//! One data-plane thread: what it has of its own, and how the rest of its code finds it.
//!
//! A worker shares nothing it writes on a request's way. Its pools, instances and counters are
//! `Rc`s on its thread. Host functions run on the same thread, but inside a store, which can hold
//! no `Rc`; they find the worker in a thread-local.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request;

use crate::body::{self, Body, Fault};
use crate::config::model::Target;
use crate::context::RequestId;
use crate::plugin::bindings::tollgate::plugin::http_client::ClientError;
use crate::plugin::bindings::tollgate::plugin::types::{Answer, Header};
use crate::snapshot::WorkerSnapshot;
use crate::telemetry::metrics::WorkerMetrics;
use crate::upstream::hop_by_hop::strip_hop_by_hop;
use crate::upstream::{self, Upstream, UpstreamError};

pub mod background;
mod completions;
mod connections;
mod gauges;
pub mod thread;

pub use completions::{Completion, Completions};
use connections::Connections;
use thread::Role;

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
    origins: RefCell<HashMap<Target, Rc<Upstream>>>,
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
        let old = self.snapshot.replace(snapshot);
        // Origins of grants that are gone must not keep their connections.
        self.origins.borrow_mut().clear();
        drop(old);
    }

    pub fn next_id(&self) -> RequestId {
        self.requests.set(self.requests.get().wrapping_add(1));
        RequestId::new(self.id_prefix, self.requests.get())
    }

    fn upstream(&self, to: &To) -> Option<Rc<Upstream>> {
        match to {
            To::Upstream(name) => self.snapshot.borrow().upstream_named(name).map(|state| Rc::clone(&state.upstream)),
            To::Origin(target) => {
                let mut origins = self.origins.borrow_mut();
                let found = origins.entry(target.clone()).or_insert_with(|| self.upstreams.borrow_mut().origin(target));
                Some(Rc::clone(found))
            }
        }
    }
}

/// A plugin's call, checked and granted.
#[derive(Debug)]
pub struct OutboundCall {
    pub to: To,
    pub head: request::Parts,
    pub body: Bytes,
    pub deadline: Instant,
    /// Bytes of the answer's body.
    pub max_body: u64,
}

/// Where a plugin's call goes.
#[derive(Debug)]
pub enum To {
    /// By name, in the newest snapshot.
    Upstream(String),
    Origin(Target),
}

/// Makes a plugin's call through the pools of the worker this runs on.
pub async fn send(call: OutboundCall) -> Result<Answer, ClientError> {
    let gone = || ClientError::Unreachable("the upstream is not in the config any more".into());
    let worker = CURRENT.with(|current| current.get().cloned()).ok_or_else(gone)?;
    let upstream = worker.upstream(&call.to).ok_or_else(gone)?;
    let began = tokio::time::Instant::now();
    let terms = upstream::Call { began, deadline: Some(call.deadline.into()), preserve_host: false };
    let answer = upstream.send(&call.head, Body::full(call.body), terms).await;
    if let Some(state) = worker.snapshot.borrow().upstream_named(upstream.name()) {
        state.count_call(&answer);
    }
    let mut answer = answer.map_err(|error| send_error(&error))?;
    strip_hop_by_hop(&mut answer.head.headers);
    let body = body::collect(answer.body, call.max_body).await.map_err(|error| match error.fault {
        Fault::LimitExceeded(_) => ClientError::TooLarge,
        Fault::Deadline | Fault::Idle => ClientError::Timeout,
        Fault::Broken => ClientError::Unreachable(error.to_string()),
    })?;
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    Ok(Answer {
        status: answer.head.status.as_u16(),
        headers: answer.head.headers.iter().map(text).collect(),
        body: body.into(),
    })
}

fn send_error(error: &UpstreamError) -> ClientError {
    if error.is_timeout() { ClientError::Timeout } else { ClientError::Unreachable(error.to_string()) }
}
