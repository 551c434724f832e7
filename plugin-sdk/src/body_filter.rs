//! Hooks that are shown a body while it passes.

use crate::Plugin;
pub use crate::bindings::body_world::exports::tollgate::plugin::body_filter::ChunkVerdict;

/// A plugin that acts on bodies as they pass, a chunk at a time, without gathering them.
///
/// An instance is held for one body, from its first chunk to its last, so a field (in a `Cell` or a
/// `RefCell`) lasts from chunk to chunk. The two bodies of one request may be on different instances.
/// After the last chunk, [`ChunkVerdict::Done`] or [`ChunkVerdict::Fail`] the instance is used for
/// another body: have it forget this one by then. The functions of [`request`](crate::request) and
/// [`response`](crate::response) may not be called here; what is needed of the heads belongs in
/// [`attributes`](crate::attributes).
///
/// A hook that is left as it is here has each body pass after its first chunk. That still costs a call
/// for each body, unless `configure` says [`hooks::skip`](crate::hooks::skip).
pub trait BodyFilter: Plugin {
    /// Called with each chunk of a request's body. `last` is true once, at the body's end, and the chunk
    /// may be empty then. A body of no bytes is not shown.
    fn on_request_chunk(&self, chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        let _ = (chunk, last);
        ChunkVerdict::Done
    }

    /// As [`BodyFilter::on_request_chunk`], with the body of a response. A body with a
    /// `content-encoding` arrives encoded.
    fn on_response_chunk(&self, chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        let _ = (chunk, last);
        ChunkVerdict::Done
    }
}
