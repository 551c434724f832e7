//! Hooks on the way out.

use crate::Plugin;
pub use crate::bindings::response_world::exports::tollgate::plugin::response_filter::{
    ResponseBodyVerdict, ResponseVerdict,
};

/// A plugin that acts on responses, before they are sent to the client.
pub trait ResponseFilter: Plugin {
    /// Called when the head of a response is there, whoever made it:
    /// [`response::made_by`](crate::response::made_by) tells.
    fn on_response(&self) -> ResponseVerdict;

    /// Called with the whole body, and only after `on_response` answered
    /// [`ResponseVerdict::NeedBody`]; maybe on another instance, so what the second hook needs of the
    /// first belongs in [`attributes`](crate::attributes). A body with a `content-encoding` arrives
    /// encoded; an answer to HEAD, a 204, a 205 and a 304 have an empty one.
    fn on_response_body(&self, body: Vec<u8>) -> ResponseBodyVerdict {
        drop(body);
        ResponseBodyVerdict::Next
    }
}
