//! Doors to what is inside, for the targets in `fuzz/`: compiled for them alone (`cfg(fuzzing)`).

use std::borrow::Cow;

use http::{Uri, request};

use crate::cache::redis;
use crate::plugin::compile::bulk;
use crate::respond::Failure;
use crate::{exchange, upstream};

/// What is asked of a request's head first; returns its host.
pub fn check_head(head: &request::Parts, max_bytes: usize) -> Result<Cow<'_, str>, Failure> {
    exchange::check_head(head, max_bytes)
}

/// Gives a request's target its one spelling.
pub fn respell(head: &mut request::Parts, merge_slashes: bool) -> Result<(), Failure> {
    exchange::respell(head, merge_slashes)
}

/// Takes a route's prefix off a path.
pub fn strip_prefix(uri: &mut Uri, prefix: Option<&str>) {
    exchange::strip_prefix(uri, prefix);
}

/// Reads an upstream's answer that arrives in these pieces: its status and body, or what is wrong.
pub fn read_answer<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<(u16, Vec<u8>), String> {
    upstream::read_in_pieces(pieces).map_err(|broken| broken.to_string())
}

/// Reads a stored response as it is in Redis: its status, how many fields it has, and its body.
pub fn read_record(bytes: &[u8]) -> Result<Option<(u16, usize, Vec<u8>)>, String> {
    let entry = redis::read_record(String::new(), &bytes.to_vec().into()).map_err(|broken| broken.to_string())?;
    Ok(entry.map(|entry| (entry.head.status.as_u16(), entry.head.headers.len(), entry.body.to_vec())))
}

/// What is compiled of a component or module; nothing where it is refused unread.
pub fn in_chunks(binary: &[u8]) -> Option<Cow<'_, [u8]>> {
    bulk::in_chunks(binary).ok()
}

/// How guests read and change fields; `true` where a change was made.
pub mod header_map {
    use http::HeaderMap;

    use crate::plugin::bindings::tollgate::plugin::types::Header;
    use crate::plugin::host_api::header_map as inside;

    pub fn get(map: &HeaderMap, name: &str) -> Option<String> {
        inside::get(map, name)
    }

    pub fn get_bytes(map: &HeaderMap, name: &str) -> Option<Vec<u8>> {
        inside::get_bytes(map, name)
    }

    pub fn values(map: &HeaderMap, name: &str) -> Vec<String> {
        inside::values(map, name)
    }

    pub fn set(map: &mut HeaderMap, name: &str, value: &[u8]) -> bool {
        inside::set(map, name, value).is_ok()
    }

    pub fn add(map: &mut HeaderMap, name: &str, value: &[u8]) -> bool {
        inside::add(map, name, value).is_ok()
    }

    pub fn remove(map: &mut HeaderMap, name: &str) -> bool {
        inside::remove(map, name).is_ok()
    }

    /// The fields of an answer a guest made.
    pub fn build(fields: &[(&str, &str)]) -> Result<HeaderMap, String> {
        let field = |&(name, value): &(&str, &str)| Header { name: name.to_owned(), value: value.to_owned() };
        inside::build(fields.iter().map(field).collect())
    }
}
