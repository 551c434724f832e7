//! A request, from a body or a query string.

use apollo_compiler::response::JsonMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::json;
use crate::persisted::PersistedQuery;

/// Most values in the variables of an operation, those within lists and objects among them.
const MOST_VALUES: usize = 20_000;

/// The parameters of an operation in a query.
const PARAMETERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum Sent {
    One(Request),
    /// A list of operations: its answer is a list too.
    Many(Vec<Request>),
}

impl Sent {
    /// From the body of a `POST`, with at most so many operations. The error is for the client.
    pub(crate) fn from_body(body: &[u8], most: u32) -> Result<Self, String> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let wrong = |error| format!("the body is no GraphQL request: {error}");
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
            return serde_json::from_slice(body).map(Self::One).map_err(wrong);
        }
        if most <= 1 {
            return Err("the body is a list, and one operation a request is answered".to_owned());
        }
        // Split first: a list of too many is not read.
        let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(wrong)?;
        match u32::try_from(items.len()) {
            Ok(0) => return Err("the body is a list without an operation".to_owned()),
            Ok(count) if count <= most => {}
            _ => return Err(format!("the body is a list of {} operations, and {most} is the most", items.len())),
        }
        let requests = items.iter().map(|item| serde_json::from_str(item.get()));
        requests.collect::<Result<_, _>>().map(Self::Many).map_err(wrong)
    }
}

/// The parameters of an operation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Request {
    pub(crate) query: Option<String>,
    #[serde(rename = "operationName")]
    pub(crate) operation: Option<String>,
    variables: Option<Box<RawValue>>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(rename = "persistedQuery")]
    persisted_query: Option<PersistedQuery>,
}

impl Request {
    /// From the query of a `GET`. Of two parameters of one name nobody knows which is meant.
    pub(crate) fn from_query(query: &str) -> Result<Self, String> {
        let mut request = Self::default();
        let mut seen = [false; PARAMETERS.len()];
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let known = PARAMETERS.iter().zip(&mut seen).find(|(known, _)| **known == name);
            if known.is_some_and(|(_, seen)| std::mem::replace(seen, true)) {
                return Err(format!("the parameter `{name}` is there more than once"));
            }
            match name.as_ref() {
                "query" => request.query = Some(value.into_owned()),
                "operationName" if !value.is_empty() => request.operation = Some(value.into_owned()),
                "variables" if !value.is_empty() => request.variables = parameter(&name, &value)?,
                "extensions" if !value.is_empty() => request.extensions = parameter(&name, &value)?,
                _ => {}
            }
        }
        Ok(request)
    }

    /// The variables. Their values are counted first: each takes many times the memory of its text. The
    /// error is for the client.
    pub(crate) fn variables(&self) -> Result<JsonMap, String> {
        let Some(json) = self.variables.as_deref().map(RawValue::get).filter(|json| *json != "null") else {
            return Ok(JsonMap::new());
        };
        if json::count(json) > MOST_VALUES {
            return Err(format!("the variables have more than {MOST_VALUES} values"));
        }
        serde_json::from_str(json).map_err(|error| format!("the variables are not what they should be: {error}"))
    }

    pub(crate) fn persisted_query(&self) -> Option<&PersistedQuery> {
        self.extensions.as_ref()?.persisted_query.as_ref()
    }
}

fn parameter<T: DeserializeOwned>(name: &str, value: &str) -> Result<Option<T>, String> {
    serde_json::from_str(value).map_err(|error| format!("the parameter `{name}` is not what it should be: {error}"))
}

/// Whether a `content-type` is JSON in UTF-8.
pub(crate) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';');
    let is_json = parts.next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
    let charset = parts.filter_map(|parameter| parameter.trim().split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    is_json && charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8")
}
