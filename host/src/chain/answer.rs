//! A plugin's answer, made the request's response.

use std::sync::Arc;

use http::Response;

use crate::body::Body;
use crate::context::{Context, Source};
use crate::plugin::bindings::tollgate::plugin::types::Answer;
use crate::plugin::host_api::{build_headers, final_status};

/// Puts the head into the context and returns the body; the problem's text if it cannot be sent.
pub(super) fn put(context: &mut Context, plugin: &Arc<str>, answer: Answer) -> Result<Body, String> {
    let mut head = Response::new(()).into_parts().0;
    head.status = final_status(answer.status)?;
    head.headers = build_headers(answer.headers)?;
    context.response = Some(head);
    context.made_by = Source::Plugin(Arc::clone(plugin));
    Ok(Body::full(answer.body))
}
