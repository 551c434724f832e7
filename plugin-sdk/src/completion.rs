//! What has become of a request: for audit, billing, statistics.

use crate::Plugin;
pub use crate::bindings::completion_world::exports::tollgate::plugin::completion::{Completed, Ending};

/// A plugin that is told when a request is over.
pub trait Completion: Plugin {
    /// Called once for each request that got to the plugin, when the last byte of its answer was handed
    /// out or the exchange broke off; not for a plugin's call of a route. No client waits for it.
    ///
    /// [`attributes`](crate::attributes) has the notes of the whole request, and
    /// [`request`](crate::request) may be read; the response's head is gone.
    fn on_complete(&self, completed: Completed);
}
