//! Why a request got no answer from an upstream.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use super::h1::Broken;
use crate::body::BodyError;
use crate::telemetry::UpstreamFailure;

/// No head of an answer came. Every variant names the target (`host:port`) tried last.
///
/// `Send`, so that it may cross from the task of an outbound call into a plugin's host call.
#[derive(Debug)]
pub enum UpstreamError {
    /// No connection: refused, unreachable, or the name does not resolve.
    Connect { target: Arc<str>, error: io::Error },
    /// No connection: a wildcard granted the call, and the target's address is not public.
    OutOfReach { target: Arc<str>, address: IpAddr },
    /// No connection within `timeouts.connect`.
    ConnectTimeout { target: Arc<str>, after: Duration },
    /// The request was sent and no head came within `timeouts.first_byte`.
    FirstByteTimeout { target: Arc<str>, after: Duration },
    /// The total time, of the upstream or of the call, ran out before a head came.
    Deadline { target: Arc<str> },
    /// The connection ended, or what came was not HTTP, before a head was whole.
    Broken { target: Arc<str>, error: Broken },
    /// The target switched protocols (status 101) without being asked to.
    Switched { target: Arc<str> },
    /// The request's own body failed on its way to the target: mostly the client's fault.
    Request { target: Arc<str>, error: BodyError },
}

impl UpstreamError {
    /// `host:port` of the target tried last.
    pub fn target(&self) -> &Arc<str> {
        match self {
            Self::Connect { target, .. }
            | Self::OutOfReach { target, .. }
            | Self::ConnectTimeout { target, .. }
            | Self::FirstByteTimeout { target, .. }
            | Self::Deadline { target }
            | Self::Broken { target, .. }
            | Self::Switched { target }
            | Self::Request { target, .. } => target,
        }
    }

    /// The metric's label; `None` where the client is to blame and not the target.
    pub fn reason(&self) -> Option<UpstreamFailure> {
        Some(match self {
            Self::Connect { .. } | Self::OutOfReach { .. } => UpstreamFailure::Connect,
            Self::ConnectTimeout { .. } => UpstreamFailure::ConnectTimeout,
            Self::FirstByteTimeout { .. } => UpstreamFailure::FirstByteTimeout,
            Self::Deadline { .. } => UpstreamFailure::Deadline,
            Self::Broken { .. } => UpstreamFailure::Broken,
            Self::Switched { .. } => UpstreamFailure::Switched,
            Self::Request { .. } => return None,
        })
    }

    /// Whether time ran out, which a gateway answers with 504 rather than 502 (RFC 9110 15.6.5).
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout { .. } | Self::FirstByteTimeout { .. } | Self::Deadline { .. })
    }

    /// Whether there was a connection, and what came of it was no answer.
    pub fn was_reached(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Switched { .. })
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { target, error } => write!(f, "cannot connect to {target}: {error}"),
            Self::OutOfReach { target, address } => {
                write!(f, "{target} is at {address}, and a grant with `*` reaches public addresses only")
            }
            Self::ConnectTimeout { target, after } => {
                write!(f, "no connection to {target} within {after:?}")
            }
            Self::FirstByteTimeout { target, after } => {
                write!(f, "{target} did not begin to answer within {after:?}")
            }
            Self::Deadline { target } => write!(f, "no answer from {target} by the total time-out"),
            Self::Broken { target, error } => {
                write!(f, "{target} broke off before its answer's head was whole: {error}")
            }
            Self::Switched { target } => {
                write!(f, "{target} switched protocols without being asked to")
            }
            Self::Request { target, error } => write!(f, "the request to {target} failed: {error}"),
        }
    }
}

impl error::Error for UpstreamError {}
