//! Why a request is refused: in full for the operator, in outline for the client.

use std::borrow::Cow;
use std::fmt;

/// Why a request is not let on. [`fmt::Display`] is the operator's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No token where one is looked for.
    NoToken,
    /// The request is wrong before a token is looked at: `invalid_request` of RFC 6750 section 3.1.
    BadRequest(&'static str),
    /// The token is not good: `invalid_token`.
    BadToken {
        /// What the client may know.
        told: &'static str,
        /// What the operator should know.
        reason: Cow<'static, str>,
    },
    /// The token is good, and not good enough: `insufficient_scope`.
    Scope {
        /// The scope that is not there.
        missing: String,
    },
}

impl Refusal {
    /// A token that is no JWT by RFC 7519 section 7.2.
    pub(crate) fn malformed(reason: &'static str) -> Self {
        Self::BadToken { told: "the token is malformed", reason: Cow::Borrowed(reason) }
    }

    /// A token no key of the gateway vouches for. The client is not told which check failed: that
    /// would tell a forger how far it got.
    pub(crate) fn untrusted(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::BadToken { told: "the token is not trusted", reason: reason.into() }
    }

    /// A trusted token whose claims do not fit.
    pub(crate) fn claim(told: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::BadToken { told, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("no token"),
            Self::BadRequest(reason) => f.write_str(reason),
            Self::BadToken { reason, .. } => f.write_str(reason),
            Self::Scope { missing } => write!(f, "the token lacks the scope {missing:?}"),
        }
    }
}

/// A piece of a token as it may stand in a log line: escaped, and cut to 64 characters.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    format!("{short:?}")
}
