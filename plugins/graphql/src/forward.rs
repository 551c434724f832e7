//! What goes on to a service of its own: the request made anew from what was checked.
//!
//! Servers differ in which of two parameters of one name they take, in whether the query of a `POST` goes
//! before its body, and in what else they read an operation from. So nothing the client sent goes on as it
//! came.

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
    #[serde(skip_serializing_if = "JsonMap::is_empty")]
    pub(crate) variables: JsonMap,
}

/// Makes the request one for this operation. The error is for the client.
pub(crate) fn one(known: &Known, is_get: bool) -> Result<(), GraphqlError> {
    if is_get { in_query(known) } else { in_body(known) }
}

/// Makes the request one for these operations.
pub(crate) fn several(known: &[Known]) -> Result<(), GraphqlError> {
    in_body(known)
}

fn in_query(known: &Known) -> Result<(), GraphqlError> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("query", &known.text);
    if let Some(operation) = &known.operation {
        query.append_pair("operationName", operation);
    }
    if !known.variables.is_empty() {
        query.append_pair("variables", &serde_json::to_string(&known.variables).map_err(|_| failed())?);
    }
    request::set_query(Some(&query.finish())).map_err(|_| failed())?;
    // Some servers read it, whatever the method is.
    request::set_body(&[]);
    for name in ["content-type", "content-encoding"] {
        request::remove_header(name).map_err(|_| failed())?;
    }
    Ok(())
}

fn in_body<T: Serialize + ?Sized>(body: &T) -> Result<(), GraphqlError> {
    request::set_body(&serde_json::to_vec(body).map_err(|_| failed())?);
    request::set_query(None).map_err(|_| failed())?;
    // There may have been several lines of it.
    request::set_header("content-type", "application/json").map_err(|_| failed())?;
    request::remove_header("content-encoding").map_err(|_| failed())
}

fn failed() -> GraphqlError {
    GraphqlError::new("INTERNAL_SERVER_ERROR", "the operation could not be passed on")
}
