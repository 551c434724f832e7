//! GraphQL over HTTP: what a request asks for, and what an answer is.

mod answer;
mod media;
mod request;

pub(crate) use answer::{Refused, answer, no_answer, refusal, refused};
pub(crate) use media::Media;
pub(crate) use request::{Request, Sent, is_json};
