//! Answers and their status.

use tollgate_plugin_sdk::Answer;

use super::Media;
use crate::error::{self, GraphqlError};

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

/// The answer of an operation that was run.
pub(crate) fn answer(media: Media, body: Vec<u8>) -> Answer {
    Answer::new(200).header("content-type", media.name()).body(body)
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
    let answer = Answer::new(status).header("content-type", media.name()).body(self::refused(refused));
    if status == 405 { answer.header("allow", "POST") } else { answer }
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
