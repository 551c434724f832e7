//! `on-interval`: work that no request waits for.
//!
//! It has a thread of its own, which is a worker nobody connects to. So it has what a plugin's calls
//! need (pools, health, the newest snapshot), and however long a plugin computes, no client's worker
//! yields to it. The thread is started when a plugin first wants it; without such a plugin there is
//! none.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::thread::{self, Handle, Role};
use crate::plugin::Plugin;
use crate::plugin::call;
use crate::plugin::link::Link;
use crate::plugin::pool::Pool;
use crate::plugin::state::Hook;
use crate::snapshot::{Snapshot, WorkerSnapshot};
use crate::telemetry::Verdict;

/// The thread, from outside.
#[derive(Debug, Default)]
pub struct Background {
    thread: Option<Handle>,
}

impl Background {
    /// Starts what is new in a snapshot, stops what is not in it any more, and lets the rest go on.
    /// Resolves when that is so; `None` where there is nothing to wait for.
    pub fn install(&mut self, snapshot: &Arc<Snapshot>) -> std::io::Result<Option<oneshot::Receiver<()>>> {
        if let Some(thread) = &self.thread {
            return Ok(Some(thread.install(Arc::clone(snapshot))));
        }
        if snapshot.plugins.iter().any(|plugin| plugin.interval.is_some()) {
            // It has no connections to drain.
            let (_, draining) = watch::channel(false);
            self.thread = Some(thread::spawn(Role::Background, Arc::clone(snapshot), draining)?);
        }
        Ok(None)
    }

    /// Breaks off what runs and ends the thread.
    pub fn stop(self) {
        Handle::join_all(self.thread.into_iter().collect());
    }
}

/// The tasks of the thread, one for each plugin that wants `on-interval`.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    running: Vec<(Arc<Plugin>, JoinHandle<()>)>,
}

impl Intervals {
    /// A plugin that did not change is the same in both snapshots, and is not restarted. Of one that
    /// did, the old one is stopped before the new one starts.
    pub(super) async fn follow(&mut self, snapshot: &WorkerSnapshot) {
        let wanted: Vec<&Rc<Pool>> = snapshot.pools().filter(|pool| pool.plugin.interval.is_some()).collect();
        let is_wanted = |plugin: &Arc<Plugin>| wanted.iter().any(|pool| Arc::ptr_eq(&pool.plugin, plugin));
        let (kept, stopped) = std::mem::take(&mut self.running).into_iter().partition(|(plugin, _)| is_wanted(plugin));
        self.running = kept;
        stop(stopped).await;
        for pool in wanted {
            if !self.running.iter().any(|(plugin, _)| Arc::ptr_eq(plugin, &pool.plugin)) {
                let task = tokio::task::spawn_local(call_again_and_again(snapshot.link(pool, "")));
                self.running.push((Arc::clone(&pool.plugin), task));
            }
        }
    }

    pub(super) async fn stop(self) {
        stop(self.running).await;
    }
}

/// Returns when all of them are gone, with the instances they held.
async fn stop(tasks: Vec<(Arc<Plugin>, JoinHandle<()>)>) {
    for (_, task) in &tasks {
        task.abort();
    }
    for (_, task) in tasks {
        drop(task.await);
    }
}

async fn call_again_and_again(link: Link) {
    let Some(interval) = link.plugin.interval else { return };
    let mut ticks = tokio::time::interval(interval);
    // What was missed while a call took too long is not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        // The first is at once.
        ticks.tick().await;
        call_once(&link).await;
    }
}

async fn call_once(link: &Link) {
    let metrics = link.metrics.hook(Hook::OnInterval.metric());
    let (ended, cpu) = call::on_interval(link).await;
    match ended {
        Ok(()) => metrics.called(Verdict::Done, cpu),
        Err(fault) => {
            metrics.called(Verdict::Error, cpu);
            metrics.failed(fault.reason());
            let (plugin, version) = (link.plugin.name(), &link.plugin.descriptor.version);
            tracing::error!(%plugin, %version, hook = "on-interval", "plugin failed, it is called again at its time: {fault}");
        }
    }
}
