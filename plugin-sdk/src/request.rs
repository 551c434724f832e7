//! The request at hand, read and changed in place.
//!
//! May be called in `on_request` and `on_request_body`, and read in `on_complete`. Called elsewhere it
//! ends the hook with an error; what `on_response` needs to know of the request belongs in
//! [`attributes`](crate::attributes).

use crate::host::request as wit;

pub use crate::bindings::tollgate::plugin::request::RequestLine;
use crate::{Header, HeaderError};

/// Method, host, path, query and route: one crossing instead of five.
pub fn line() -> RequestLine {
    wit::line()
}

/// Unique for each request: 32 lower-case hexadecimal digits, also in the access log.
pub fn id() -> String {
    wit::id()
}

/// The name of the route that matched.
pub fn route() -> String {
    wit::route()
}

/// The address of the client: IPv4 or IPv6 without port.
pub fn client_address() -> String {
    wit::client_address()
}

/// The method, for example `GET`.
pub fn method() -> String {
    wit::method()
}

/// The host the client asked for, port included.
pub fn host() -> String {
    wit::host()
}

/// The path, percent-encoded as it arrived, or as an earlier plugin left it.
pub fn path() -> String {
    wit::path()
}

/// Replaces the path that is sent to the upstream. It must start with `/` and be percent-encoded.
/// An error says what is wrong; nothing was changed then.
pub fn set_path(path: &str) -> Result<(), String> {
    wit::set_path(path)
}

/// The query without `?`, percent-encoded; `None` where the target has no `?`.
pub fn query() -> Option<String> {
    wit::query()
}

/// Replaces or removes the query. An error says what is wrong; nothing was changed then.
pub fn set_query(query: Option<&str>) -> Result<(), String> {
    wit::set_query(query)
}

/// Sends the request to another upstream than the route's, by its name in the config. It must be granted:
/// `grant = { forward = ["blue", "green"] }`. The route, its path rules and its time-out stay; a route without
/// an upstream gets one. The last plugin that chooses wins. An error says which grant is missing; nothing was
/// changed then.
pub fn set_upstream(name: &str) -> Result<(), String> {
    wit::set_upstream(name)
}

/// What a `{name}` of the route's path matched, percent-decoded.
pub fn param(name: &str) -> Option<String> {
    wit::param(name)
}

/// The first value of a header field; `None` if the request has no such field.
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

/// As [`header_many`], for names that are kept: none is copied for the call.
pub fn header_many_kept(names: &[String]) -> Vec<Option<String>> {
    wit::header_many(names)
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

/// Adds a field line, whatever is there already.
pub fn add_header(name: &str, value: &str) -> Result<(), HeaderError> {
    Ok(wit::add_header(name, value)?)
}

/// Removes all lines of a field; not an error if there are none.
pub fn remove_header(name: &str) -> Result<(), HeaderError> {
    Ok(wit::remove_header(name)?)
}

/// Whether a body goes to the upstream: the client's, or one a plugin has set. A client's that is chunked
/// counts before it is known to be empty; no field tells of one, as `transfer-encoding` is the connection's.
pub fn has_body() -> bool {
    wit::has_body()
}

/// Replaces the body that is sent to the upstream; the gateway sets `content-length`. What the
/// client sent is then not read further.
pub fn set_body(body: &[u8]) {
    wit::set_body(body);
}
