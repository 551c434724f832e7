//! A small key-value store, shared by all instances of a plugin on all workers.
//!
//! Kept in memory, across reloads. Each configured plugin sees only its own keys. A time to live
//! is in milliseconds; 0 means no end.

use std::fmt;

use crate::host::kv as wit;

/// The value of a key; `None` if there is none or its time is over.
pub fn get(key: &str) -> Option<Vec<u8>> {
    wit::get(key)
}

/// Sets a key.
pub fn set(key: &str, value: &[u8], ttl_ms: u32) -> Result<(), KvError> {
    Ok(wit::set(key, value, ttl_ms)?)
}

/// Removes a key; true if it was there.
pub fn delete(key: &str) -> bool {
    wit::delete(key)
}

/// Adds to a number, atomically, and returns the sum. A key that is not there counts as 0 and gets
/// `ttl_ms`; one that is there keeps its time. Numbers are stored as decimal text.
pub fn increment(key: &str, by: i64, ttl_ms: u32) -> Result<i64, KvError> {
    Ok(wit::increment(key, by, ttl_ms)?)
}

/// Sets a key if its value is still `expected` (`None`: not there); true if it was set.
pub fn compare_and_swap(key: &str, expected: Option<&[u8]>, value: &[u8], ttl_ms: u32) -> Result<bool, KvError> {
    Ok(wit::compare_and_swap(key, expected, value, ttl_ms)?)
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvError {
    /// The key is longer than 1 KiB or the value longer than 1 MiB.
    TooLarge,
    /// The plugin's quota of keys or bytes is used up.
    Quota,
    /// [`increment`] of a value that is not a whole number.
    NotANumber,
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the key is longer than 1 KiB or the value longer than 1 MiB",
            Self::Quota => "the plugin's quota of keys or bytes is used up",
            Self::NotANumber => "the value is not a whole number",
        })
    }
}

impl std::error::Error for KvError {}

impl From<crate::bindings::tollgate::plugin::kv::KvError> for KvError {
    fn from(error: crate::bindings::tollgate::plugin::kv::KvError) -> Self {
        use crate::bindings::tollgate::plugin::kv::KvError as Wit;
        match error {
            Wit::TooLarge => Self::TooLarge,
            Wit::Quota => Self::Quota,
            Wit::NotANumber => Self::NotANumber,
        }
    }
}
