//! Hooks on the way in.

use crate::Plugin;
pub use crate::bindings::request_world::exports::tollgate::plugin::request_filter::{BodyVerdict, Verdict};

/// A plugin that acts on requests, before they are forwarded.
pub trait RequestFilter: Plugin {
    /// Called when the head of a request has arrived.
    fn on_request(&self) -> Verdict;

    /// Called with the whole body, and only after `on_request` answered [`Verdict::NeedBody`];
    /// maybe on another instance, so what the second hook needs of the first belongs in
    /// [`attributes`](crate::attributes).
    fn on_request_body(&self, body: Vec<u8>) -> BodyVerdict {
        drop(body);
        BodyVerdict::Next
    }
}
