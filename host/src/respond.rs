//! Every error, made a response: the one place that maps errors to HTTP.
//!
//! An error has an owner: the client, the upstream, a plugin, or the gateway. The client gets a
//! status, a fixed word and one sentence; the operator gets the rest, in the log.

use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use crate::body::{Body, BodyError, Fault as BodyFault, Side};
use crate::context::{Context, RequestId, Source};
use crate::plugin::fault::Fault;
use crate::upstream::UpstreamError;

/// Why a request got none of the answers it was meant to get.
#[derive(Debug)]
pub enum Failure {
    /// No route matches host, path, headers and query.
    NoRoute,
    /// A route matches, but not for this method.
    MethodNotAllowed {
        allow: HeaderValue,
    },
    /// The request is not one the gateway can forward.
    BadRequest {
        problem: &'static str,
    },
    /// The request's body is in a transfer coding the gateway does not know.
    UnknownCoding,
    /// It is the request of a plugin's call inside of as many others as `server.limits.depth` allows.
    Loop,
    /// Request line and fields are longer than `server.limits.head`.
    HeadTooLarge,
    /// The client's body is longer than it may be.
    BodyTooLarge {
        limit: u64,
        /// Whether that is a plugin's, and the operator was told of it.
        is_told: bool,
    },
    /// The client's body stopped coming.
    BodyTimeout,
    /// The client's body broke off: it will not see the answer.
    ClientGone,
    /// The upstream gave no answer, or its body ended before it was whole.
    Upstream(UpstreamError),
    UpstreamBody(BodyError),
    /// A plugin failed, and its `on_error` is "deny".
    Plugin {
        name: Arc<str>,
        fault: Fault,
    },
    /// A plugin that is shown a body while it passes said `fail`.
    BodyRefused {
        name: Arc<str>,
        /// Whose body it was: the request's, or the response's.
        is_request: bool,
    },
    /// The route has no upstream, and no plugin answered.
    NothingAnswered,
    /// The route's time was over before there was anything to ask an upstream: the client's body, or
    /// the plugins, took it all.
    Deadline,
}

impl Failure {
    /// `client`, `upstream`, `gateway`, or the plugin's name.
    pub fn owner(&self) -> &str {
        match self {
            Self::NoRoute
            | Self::MethodNotAllowed { .. }
            | Self::BadRequest { .. }
            | Self::UnknownCoding
            | Self::Loop
            | Self::HeadTooLarge
            | Self::BodyTooLarge { .. }
            | Self::BodyTimeout
            | Self::ClientGone => "client",
            Self::Upstream(_) | Self::UpstreamBody(_) => "upstream",
            Self::Plugin { name, .. } | Self::BodyRefused { name, .. } => name,
            Self::NothingAnswered | Self::Deadline => "gateway",
        }
    }

    /// Whether it is this plugin's.
    pub fn is_of(&self, plugin: &str) -> bool {
        matches!(self, Self::Plugin { name, .. } | Self::BodyRefused { name, .. } if **name == *plugin)
    }

