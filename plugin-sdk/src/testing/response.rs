//! The fake of `response`.

use super::state::{with, with_response};
use crate::bindings::tollgate::plugin::types::{Header, HeaderError};
use crate::response::Source;

pub(crate) fn made_by() -> Source {
    with_response(|response| response.source.clone())
}

pub(crate) fn status() -> u16 {
    with_response(|response| response.status)
}

pub(crate) fn set_status(status: u16) -> Result<(), String> {
    if !(200..=599).contains(&status) {
        return Err(format!("{status} is not a status from 200 to 599"));
    }
    with_response(|response| response.status = status);
    Ok(())
}

pub(crate) fn header(name: &str) -> Option<String> {
    with_response(|response| response.fields.first(name))
}

pub(crate) fn header_bytes(name: &str) -> Option<Vec<u8>> {
    with_response(|response| response.fields.bytes(name))
}

pub(crate) fn header_many(names: &[String]) -> Vec<Option<String>> {
    with_response(|response| response.fields.many(names))
}

pub(crate) fn header_values(name: &str) -> Vec<String> {
    with_response(|response| response.fields.values(name))
}

pub(crate) fn headers() -> Vec<Header> {
    with_response(|response| response.fields.records())
}

pub(crate) fn set_header(name: &str, value: &str) -> Result<(), HeaderError> {
    set_header_bytes(name, value.as_bytes())
}

pub(crate) fn set_header_bytes(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    with_response(|response| response.fields.set(name, value))
}

pub(crate) fn add_header(name: &str, value: &str) -> Result<(), HeaderError> {
    let early = with(|state| {
        let is_early = state.response.is_none() && !state.is_complete && !state.is_body_passing;
        is_early.then(|| state.early.add(name, value.as_bytes()))
    });
    early.unwrap_or_else(|| with_response(|response| response.fields.add(name, value.as_bytes())))
}

pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
    with_response(|response| response.fields.remove(name))
}

pub(crate) fn set_body(body: &[u8]) {
    with_response(|response| {
        response.fields.body_replaced(body.len());
        response.body = Some(body.to_vec());
    });
}
