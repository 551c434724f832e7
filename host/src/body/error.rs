//! Why a body ended before its end, and who is to blame for it.

use std::fmt;

/// A body that could not be read to its end.
///
/// Small and `Copy`, so it can be found again behind the errors hyper wraps around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError {
    /// Whose body it was.
    pub side: Side,
    pub fault: Fault,
}

/// Where a body came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Upstream,
    /// Made in the gateway, by itself or by a plugin.
    Gateway,
    /// A plugin that is shown the body while it passes ended it.
    Plugin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ended before the body was whole; or its framing was wrong, where it is not a client's.
    Broken,
    /// A client sent chunks that are none (RFC 9112 section 7.1).
    Malformed,
    /// No byte came for the side's idle time-out.
    Idle,
    /// The whole exchange took longer than it may.
    Deadline,
    /// More bytes than this many.
    LimitExceeded(u64),
}

impl BodyError {
    /// Whether it did not break off, but took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self.fault, Fault::Idle | Fault::Deadline)
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Client => "the client's body",
            Side::Upstream => "the upstream's body",
            Side::Gateway => "the gateway's body",
            Side::Plugin => "a body a plugin filters",
        };
        match self.fault {
            Fault::Broken => write!(f, "{side} broke off"),
            Fault::Malformed => write!(f, "{side} has malformed chunks"),
            Fault::Idle => write!(f, "{side} stopped coming: idle time-out"),
            Fault::Deadline => write!(f, "{side} was not whole by the total time-out"),
            Fault::LimitExceeded(limit) => write!(f, "{side} is longer than {limit} bytes"),
        }
    }
}

impl std::error::Error for BodyError {}
