//! A persisted operation for a service that does not know it: the request gets its text.

use apollo_compiler::response::JsonMap;
use serde::Serialize;
use tollgate_plugin_sdk::request;

#[derive(Serialize)]
struct Body<'b> {
    query: &'b str,
    #[serde(rename = "operationName", skip_serializing_if = "Option::is_none")]
    operation: Option<&'b str>,
    variables: &'b JsonMap,
}

/// Puts the text into the request that goes on. The error is for the client.
pub(crate) fn with_document(
    text: &str,
    operation: Option<&str>,
    variables: &JsonMap,
    is_get: bool,
) -> Result<(), String> {
    let failed = |_| "the operation could not be passed on".to_owned();
    let body = Body { query: text, operation, variables };
    if !is_get {
        request::set_body(&serde_json::to_vec(&body).map_err(failed)?);
        return Ok(());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("query", text);
    if let Some(operation) = operation {
        query.append_pair("operationName", operation);
    }
    query.append_pair("variables", &serde_json::to_string(variables).map_err(failed)?);
    request::set_query(Some(&query.finish())).map_err(|_| "the operation could not be passed on".to_owned())
}
