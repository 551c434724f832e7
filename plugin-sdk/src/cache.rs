//! Responses the gateway keeps for a plugin; their bodies never leave it.
//!
//! On the way in a plugin looks its key up and answers [`Verdict::Serve`](crate::Verdict::Serve), or
//! [`Verdict::Fetch`](crate::Verdict::Fetch) to have the response for itself. On the way out it says
//! what becomes of that: [`store`], [`refresh`] or [`release`]. Keys begin, by convention, with the
//! absolute URL, so that operators can remove what is stored by URL and by prefix.

use std::fmt;

use crate::host::cache as wit;

pub use crate::bindings::tollgate::plugin::cache::{Stored, Storing};
pub use crate::bindings::tollgate::plugin::types::{ByteRange, Fetch, Hit, Reuse};

/// What is stored under a key, the newest first.
pub fn lookup(key: &str) -> Vec<Stored> {
    wit::lookup(key)
}

/// The `note` of this plugin's fetch; `None` if its `on_request` did not end with one. In `on_request`: that of
/// the fetch it answered before, where the request has then waited for another's, which is stored now.
pub fn note() -> Option<Vec<u8>> {
    wit::note()
}

/// Fields of the request as they were when this plugin answered `Fetch`, several lines of a field
/// joined with `, `. Of 256 names at most; more are a fault. For `on_response`.
pub fn request_headers(names: &[&str]) -> Vec<Option<String>> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    wit::request_headers(&names)
}

/// Stores the response at hand, with the head it has now, once its body is whole. For `on_response`.
pub fn store(storing: &Storing) -> Result<(), StoreError> {
    Ok(wit::store(storing)?)
}

/// Keeps a stored response for longer, with the fields of the response at hand in place of its own.
/// Returns the number of what is stored now. For `on_response`.
pub fn refresh(entry: u64, storing: &Storing) -> Result<u64, StoreError> {
    Ok(wit::refresh(entry, storing)?)
}

/// Says that this plugin's fetch brought nothing to store, and that for `apart_ms` milliseconds no
/// request waits for another to fetch this key. For `on_response`.
pub fn release(apart_ms: u32) {
    wit::release(apart_ms);
}

/// Has the request made again, from this plugin's `on_request` on: what was fetched is of no use. With the verdict
/// `Next`, and once for a request. False, and nothing is made again, for a request with a body or without a client. For
/// `on_response`.
pub fn again() -> bool {
    wit::again()
}

/// Removes what is stored under a key, and keeps what is being fetched from being stored. True if
/// something was stored.
pub fn remove(key: &str) -> bool {
    wit::remove(key)
}

/// Why nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The plugin's `on_request` did not end with `Fetch`.
    NotFetched,
    /// It is longer than the plugin's `limits.cache_object`.
    TooLarge,
    /// No stored response of that number is at hand in this request.
    UnknownEntry,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFetched => "this plugin's `on_request` did not end with a fetch",
            Self::TooLarge => "the response is longer than limits.cache_object",
            Self::UnknownEntry => "no stored response of that number is at hand",
        })
    }
}

impl std::error::Error for StoreError {}

impl From<crate::bindings::tollgate::plugin::cache::StoreError> for StoreError {
    fn from(error: crate::bindings::tollgate::plugin::cache::StoreError) -> Self {
        use crate::bindings::tollgate::plugin::cache::StoreError as Wit;
        match error {
            Wit::NotFetched => Self::NotFetched,
            Wit::TooLarge => Self::TooLarge,
            Wit::UnknownEntry => Self::UnknownEntry,
        }
    }
}

impl Fetch {
    /// A fetch nobody waits for, without changes to the request.
    pub fn alone(key: impl Into<String>) -> Self {
        Self { key: key.into(), note: Vec::new(), wait_ms: 0, set: Vec::new(), remove: Vec::new() }
    }
}

impl Hit {
    /// The whole of a stored response, as it is.
    pub fn of(entry: u64) -> Self {
        Self { entry, status: None, part: None, set: Vec::new(), refresh: None, reuse: None }
    }
}
