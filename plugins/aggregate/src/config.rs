//! The plugin's `config` table.

use serde::Deserialize;
use serde_json::Value;
use tollgate_plugin_sdk::duration::{Duration, MORE_THAN_ZERO};
use tollgate_plugin_sdk::schemars::JsonSchema;

/// The `config` table of `aggregate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct Config {
    /// The calls, each one member of the answer, in this order.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartConfig>,
    /// Whether an error answer names the part that failed. The reason is only ever in the log.
    #[serde(default)]
    pub expose_errors: bool,
}

/// One call and the member of the answer it becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct PartConfig {
    /// The member's name: letters, digits, `_`, `-` and `.`, at most 64 of them.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]{1,64}$"))]
    pub name: String,
    /// The upstream to call, by name. Either this or `origin`.
    pub upstream: Option<String>,
    /// The origin to call: `http://host:port`. Either this or `upstream`.
    pub origin: Option<String>,
    /// Path and query. `{name}` is a parameter of the route's path, `{*name}` one with slashes,
    /// `{attribute:name}` a note of a plugin before this one.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// The method. No body is sent.
    #[serde(default = "get")]
    #[schemars(regex(pattern = r"^[A-Z]+$"))]
    pub method: String,
    /// How long the answer may take, at most `1h`.
    #[serde(default = "two_seconds")]
    #[schemars(regex(pattern = MORE_THAN_ZERO))]
    pub timeout: Duration,
    /// What a failure of this part means.
    #[serde(default)]
    pub mode: Mode,
    /// What the member is when the part fails and `mode` is `default`.
    pub default: Option<Value>,
    /// Fields of the client's request that are sent along.
    #[serde(default)]
    pub forward_headers: Vec<String>,
    /// Parameters of the client's query that are sent along.
    #[serde(default)]
    pub forward_query: Vec<String>,
}

/// What a failure of a part means for the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum Mode {
    /// There is no answer without it: 502, or 504 after a time-out.
    #[default]
    Required,
    /// It is left out, and named in `x-tollgate-partial`.
    Optional,
    /// The value of `default` takes its place.
    Default,
}

fn get() -> String {
    "GET".to_owned()
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}
