//! Answers and their status.

use tollgate_plugin_sdk::Answer;

use super::Media;
use crate::error::{self, GraphqlError};
use crate::execute::Answered;

/// Why an operation was not run.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The request is no GraphQL request.
    Request(String),
    /// A `GET` may only ask.
    Method,
    /// The operation may not or cannot be run.
    Operation(Vec<GraphqlError>),
}

impl From<GraphqlError> for Refused {
    fn from(error: GraphqlError) -> Self {
        Self::Operation(vec![error])
    }
}

/// The answer of an operation that was run. One with an error is good for nobody else, nor a second time.
pub(crate) fn answer(media: Media, answered: Answered) -> Answer {
    let answer = in_media(200, media).body(answered.body);
    if answered.is_whole { answered.kept.tell(answer) } else { not_kept(answer) }
}

/// The answer where none was. In `application/json` an error of the operation is a 200: a 4xx might
/// come from anything between client and service, so old clients do not read it.
pub(crate) fn refusal(media: Media, refused: Refused) -> Answer {
    let status = match &refused {
        Refused::Request(_) => 400,
        Refused::Method => 405,
        Refused::Operation(_) => {
            if media == Media::Json {
                200
            } else {
                400
            }
        }
    };
    let answer = not_kept(in_media(status, media).body(self::refused(refused)));
    if status == 405 { answer.header("allow", "POST") } else { answer }
}

/// The answer to what is no request of GraphQL's, in words.
pub(crate) fn no_answer(status: u16, text: &str) -> Answer {
    not_kept(Answer::new(status).header("vary", "accept").text(text))
}

/// Media type and status follow from `accept` (RFC 9110 section 12.5.5).
fn in_media(status: u16, media: Media) -> Answer {
    Answer::new(status).header("content-type", media.name()).header("vary", "accept")
}

/// Whatever may be kept is: a cache before this plugin sees but the status, which may be 200.
fn not_kept(answer: Answer) -> Answer {
    answer.header("cache-control", "no-store")
}

/// The body where none was: `{"errors": [...]}`.
pub(crate) fn refused(refused: Refused) -> Vec<u8> {
    let errors = match refused {
        Refused::Request(message) => vec![GraphqlError::new("BAD_REQUEST", message)],
        Refused::Method => vec![GraphqlError::new("BAD_REQUEST", "a mutation needs POST")],
        Refused::Operation(errors) => errors,
    };
    let mut body = b"{\"errors\":".to_vec();
    error::write_all(&errors, &mut body);
    body.push(b'}');
    body
}
