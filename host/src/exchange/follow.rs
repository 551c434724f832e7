//! What is kept of an exchange for the plugins that are told when it is over (`on-complete`).

use std::rc::Rc;

use tokio::sync::oneshot;

use crate::body::{End, Side};
use crate::chain::Chain;
use crate::context::Context;
use crate::plugin::bindings::exports::tollgate::plugin::completion::{Completed, Ending};
use crate::worker::{Completion, Completions, Worker};

/// An exchange whose chain has a plugin that is told.
pub(super) struct Following {
    /// Comes when the exchange drops its context: at its end, or wherever it was broken off.
    context: oneshot::Receiver<Box<Context>>,
    completions: Rc<Completions>,
}

impl Following {
    /// Returns, too, where the context is to be left.
    pub(super) fn begin(worker: &Worker) -> (Self, oneshot::Sender<Box<Context>>) {
        let (left_to, context) = oneshot::channel();
        (Self { context, completions: Rc::clone(&worker.completions) }, left_to)
    }

    /// The exchange is over: the worker tells the plugins when it has time.
    pub(super) fn ended(mut self, chain: &Chain, completed: impl FnOnce(&Context) -> Completed) {
        // The exchange drops its context before it drops what holds this.
        let Ok(context) = self.context.try_recv() else { return };
        let followers = chain.followers(context.depth);
        if !followers.is_empty() {
            let completed = completed(&context);
            self.completions.push(Completion { followers, context, completed });
        }
    }
}

pub(super) fn ending(end: End) -> Ending {
    match end {
        End::Complete => Ending::Complete,
        End::Dropped => Ending::ClientGone,
        End::Failed(error) => match error.side {
            Side::Client => Ending::ClientGone,
            Side::Upstream => Ending::UpstreamBroke,
            Side::Gateway | Side::Plugin => Ending::GatewayBroke,
        },
    }
}
