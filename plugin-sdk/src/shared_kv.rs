//! Key-value stores that several plugins share, as [`kv`](crate::kv) is one plugin's own.
//!
//! Each is a table `[kv.NAME]` of the config with a quota of its own, and is granted to a plugin by
//! its name: `grant = { kv = ["sessions"] }`. Kept in memory, across reloads, for all workers. A time
//! to live is in milliseconds; 0 means no end.

use std::fmt;

use crate::host::shared_kv as wit;

/// The value of a key; `None` if there is none or its time is over.
pub fn get(namespace: &str, key: &str) -> Result<Option<Vec<u8>>, SharedKvError> {
    Ok(wit::get(namespace, key)?)
}

/// Sets a key.
pub fn set(namespace: &str, key: &str, value: &[u8], ttl_ms: u32) -> Result<(), SharedKvError> {
    Ok(wit::set(namespace, key, value, ttl_ms)?)
}

/// Removes a key; true if it was there.
pub fn delete(namespace: &str, key: &str) -> Result<bool, SharedKvError> {
    Ok(wit::delete(namespace, key)?)
}

/// Adds to a number, atomically, and returns the sum. A key that is not there counts as 0 and gets
/// `ttl_ms`; one that is there keeps its time. Numbers are stored as decimal text.
pub fn increment(namespace: &str, key: &str, by: i64, ttl_ms: u32) -> Result<i64, SharedKvError> {
    Ok(wit::increment(namespace, key, by, ttl_ms)?)
}

/// Sets a key if its value is still `expected` (`None`: not there); true if it was set.
pub fn compare_and_swap(
    namespace: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl_ms: u32,
) -> Result<bool, SharedKvError> {
    Ok(wit::compare_and_swap(namespace, key, expected, value, ttl_ms)?)
}

/// Why there is no answer, or nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedKvError {
    /// The namespace is not granted to this plugin; the text says which grant is missing.
    Denied(String),
    /// The key is longer than 1 KiB or the value longer than 1 MiB.
    TooLarge,
    /// The namespace's quota of keys or bytes is used up.
    Quota,
    /// [`increment`] of a value that is not a whole number.
    NotANumber,
}

impl fmt::Display for SharedKvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(missing) => write!(f, "not granted: {missing}"),
            Self::TooLarge => f.write_str("the key is longer than 1 KiB or the value longer than 1 MiB"),
            Self::Quota => f.write_str("the store's quota of keys or bytes is used up"),
            Self::NotANumber => f.write_str("the value is not a whole number"),
        }
    }
}

impl std::error::Error for SharedKvError {}

impl From<crate::bindings::tollgate::plugin::shared_kv::SharedKvError> for SharedKvError {
    fn from(error: crate::bindings::tollgate::plugin::shared_kv::SharedKvError) -> Self {
        use crate::bindings::tollgate::plugin::shared_kv::SharedKvError as Wit;
        match error {
            Wit::Denied(missing) => Self::Denied(missing),
            Wit::TooLarge => Self::TooLarge,
            Wit::Quota => Self::Quota,
            Wit::NotANumber => Self::NotANumber,
        }
    }
}
