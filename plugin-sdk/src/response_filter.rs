//! The hook on the way out.

use crate::Plugin;
pub use crate::bindings::response_world::exports::tollgate::plugin::response_filter::ResponseVerdict;

/// A plugin that acts on responses, before they are sent to the client.
pub trait ResponseFilter: Plugin {
    /// Called when the head of a response is there, whoever made it:
    /// [`response::made_by`](crate::response::made_by) tells.
    fn on_response(&self) -> ResponseVerdict;
}