    /// A fixed word for logs, metrics and the client.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoRoute => "no-route",
            Self::MethodNotAllowed { .. } => "method-not-allowed",
            Self::BadRequest { .. } => "bad-request",
            Self::UnknownCoding => "unknown-coding",
            Self::Loop => "loop",
            Self::HeadTooLarge => "head-too-large",
            Self::BodyTooLarge { .. } => "body-too-large",
            Self::BodyTimeout => "body-timeout",
            Self::ClientGone => "client-gone",
            Self::Upstream(error) if error.is_timeout() => "upstream-timeout",
            Self::Upstream(error) if error.was_reached() => "upstream-broken",
            Self::Upstream(_) => "upstream-unreachable",
            Self::UpstreamBody(error) if error.is_timeout() => "upstream-timeout",
            Self::UpstreamBody(_) => "upstream-broken",
            Self::Plugin { fault: Fault::Busy(_), .. } => "busy",
            Self::Plugin { fault: Fault::BodyTooLong { .. }, .. } => "response-too-large",
            Self::Plugin { .. } => "policy-failed",
            Self::BodyRefused { .. } => "body-refused",
            Self::NothingAnswered => "nothing-answered",
            Self::Deadline => "timeout",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest { .. } | Self::ClientGone => StatusCode::BAD_REQUEST,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Upstream(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::UpstreamBody(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(_)
            | Self::UpstreamBody(_)
            | Self::BodyRefused { is_request: false, .. }
            | Self::Plugin { fault: Fault::BodyTooLong { .. }, .. } => StatusCode::BAD_GATEWAY,
            Self::Plugin { fault: Fault::Busy(_), .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Plugin { .. } | Self::NothingAnswered => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BodyRefused { is_request: true, .. } => StatusCode::FORBIDDEN,
            Self::Deadline => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What the client is told. Names nothing inside: no plugin, no target.
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::NoRoute => "No route matches this request.",
            Self::MethodNotAllowed { .. } => "This method is not allowed here.",
            Self::BadRequest { problem } => problem,
            Self::UnknownCoding => "The request body is in an unknown transfer coding.",
            Self::Loop => "This request is inside of too many others.",
            Self::HeadTooLarge => "The request head is too large.",
            Self::BodyTooLarge { .. } => "The request body is too large.",
            Self::BodyTimeout => "The request body did not arrive in time.",
            Self::ClientGone => "The request body broke off.",
            Self::Upstream(error) if error.is_timeout() => "The service did not answer in time.",
            Self::Upstream(error) if error.was_reached() => "The service gave no proper answer.",
            Self::Upstream(_) => "The service is not reachable.",
            Self::UpstreamBody(error) if error.is_timeout() => "The service did not answer in time.",
            Self::UpstreamBody(_) => "The service broke off its answer.",
            Self::Plugin { fault: Fault::BodyTooLong { .. }, .. } => "The service's answer is too large.",
            Self::Plugin { fault: Fault::Busy(_), .. } => "The gateway is busy. Try again soon.",
            Self::Plugin { .. } | Self::NothingAnswered => "The gateway could not handle this request.",
            Self::BodyRefused { is_request: true, .. } => "The request body is not allowed.",
            Self::BodyRefused { is_request: false, .. } => "The service's answer is not allowed.",
            Self::Deadline => "The request took too long.",
        }
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::MethodNotAllowed { allow } => drop(headers.insert(header::ALLOW, allow.clone())),
            Self::Plugin { fault: Fault::Busy(_), .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // What is left of the body, or of what was no request, would be taken for the next one.
            Self::BadRequest { .. }
            | Self::UnknownCoding
            | Self::BodyTooLarge { .. }
            | Self::BodyTimeout
            | Self::ClientGone
            | Self::BodyRefused { is_request: true, .. }
            | Self::Deadline => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }

    /// The operator's text, where there is more to say than the kind.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Upstream(error) => Some(error.to_string()),
            Self::UpstreamBody(error) => Some(error.to_string()),
            Self::BodyTooLarge { limit, is_told: false } => Some(format!("longer than {limit} bytes")),
            _ => None,
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match (error.side, error.fault) {
            (Side::Client | Side::Gateway, BodyFault::LimitExceeded(limit)) => {
                Self::BodyTooLarge { limit, is_told: false }
            }
            (Side::Client | Side::Gateway, BodyFault::Idle | BodyFault::Deadline) => Self::BodyTimeout,
            (Side::Client | Side::Gateway, BodyFault::Broken) => Self::ClientGone,
            (Side::Client | Side::Gateway, BodyFault::Malformed) => {
                Self::BadRequest { problem: "The chunks of the request body are malformed." }
            }
            (Side::Upstream, _) => Self::UpstreamBody(error),
            // Which plugin ended it is in the request's context, and asked for before this.
            (Side::Plugin, _) => Self::NothingAnswered,
        }
    }
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        match error {
            // The upstream is not to blame for a body the client did not finish.
            UpstreamError::Request { error, .. } => error.into(),
            other => Self::Upstream(other),
        }
    }
}

/// Makes a failure the request's response: the head goes into the context, the body is returned.
pub fn fail(context: &mut Context, failure: Failure) -> Body {
    let (head, body) = response(&failure, context.id);
    context.response = Some(head);
    context.made_by = Source::Gateway;
    context.failure = Some(failure);
    body
}

/// As [`fail`], for a request that has no context because no route took it.
pub fn response(failure: &Failure, id: RequestId) -> (http::response::Parts, Body) {
    let mut head = Response::new(()).into_parts().0;
    head.status = failure.status();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    failure.add_headers(&mut head.headers);
    let body = serde_json::json!({
        "error": failure.kind(),
        "message": failure.sentence(),
        "request_id": id.to_string(),
    });
    (head, Body::full(body.to_string() + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::fault::Busy;

    #[test]
    fn a_client_is_told_nothing_of_the_inside() {
        let failure = Failure::Plugin {
            name: "secret-plugin".into(),
            fault: Fault::Trap("wasm trap: unreachable at 0x12".into()),
        };
        let (head, body) = response(&failure, RequestId::new(1, 1));
        assert_eq!(head.status, 500);
        let text = format!("{body:?}");
        assert!(!text.contains("secret-plugin") && !text.contains("wasm"), "{text}");
    }

    #[test]
    fn busy_is_503_and_says_when_to_come_again() {
        let failure = Failure::Plugin { name: "p".into(), fault: Fault::Busy(Busy::Instances) };
        let (head, _) = response(&failure, RequestId::new(1, 1));
        assert_eq!(head.status, 503);
        assert_eq!(head.headers["retry-after"], "1");
    }
}
