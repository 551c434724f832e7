//! One `handle`, as it looks from outside: what became of it, and who is told.
//!
//! Its task, the answer's body and the exchange share this. Whoever finds out first that something went
//! wrong says so, and nobody says it twice.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::body::BodyError;
use crate::context::{Context, FilteredBodies, RequestId};
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::respond::Failure;
use crate::route::Routed;

/// Why there is no answer. The operator was told.
#[derive(Debug)]
pub enum Unanswered {
    Fault(Fault),
    /// The request's body ended before its end, and the guest had no answer to that.
    Body(BodyError),
    /// The route's time is over.
    Deadline,
}

pub(super) struct Call {
    pub(super) link: Link,
    route: Routed,
    id: RequestId,
    /// Whether it has given an answer, whatever becomes of its body. The guest's store shares it.
    pub(super) has_answered: Arc<AtomicBool>,
    fault: RefCell<Option<Fault>>,
    /// How the request's body ended, if not well.
    request_body: Cell<Option<BodyError>>,
    /// Where a body's end is told of that comes after the head.
    ending: Arc<FilteredBodies>,
}

impl Call {
    pub(super) fn new(link: &Link, context: &mut Context) -> Rc<Self> {
        Rc::new(Self {
            link: link.clone(),
            route: context.route.without_params(),
            id: context.id,
            has_answered: Arc::default(),
            fault: RefCell::default(),
            request_body: Cell::default(),
            ending: Arc::clone(context.filtered.get_or_insert_default()),
        })
    }

    /// The guest failed. The first to know why tells the operator.
    pub(super) fn failed(&self, fault: Fault) {
        if self.has_failed() {
            return;
        }
        let (plugin, version) = (self.link.plugin.name(), &self.link.plugin.descriptor.version);
        let (route, id, hook) = (&self.route, self.id, Hook::Handle.name());
        let is_told = self.link.pool.tells_failure();
        if let Some(error) = self.request_body.get() {
            // Clients could fill the numbers with a plugin's errors.
            if is_told {
                tracing::warn!(%plugin, %version, %route, hook, %id, "plugin gave up: {error}; {fault}");
            }
        } else {
            self.link.metrics.hook(Hook::Handle.metric()).failed(fault.reason());
            if is_told {
                tracing::error!(%plugin, %version, %route, hook, %id, answered = self.has_answered.load(Relaxed), "plugin failed: {fault}");
            }
        }
        *self.fault.borrow_mut() = Some(fault);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.fault.borrow().is_some()
    }

    /// How a request ends that got no answer.
    pub(super) fn unanswered(&self) -> Unanswered {
        if let Some(error) = self.request_body.get() {
            return Unanswered::Body(error);
        }
        match &*self.fault.borrow() {
            Some(Fault::Deadline) | None => Unanswered::Deadline,
            Some(fault) => Unanswered::Fault(fault.clone()),
        }
    }

    /// Leaves word, for whoever ends the request, of why the answer's body broke off.
    pub(super) fn cut_off(&self) {
        self.ending.failed(match self.unanswered() {
            Unanswered::Fault(fault) => Failure::Plugin { name: Arc::clone(self.link.plugin.name()), fault },
            Unanswered::Body(error) => error.into(),
            Unanswered::Deadline => Failure::Deadline,
        });
    }

    pub(super) fn request_broke_off(&self, error: BodyError) {
        self.request_body.set(Some(error));
    }
}

/// The guest's task. Dropped, the guest is stopped: nobody is there any more for what it does.
pub(super) struct Running {
    task: Option<JoinHandle<()>>,
    call: Rc<Call>,
}

impl Running {
    pub(super) fn new(task: JoinHandle<()>, call: Rc<Call>) -> Self {
        Self { task: Some(task), call }
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// The answer is complete. The guest may go on for as long as a hook may take.
    pub(super) fn leave_alone(mut self, time: Duration) {
        let Some(mut task) = self.task.take().filter(|task| !task.is_finished()) else { return };
        tokio::task::spawn_local(async move {
            if tokio::time::timeout(time, &mut task).await.is_err() {
                self.call.failed(Fault::Wall);
                task.abort();
            }
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(task) = self.task.take().filter(|task| !task.is_finished()) else { return };
        task.abort();
        if !self.call.has_failed() {
            let Call { link, route, id, has_answered, .. } = &*self.call;
            let plugin = link.plugin.name();
            tracing::info!(%plugin, %route, hook = Hook::Handle.name(), %id, answered = has_answered.load(Relaxed), "plugin was stopped: the client is gone");
        }
    }
}
