//! Why a part is not there: in full for the operator, in outline for the client.

use std::fmt;

use serde_json::json;
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::ClientError;

/// Why a part is not there. [`fmt::Display`] is the operator's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client's request cannot become a call: it would leave the part's path.
    BadRequest(String),
    /// The client did not send what the part is made of.
    Missing(String),
    /// The configuration does not allow the call, or the chain left nothing to make it of.
    Setup(String),
    /// No answer in time.
    Timeout,
    /// No answer, or none that can be used.
    Upstream(String),
}

impl Failure {
    /// The error answer. What went wrong behind the gateway stays there.
    pub(crate) fn answer(&self, part: Option<&str>) -> Answer {
        let (status, error, message) = match self {
            Self::BadRequest(_) => (400, "bad_request", "the path or query of the request is not acceptable"),
            Self::Missing(_) => (400, "bad_request", "the request lacks something that is needed"),
            Self::Timeout => (504, "upstream_timeout", "a service behind the gateway did not answer in time"),
            Self::Setup(_) | Self::Upstream(_) => {
                (502, "upstream", "a service behind the gateway did not answer as expected")
            }
        };
        let mut body = json!({"error": error, "message": message});
        if let (Some(part), Some(members)) = (part, body.as_object_mut()) {
            members.insert("part".to_owned(), part.into());
        }
        Answer::new(status).header("cache-control", "no-store").json(&body)
    }
}

/// `limits.calls` is easily taken for a limit on calls under way at one time.
const TOO_MANY: &str = "more calls for one request than the plugin's limits.calls, which counts each item of `each`: \
                        raise it, or lower `each.most`";

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Timeout => Self::Timeout,
            ClientError::TooMany => Self::Setup(TOO_MANY.to_owned()),
            ClientError::Denied(_) | ClientError::Invalid(_) | ClientError::TooDeep | ClientError::UnknownCall => {
                Self::Setup(error.to_string())
            }
            ClientError::Unreachable(_) | ClientError::TooLarge => Self::Upstream(error.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(reason) | Self::Missing(reason) | Self::Setup(reason) | Self::Upstream(reason) => {
                f.write_str(reason)
            }
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}
