//! Work that no request waits for.

use crate::Plugin;

/// A plugin that prepares what its requests need, or sends on what they left.
pub trait Background: Plugin {
    /// Called soon after the start, and then as often as [`hooks::call_every`](crate::hooks::call_every)
    /// asked in [`Plugin::configure`]; without that never. One instance of the whole gateway runs it, so
    /// what it finds out goes into [`kv`](crate::kv), where the hooks of requests find it.
    fn on_interval(&self);
}
