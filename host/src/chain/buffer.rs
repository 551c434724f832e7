//! A request body, read whole because a plugin asked for it.

use bytes::Bytes;

use crate::body::{self, Body};
use crate::context::Context;
use crate::respond::Failure;

/// The body as it stands at this point of the chain: an earlier plugin's, or the client's.
pub(super) async fn read(context: &mut Context, body: Body, max: u64) -> Result<Bytes, Failure> {
    if let Some(replaced) = context.replaced_body.take() {
        if replaced.len() as u64 > max {
            return Err(Failure::BodyTooLarge { limit: max });
        }
        return Ok(replaced);
    }
    body::collect(body, max).await.map_err(Failure::from)
}
