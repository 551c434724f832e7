//! The control thread: it accepts connections and answers operators.

use std::net::TcpListener as StdListener;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use crate::reload::Status;
use crate::telemetry::Registry;
use crate::unchecked::listener::watched;
use crate::unchecked::schedule;
use crate::worker::thread::Handle;
use crate::{admin, listen};

/// What the admin listener is served with.
type Admin = (StdListener, Arc<Status>, Arc<Registry>);

/// The other end of the control thread.
#[derive(Debug)]
pub(super) struct Control {
    /// Disconnected once nothing is accepted any more.
    acceptors: mpsc::Receiver<()>,
    ended: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Control {
    pub(super) fn start(
        runtime: Runtime,
        listeners: Vec<StdListener>,
        workers: &Arc<Vec<Handle>>,
        places: &Arc<Semaphore>,
        admin: Option<Admin>,
        stopping: watch::Receiver<bool>,
    ) -> std::io::Result<Self> {
        let (accepting, acceptors) = mpsc::channel();
        let (ended, has_ended) = oneshot::channel();
        let (workers, places) = (Arc::clone(workers), Arc::clone(places));
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || {
            // A worker that computes is not to stop for each connection that somebody opens: a few of them are accepted
            // at once then, a moment later. Where it is refused, it stops.
            let _ = schedule::batch();
            runtime.block_on(async move {
                if let Some((listener, status, metrics)) = admin {
                    tokio::spawn(serve_admin(listener, status, metrics, stopping.clone()));
                }
                accept_all(listeners, workers, places, stopping).await;
                drop(accepting);
                // Operators are answered until the last connection is gone; an error is an end, too.
                let _ = has_ended.await;
            });
        })?;
        Ok(Self { acceptors, ended, thread })
    }

    /// Returns when no connection is accepted any more.
    pub(super) fn wait_for_acceptors(&self) {
        // Nothing is ever sent; the end of the channel is the message.
        let _ = self.acceptors.recv();
    }

    pub(super) fn end(self) {
        let _ = self.ended.send(());
        drop(self.thread.join());
    }
}

async fn accept_all(
    listeners: Vec<StdListener>,
    workers: Arc<Vec<Handle>>,
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
) {
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        match watched(listener) {
            Ok(listener) => {
                acceptors.spawn(listen::accept(listener, Arc::clone(&workers), Arc::clone(&places), stopping.clone()));
            }
            Err(error) => tracing::error!(%error, "a listener could not be served"),
        }
    }
    drop(workers);
    while acceptors.join_next().await.is_some() {}
}

async fn serve_admin(
    listener: StdListener,
    status: Arc<Status>,
    metrics: Arc<Registry>,
    stopping: watch::Receiver<bool>,
) {
    match TcpListener::from_std(listener) {
        Ok(listener) => admin::serve(listener, status, metrics, stopping).await,
        Err(error) => tracing::error!(%error, "the admin listener could not be served"),
    }
}
