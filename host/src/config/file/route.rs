//! `[[routes]]` as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secs;
use crate::config::one_or_many::OneOrMany;
use crate::config::units::{Size, Time};

/// Which requests go through which plugins to which upstream.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// Its name in logs and metrics; the path where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 128))]
    pub name: Option<String>,
    /// Path template: literals, `{name}` for one segment, `{*rest}` for all that follow.
    #[schemars(example = &"/users/{*rest}")]
    pub path: String,
    /// Host name, or a list of them; `*.example.com` for all below. Any host where it is not given.
    #[serde(default, skip_serializing_if = "no_host")]
    #[schemars(example = &"api.example.com")]
    pub host: OneOrMany,
    /// Methods. Any method where it is not given.
    #[serde(default)]
    #[schemars(example = vec!["GET", "POST"])]
    pub methods: Vec<String>,
    /// Header fields the request must have: an exact value, or `true` for any.
    #[serde(default)]
    pub headers: BTreeMap<String, Condition>,
    /// Query parameters the request must have: an exact value, or `true` for any.
    #[serde(default)]
    pub query: BTreeMap<String, Condition>,
    /// The upstream that answers, by name. Without one a plugin must answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub upstream: Option<String>,
    /// The chain: plugins by name, in this order on the way in, in the reverse on the way out.
    #[serde(default)]
    #[schemars(example = vec!["jwt", "limit"])]
    pub plugins: Vec<String>,
    /// Taken off the front of the path before it is sent to the upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"/api")]
    pub strip_prefix: Option<String>,
    /// Whether the upstream sees the client's `host` field instead of the target's.
    #[serde(default)]
    pub preserve_host: bool,
    /// Whether paths may have a slash that is percent-encoded (`%2F`, `%5C`), which some services read as a slash.
    #[serde(default)]
    pub encoded_slashes: bool,
    /// Largest request body; `server.limits.body` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub body_limit: Option<Size>,
    /// From the first byte of the request to the last of the answer.
    #[serde(default = "default_route_timeout")]
    pub timeout: Time,
}

fn default_route_timeout() -> Time {
    secs(60)
}

fn no_host(host: &OneOrMany) -> bool {
    host.0.is_empty()
}

/// What a field or a query parameter must be: an exact value, or `true` for "is there".
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Is(String),
    Present,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Is(value) => serializer.serialize_str(value),
            Self::Present => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueOrTrue)
    }
}

struct ValueOrTrue;

impl Visitor<'_> for ValueOrTrue {
    type Value = Condition;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, or true for any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Condition, E> {
        Ok(Condition::Is(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, present: bool) -> Result<Condition, E> {
        if present {
            return Ok(Condition::Present);
        }
        // A route for requests WITHOUT a field needs no condition: the one with it goes first.
        Err(E::custom("`false` is not a condition; only a string, or `true` for any value"))
    }
}

impl JsonSchema for Condition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean"], "examples": ["v2", true] })
    }
}
