//! Bodies that plugins read whole or replace.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;

use crate::body::{self, Body, Gathered};
use crate::context::Context;
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::respond::Failure;

/// The request's body as it stands at this point of the chain: an earlier plugin's, or the client's. A client
/// that sends it a little at a time has as long as the route has.
pub(super) async fn read_request(context: &mut Context, body: Body, max: u64) -> Result<Bytes, Failure> {
    if let Some(replaced) = context.replaced_body.take() {
        if replaced.len() as u64 > max {
            return Err(Failure::BodyTooLarge { limit: max, is_told: false });
        }
        return Ok(replaced);
    }
    match tokio::time::timeout_at(context.deadline.into(), body::collect(body, max)).await {
        Ok(read) => read.map_err(|error| context.failure_of_body(error)),
        Err(_) => Err(Failure::Deadline),
    }
}

/// Tells the operator of a client's body that is longer than a plugin takes.
pub(super) fn report_too_long(link: &Link, context: &Context, limit: u64) {
    if link.pool.tells_failure() {
        let (plugin, hook) = (link.plugin.name(), Hook::OnRequestBody.name());
        tracing::warn!(%plugin, route = %context.route, hook, id = %context.id, owner = "client", kind = "body-too-large", "plugin needs a body of at most {limit} bytes (need-body, limits.body), and the request has more");
    }
}

/// The response's body, read whole. An upstream that sends it a little at a time has as long as the
/// route has.
pub(super) async fn read_response(context: &Context, body: Body, max: u64) -> Result<Gathered, Failure> {
    // What cannot have a body is not read, whoever gave it one.
    let body = if context.response_is_bodiless() { Body::empty() } else { body };
    match tokio::time::timeout_at(context.deadline.into(), body::gather(body, max)).await {
        Ok(read) => read.map_err(|error| context.failure_of_body(error)),
        Err(_) => Err(Failure::Deadline),
    }
}

/// The response's body as the plugin that was just called leaves it.
pub(super) fn response_left_by_plugin(context: &mut Context, body: Body) -> Body {
    let Some(replaced) = context.replaced_response_body.take() else { return body };
    if !context.response_is_bodiless() {
        return Body::full(replaced);
    }
    // Neither the length of what was there nor that of what is not sent holds any more.
    if let Some(head) = &mut context.response {
        head.headers.remove(CONTENT_LENGTH);
    }
    Body::empty()
}
