//! Putting the answer together.
//!
//! What a part answered is checked to be JSON and copied as it is: no tree of values is built, and
//! numbers and the order of members stay as they were.

use serde_json::value::RawValue;
use tollgate_plugin_sdk::Answer;

use crate::failure::Failure;
use crate::part::{Otherwise, Part};

/// The answer's body so far.
#[derive(Debug)]
pub(crate) struct Composition {
    body: Vec<u8>,
    left_out: Vec<String>,
}

impl Composition {
    pub(crate) fn new() -> Self {
        Self { body: vec![b'{'], left_out: Vec::new() }
    }

    /// Takes over what a part answered; not JSON, it is a failure.
    pub(crate) fn add(&mut self, part: &Part, body: &[u8]) -> Result<(), Failure> {
        match serde_json::from_slice::<&RawValue>(body) {
            Ok(json) => {
                self.member(part, json.get());
                Ok(())
            }
            // The text of the error has line and column, and nothing of the body.
            Err(error) => Err(Failure::Upstream(format!("the answer is not JSON: {error}"))),
        }
    }

    /// Goes on without a part.
    pub(crate) fn make_do(&mut self, part: &Part) {
        match part.otherwise() {
            Otherwise::Default(json) => self.member(part, json),
            Otherwise::LeaveOut | Otherwise::Fail => self.left_out.push(part.name.clone()),
        }
    }

    pub(crate) fn answer(mut self) -> Answer {
        self.body.push(b'}');
        let answer = Answer::new(200).header("content-type", "application/json").body(self.body);
        if self.left_out.is_empty() { answer } else { answer.header("x-tollgate-partial", self.left_out.join(",")) }
    }

    /// Names of parts have nothing JSON would escape.
    fn member(&mut self, part: &Part, json: &str) {
        if self.body.len() > 1 {
            self.body.push(b',');
        }
        self.body.push(b'"');
        self.body.extend_from_slice(part.name.as_bytes());
        self.body.extend_from_slice(b"\":");
        self.body.extend_from_slice(json.as_bytes());
    }
}
