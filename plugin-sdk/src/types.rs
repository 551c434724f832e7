//! What several interfaces share: header fields, answers, and why a header was not changed.

use std::fmt;

use serde::Serialize;

use crate::bindings::tollgate::plugin::types as wit;

pub use wit::{Answer, Header};

impl Header {
    /// A header field. Names are case-insensitive.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl Answer {
    /// An answer with this status, 200 to 599, no fields and no body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header field. The gateway owns framing: `content-length` and its like are dropped.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Sets the body; says nothing about its type.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to plain text, and its `content-type`.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.header("content-type", "text/plain; charset=utf-8").body(text.into())
    }

    /// Sets the body to JSON, and its `content-type`. A value that JSON cannot express, such as a
    /// map whose keys are no strings, is an error in the log and an empty answer with status 500.
    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => {
                crate::log::error(&format!("an answer could not be written as JSON: {error}"));
                Self::new(500)
            }
        }
    }
}

/// Why a header was not changed. Nothing was changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// The name is empty or has a character RFC 9110 section 5.1 does not allow.
    IllegalName,
    /// The value has a control character (CR, LF, NUL, ...): RFC 9110 section 5.5.
    IllegalValue,
    /// The field belongs to the gateway: `host`, framing and hop-by-hop fields.
    Reserved,
    /// The head would exceed the gateway's limit on header fields or bytes.
    TooLarge,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IllegalName => "not a legal header name",
            Self::IllegalValue => "a control character in a header value",
            Self::Reserved => "this header belongs to the gateway",
            Self::TooLarge => "the head exceeds the gateway's limit on header fields",
        })
    }
}

impl std::error::Error for HeaderError {}

impl From<wit::HeaderError> for HeaderError {
    fn from(error: wit::HeaderError) -> Self {
        match error {
            wit::HeaderError::IllegalName => Self::IllegalName,
            wit::HeaderError::IllegalValue => Self::IllegalValue,
            wit::HeaderError::Reserved => Self::Reserved,
            wit::HeaderError::TooLarge => Self::TooLarge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn an_answer_is_built_step_by_step() {
        let answer = Answer::new(401).header("www-authenticate", "Bearer").text("no token");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers[0], Header::new("www-authenticate", "Bearer"));
        assert_eq!(answer.headers[1], Header::new("content-type", "text/plain; charset=utf-8"));
        assert_eq!(answer.body, b"no token");
    }

    #[test]
    fn json_that_cannot_be_written_is_an_error_and_not_an_empty_success() {
        let host = Host::new();
        let answer = Answer::new(200).json(&std::collections::BTreeMap::from([((1, 2), 3)]));
        assert_eq!(answer, Answer::new(500));
        assert_eq!(host.logs().len(), 1);
    }
}
