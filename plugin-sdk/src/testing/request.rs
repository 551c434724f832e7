//! The fake of `request`.

use super::state::{read_request, with, with_request};
use crate::bindings::tollgate::plugin::request::RequestLine;
use crate::bindings::tollgate::plugin::types::{Header, HeaderError};

pub(crate) fn line() -> RequestLine {
    RequestLine { method: method(), host: host(), path: path(), query: query(), route: route() }
}

pub(crate) fn id() -> String {
    read_request(|request| request.id.clone())
}

pub(crate) fn route() -> String {
    read_request(|request| request.route.clone())
}

pub(crate) fn client_address() -> String {
    read_request(|request| request.client_address.clone())
}

pub(crate) fn method() -> String {
    read_request(|request| request.method.clone())
}

pub(crate) fn host() -> String {
    read_request(|request| request.host.clone())
}

pub(crate) fn path() -> String {
    read_request(|request| request.path.clone())
}

pub(crate) fn set_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("a path starts with `/`".to_owned());
    }
    encoded(path, "?#")?;
    with_request(|request| path.clone_into(&mut request.path));
    Ok(())
}

pub(crate) fn query() -> Option<String> {
    read_request(|request| request.query.clone())
}

pub(crate) fn set_query(query: Option<&str>) -> Result<(), String> {
    encoded(query.unwrap_or_default(), "#")?;
    with_request(|request| request.query = query.map(str::to_owned));
    Ok(())
}

pub(crate) fn set_upstream(name: &str) -> Result<(), String> {
    if !with(|state| state.may_forward.iter().any(|granted| granted == name)) {
        return Err(format!("[plugins.test] grant.forward has no {name:?}"));
    }
    with_request(|request| request.upstream = Some(name.to_owned()));
    Ok(())
}

pub(crate) fn param(name: &str) -> Option<String> {
    read_request(|request| request.params.get(name).cloned())
}

pub(crate) fn header(name: &str) -> Option<String> {
    read_request(|request| request.fields.first(name))
}

pub(crate) fn header_bytes(name: &str) -> Option<Vec<u8>> {
    read_request(|request| request.fields.bytes(name))
}

pub(crate) fn header_many(names: &[String]) -> Vec<Option<String>> {
    read_request(|request| request.fields.many(names))
}

pub(crate) fn header_values(name: &str) -> Vec<String> {
    read_request(|request| request.fields.values(name))
}

pub(crate) fn headers() -> Vec<Header> {
    read_request(|request| request.fields.records())
}

pub(crate) fn set_header(name: &str, value: &str) -> Result<(), HeaderError> {
    set_header_bytes(name, value.as_bytes())
}

pub(crate) fn set_header_bytes(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    with_request(|request| request.fields.set(name, value))
}

pub(crate) fn add_header(name: &str, value: &str) -> Result<(), HeaderError> {
    with_request(|request| request.fields.add(name, value.as_bytes()))
}

pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
    with_request(|request| request.fields.remove(name))
}

pub(crate) fn has_body() -> bool {
    read_request(|request| match &request.body {
        Some(body) => !body.is_empty(),
        None => request.fields.first("content-length").is_some_and(|length| length != "0"),
    })
}

pub(crate) fn set_body(body: &[u8]) {
    with_request(|request| request.body = Some(body.to_vec()));
}

/// Refuses what percent-encoding leaves no place for, and the delimiters given.
fn encoded(text: &str, delimiters: &str) -> Result<(), String> {
    let wrong = |&c: &char| !c.is_ascii_graphic() || delimiters.contains(c);
    match text.chars().find(wrong) {
        Some(c) => Err(format!("{c:?} must be percent-encoded")),
        None => Ok(()),
    }
}
