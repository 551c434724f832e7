//! The response at hand, read and changed in place.
//!
//! May be called in `on_response` and `on_response_body`. Called elsewhere it ends the hook with an
//! error.

use crate::host::response as wit;
use crate::{Header, HeaderError};

pub use crate::bindings::tollgate::plugin::response::Source;

/// Who made the response.
pub fn made_by() -> Source {
    wit::made_by()
}

/// The status code.
pub fn status() -> u16 {
    wit::status()
}

/// Replaces the status code: 200 to 599, anything else is an error and changes nothing.
pub fn set_status(status: u16) -> Result<(), String> {
    wit::set_status(status)
}

/// The first value of a header field; `None` if the response has no such field.
pub fn header(name: &str) -> Option<String> {
    wit::header(name)
}

/// As [`header`], byte for byte, for values that are not UTF-8.
pub fn header_bytes(name: &str) -> Option<Vec<u8>> {
    wit::header_bytes(name)
}

/// The first values of several fields, in the order asked for: one crossing instead of many. Of 256 names at most;
/// more are a fault.
pub fn header_many(names: &[&str]) -> Vec<Option<String>> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    wit::header_many(&names)
}

/// All values of a field, one for each field line, in order.
pub fn header_values(name: &str) -> Vec<String> {
    wit::header_values(name)
}

/// All header fields, names in lower case.
pub fn headers() -> Vec<Header> {
    wit::headers()
}

/// Sets a field to one value, whatever it had before.
pub fn set_header(name: &str, value: &str) -> Result<(), HeaderError> {
    Ok(wit::set_header(name, value)?)
}

/// As [`set_header`], for a value that is not UTF-8.
pub fn set_header_bytes(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    Ok(wit::set_header_bytes(name, value)?)
}

/// Adds a field line, whatever is there already. On the way in as well: the line is added when the response passes
/// this plugin, whoever makes it, which saves an `on_response` that would do nothing else.
pub fn add_header(name: &str, value: &str) -> Result<(), HeaderError> {
    Ok(wit::add_header(name, value)?)
}

/// Removes all lines of a field; not an error if there are none.
pub fn remove_header(name: &str) -> Result<(), HeaderError> {
    Ok(wit::remove_header(name)?)
}

/// Replaces the body that is sent to the client; the gateway sets `content-length` and removes digests
/// of the other body. What the upstream sent is then not read further. `content-type`,
/// `content-encoding`, `etag` and `accept-ranges` are yours to change, where they do not hold any more.
pub fn set_body(body: &[u8]) {
    wit::set_body(body);
}
