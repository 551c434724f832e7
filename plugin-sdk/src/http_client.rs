//! Calls to other services, several at a time if need be. Each target must be granted.
//!
//! [`send`] and [`send_all`] are what most plugins need; below them are the functions of the
//! interface, for plugins that act on answers as they come.

use std::fmt;

use crate::host::http_client as wit;
use crate::{Answer, Header};

pub use crate::bindings::tollgate::plugin::http_client::{Content, Outbound, Target};

/// Makes a call and waits for its answer.
pub fn send(call: Outbound) -> Result<Answer, ClientError> {
    let number = submit(&call);
    drop(call);
    take(number)
}

/// Makes all calls at the same time and waits for all answers, which come in the order of the calls.
pub fn send_all(calls: Vec<Outbound>) -> Vec<Result<Answer, ClientError>> {
    let numbers: Vec<u32> = calls.iter().map(submit).collect();
    drop(calls);
    numbers.into_iter().map(take).collect()
}

/// Whether the plugin is granted this target; else which grant is missing. Asked in `configure`, a slip in
/// the config shows at the start.
pub fn may_call(target: &Target) -> Result<(), String> {
    wit::may_call(target)
}

/// Starts a call and returns its number at once. What is wrong with it is told by [`take`]. Calls
/// not taken by the end of the hook are cancelled.
pub fn submit(call: &Outbound) -> u32 {
    wit::submit(call)
}

/// Waits until one of these calls is over and returns its number; of all open calls if the list is
/// empty. With nothing to wait for it returns 0, which is no call's number.
pub fn wait_any(calls: &[u32]) -> u32 {
    wit::wait_any(calls)
}

/// The answer of a call, waiting for it if it is not over. Each answer can be taken once.
pub fn take(call: u32) -> Result<Answer, ClientError> {
    Ok(wit::take(call)?)
}

/// As [`take`], without the answer's header fields: cheaper, where there is no use for them.
pub fn take_content(call: u32) -> Result<Content, ClientError> {
    Ok(wit::take_content(call)?)
}

impl Outbound {
    /// A call without fields and body, with the upstream's own time-out. The path holds the query
    /// too, is percent-encoded and starts with `/`.
    pub fn new(method: impl Into<String>, target: Target, path: impl Into<String>) -> Self {
        Self { target, method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: 0 }
    }

    /// A `GET` of an upstream of the gateway's config.
    pub fn get(upstream: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new("GET", Target::Upstream(upstream.into()), path)
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Milliseconds until the call fails with [`ClientError::Timeout`].
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// The target is not granted to this plugin, or only at public addresses and it has none; the text
    /// says which grant is missing.
    Denied(String),
    /// The call as written is not valid HTTP: method, path or a header.
    Invalid(String),
    /// No answer within the time.
    Timeout,
    /// No connection to the target, or it broke before the answer was whole.
    Unreachable(String),
    /// The answer's body is longer than the plugin's `limits.body`.
    TooLarge,
    /// More calls in one hook than the plugin's `limits.calls`.
    TooMany,
    /// A route calls a route calls a route, deeper than the gateway's `server.limits.depth`.
    TooDeep,
    /// [`take`] of a number [`submit`] did not return in this hook, or that was taken before.
    UnknownCall,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(f, "not granted: {text}"),
            Self::Invalid(text) => write!(f, "not a valid call: {text}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unreachable(text) => write!(f, "unreachable: {text}"),
            Self::TooLarge => f.write_str("the answer is longer than the plugin's limits.body"),
            Self::TooMany => f.write_str("more calls than the plugin's limits.calls"),
            Self::TooDeep => f.write_str("calls of routes are deeper than the gateway's server.limits.depth"),
            Self::UnknownCall => f.write_str("no such call"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<crate::bindings::tollgate::plugin::http_client::ClientError> for ClientError {
    fn from(error: crate::bindings::tollgate::plugin::http_client::ClientError) -> Self {
        use crate::bindings::tollgate::plugin::http_client::ClientError as Wit;
        match error {
            Wit::Denied(text) => Self::Denied(text),
            Wit::Invalid(text) => Self::Invalid(text),
            Wit::Timeout => Self::Timeout,
            Wit::Unreachable(text) => Self::Unreachable(text),
            Wit::TooLarge => Self::TooLarge,
            Wit::TooMany => Self::TooMany,
            Wit::TooDeep => Self::TooDeep,
            Wit::UnknownCall => Self::UnknownCall,
        }
    }
}
