//! Token buckets in the gateway: one atomic check, no read-then-write race between workers.

use std::fmt;

use crate::host::rate as wit;

pub use crate::bindings::tollgate::plugin::rate::{Bucket, Decision};

/// Takes `tokens` from the bucket of `key`, all or none. Keys are at most 1 KiB; longer ones are
/// told apart by their hash.
pub fn check(key: &str, bucket: &Bucket, tokens: u32) -> Result<Decision, RateError> {
    Ok(wit::check(key, *bucket, tokens)?)
}

/// Why there is no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateError {
    /// A zero in the bucket, or more tokens asked for than it can hold.
    Invalid,
    /// The gateway tracks its maximum of keys already and none is idle.
    TooManyKeys,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "a bucket with a zero in it, or too small for the tokens asked for",
            Self::TooManyKeys => "the gateway tracks its maximum of rate keys already",
        })
    }
}

impl std::error::Error for RateError {}

impl From<crate::bindings::tollgate::plugin::rate::RateError> for RateError {
    fn from(error: crate::bindings::tollgate::plugin::rate::RateError) -> Self {
        use crate::bindings::tollgate::plugin::rate::RateError as Wit;
        match error {
            Wit::Invalid => Self::Invalid,
            Wit::TooManyKeys => Self::TooManyKeys,
        }
    }
}
