//! What `on-request` and `on-response` decided, as the chain gets it.
//!
//! The variants of the WIT, with all that is seldom there behind a pointer: a verdict is passed on from
//! future to future, and nearly every one says no more than "next".

use super::bindings::exports::tollgate::plugin::{request_filter, response_filter};
use super::bindings::tollgate::plugin::types::{Answer, Fetch, Hit};

#[derive(Debug)]
pub enum RequestVerdict {
    Next,
    Respond(Box<Answer>),
    /// Most bytes of the body the plugin takes.
    NeedBody(u32),
    Fetch(Box<Fetch>),
    Serve(Box<Hit>),
}

#[derive(Debug)]
pub enum ResponseVerdict {
    Next,
    Replace(Box<Answer>),
    /// Most bytes of the body the plugin takes.
    NeedBody(u32),
    Serve(Box<Hit>),
}

impl From<request_filter::Verdict> for RequestVerdict {
    fn from(verdict: request_filter::Verdict) -> Self {
        match verdict {
            request_filter::Verdict::Next => Self::Next,
            request_filter::Verdict::Respond(answer) => Self::Respond(Box::new(answer)),
            request_filter::Verdict::NeedBody(max) => Self::NeedBody(max),
            request_filter::Verdict::Fetch(fetch) => Self::Fetch(Box::new(fetch)),
            request_filter::Verdict::Serve(hit) => Self::Serve(Box::new(hit)),
        }
    }
}

impl From<response_filter::ResponseVerdict> for ResponseVerdict {
    fn from(verdict: response_filter::ResponseVerdict) -> Self {
        match verdict {
            response_filter::ResponseVerdict::Next => Self::Next,
            response_filter::ResponseVerdict::Replace(answer) => Self::Replace(Box::new(answer)),
            response_filter::ResponseVerdict::NeedBody(max) => Self::NeedBody(max),
            response_filter::ResponseVerdict::Serve(hit) => Self::Serve(Box::new(hit)),
        }
    }
}
