//! What a right answer is, and whether a peer gives it. Nothing is timed before.

use serde_json::Value;

use crate::Outcome;
use crate::http::{Reply, Request, ask};

/// A request and the answer it must have.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    what: &'static str,
    request: Request,
    status: u16,
    /// None is any value.
    headers: Vec<(&'static str, Option<String>)>,
    /// A field that is the same each time.
    same: Option<&'static str>,
    body: Body,
}

/// What the answer's body must be.
#[derive(Debug, Clone)]
enum Body {
    Any,
    /// So many bytes.
    Bytes(usize),
    Json(Value),
}

impl Check {
    pub(crate) fn new(what: &'static str, request: Request, status: u16) -> Self {
        Self { what, request, status, headers: Vec::new(), same: None, body: Body::Any }
    }

    pub(crate) fn bytes(self, bytes: usize) -> Self {
        Self { body: Body::Bytes(bytes), ..self }
    }

    pub(crate) fn json(self, value: Value) -> Self {
        Self { body: Body::Json(value), ..self }
    }

    /// A field of the answer: the services say in such fields what they were sent.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Some(value.into())));
        self
    }

    /// A field of the answer, whatever its value.
    pub(crate) fn has(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    /// A field of the answer that names the request it was made for: asked once more, a gateway that keeps
    /// answers has it unchanged.
    pub(crate) fn same(self, name: &'static str) -> Self {
        Self { same: Some(name), ..self }.has(name)
    }

    /// The error says what was wrong.
    pub(crate) fn run(&self, port: u16) -> Outcome<()> {
        self.look(port).and_then(|first| self.again(port, &first)).map_err(|error| format!("{}: {error}", self.what))
    }

    fn again(&self, port: u16, first: &Reply) -> Outcome<()> {
        let Some(name) = self.same else { return Ok(()) };
        let (before, now) = (first.header(name), self.look(port)?);
        let is_same = now.header(name) == before;
        if is_same { Ok(()) } else { Err(format!("{name} was {before:?}, and is {:?} now", now.header(name))) }
    }

    fn look(&self, port: u16) -> Outcome<Reply> {
        let reply = ask(port, &self.request)?;
        if reply.status != self.status {
            let start = String::from_utf8_lossy(&reply.body).chars().take(120).collect::<String>();
            return Err(format!("status {} instead of {}: {start:?}", reply.status, self.status));
        }
        for (name, value) in &self.headers {
            let right = match (value, reply.header(name)) {
                (Some(value), found) => found == Some(value),
                (None, found) => found.is_some(),
            };
            if !right {
                return Err(format!("{name} is {:?} instead of {value:?}", reply.header(name)));
            }
        }
        match &self.body {
            Body::Any => Ok(reply),
            Body::Bytes(bytes) if reply.body.len() == *bytes => Ok(reply),
            Body::Bytes(bytes) => Err(format!("{} bytes instead of {bytes}", reply.body.len())),
            Body::Json(value) => match serde_json::from_slice::<Value>(&reply.body) {
                Ok(body) if body == *value => Ok(reply),
                Ok(body) => Err(format!("{body} instead of {value}")),
                Err(error) => Err(format!("not JSON: {error}")),
            },
        }
    }
}
