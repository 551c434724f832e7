//! Notes on a request, shared by all plugins of its chain and kept from its first hook to its last.
//!
//! State between two hooks of one request belongs here: they may run on different instances.

use std::fmt;

use crate::host::attributes as wit;

/// The value of a note; `None` if nobody set it. Names start with the plugin's name: `jwt.sub`.
pub fn get(name: &str) -> Option<String> {
    wit::get(name)
}

/// Sets a note, whatever it had before.
pub fn set(name: &str, value: &str) -> Result<(), AttributeError> {
    wit::set(name, value).map_err(|_too_large| AttributeError::TooLarge)
}

/// Why a note was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeError {
    /// More than 64 attributes, or more than 64 KiB of names and values, on one request.
    TooLarge,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than 64 attributes or 64 KiB of them on one request")
    }
}

impl std::error::Error for AttributeError {}
