//! Persisted operations for a service that does not know them: the request gets their text.

use apollo_compiler::response::JsonMap;
use serde::Serialize;
use tollgate_plugin_sdk::request;

use crate::error::GraphqlError;

/// An operation that is good and goes on.
#[derive(Debug, Serialize)]
pub(crate) struct Known {
    #[serde(rename = "query")]
    pub(crate) text: String,
    #[serde(rename = "operationName", skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    pub(crate) variables: JsonMap,
    /// Whether the client sent the text itself.
    #[serde(skip)]
    pub(crate) was_sent: bool,
}

/// Puts the text into the request that goes on. The error is for the client.
pub(crate) fn with_document(known: &Known, is_get: bool) -> Result<(), GraphqlError> {
    if !is_get {
        return set_body(known);
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("query", &known.text);
    if let Some(operation) = &known.operation {
        query.append_pair("operationName", operation);
    }
    query.append_pair("variables", &serde_json::to_string(&known.variables).map_err(|_| failed())?);
    request::set_query(Some(&query.finish())).map_err(|_| failed())
}

/// The same for a list.
pub(crate) fn with_documents(known: &[Known]) -> Result<(), GraphqlError> {
    set_body(known)
}

fn set_body<T: Serialize + ?Sized>(body: &T) -> Result<(), GraphqlError> {
    request::set_body(&serde_json::to_vec(body).map_err(|_| failed())?);
    Ok(())
}

fn failed() -> GraphqlError {
    GraphqlError::new("INTERNAL_SERVER_ERROR", "the operation could not be passed on")
}
