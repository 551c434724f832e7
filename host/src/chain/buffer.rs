//! A request body, read whole because a plugin asked for it.

use bytes::Bytes;

use crate::body::{self, Body};
use crate::context::Context;
use crate::respond::Failure;

/// The body as it stands at this point of the chain: an earlier plugin's, or the client's. A client
/// that sends it a little at a time has as long as the route has.
pub(super) async fn read(context: &mut Context, body: Body, max: u64) -> Result<Bytes, Failure> {
    if let Some(replaced) = context.replaced_body.take() {
        if replaced.len() as u64 > max {
            return Err(Failure::BodyTooLarge { limit: max });
        }
        return Ok(replaced);
    }
    match tokio::time::timeout_at(context.deadline.into(), body::collect(body, max)).await {
        Ok(read) => read.map_err(Failure::from),
        Err(_) => Err(Failure::Deadline),
    }
}
