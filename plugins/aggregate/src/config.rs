//! The plugin's `config` table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tollgate_plugin_sdk::duration::{Duration, MORE_THAN_ZERO};
use tollgate_plugin_sdk::schemars::JsonSchema;
use tollgate_plugin_sdk::size::{self, Size};

/// The `config` table of `aggregate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct Config {
    /// The calls. Each is one member of the answer, in this order, if it does not say otherwise.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartConfig>,
    /// How long all of it may take, at most `1h`: less than the plugin's `limits.wall`, so that there is
    /// time left to put the answer together. What is not there by then has failed. Default: `4s`, or the
    /// longest `timeout` of a part, if that is more.
    #[schemars(regex(pattern = MORE_THAN_ZERO))]
    pub timeout: Option<Duration>,
    /// How long the answer may be, put together. A part with which it would be longer has failed. Less than the
    /// plugin's `limits.host_call`, beyond which the gateway ends the plugin.
    #[serde(default = "three_mib")]
    #[schemars(regex(pattern = size::MORE_THAN_ZERO))]
    pub max_size: Size,
    /// Whether an error answer names the part that failed. The reason is only ever in the log.
    #[serde(default)]
    pub expose_errors: bool,
    /// A member of the answer that lists the parts left out. It is there only where one is; without
    /// this key only the field `x-tollgate-partial` tells.
    #[schemars(length(min = 1, max = 64))]
    pub partial_member: Option<String>,
}

/// One call and the member of the answer it becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct PartConfig {
    /// The member's name: letters, digits, `_`, `-` and `.`, at most 64 of them.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]{1,64}$"))]
    pub name: String,
    /// The upstream to call, by name. Either this or `origin` or `route`.
    pub upstream: Option<String>,
    /// The origin to call: `http://host:port` or `https://host:port`. Either this or another target.
    pub origin: Option<String>,
    /// The route of this gateway to call, by name: its chain runs. Either this or another target.
    pub route: Option<String>,
    /// Path and query, with placeholders: `{name}` is a parameter of the route's path, `{*name}` one
    /// with slashes, `{attribute:name}` a note of a plugin before this one, `{query:name}` and
    /// `{header:name}` are the client's, `{body:path}` is from its JSON body, `{part:name.path}` from
    /// the answer of another part, which is then waited for.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// The method.
    #[serde(default = "get")]
    #[schemars(regex(pattern = r"^[A-Z]+$"))]
    pub method: String,
    /// How long the answer may take, at most as long as the whole may. `2s`, if it is not given and the
    /// whole may take longer.
    #[schemars(regex(pattern = MORE_THAN_ZERO))]
    pub timeout: Option<Duration>,
    /// How long the answer's body may be, at most the plugin's `limits.body`, which is the limit where
    /// none is given. Of `each` it is that of one item.
    #[schemars(regex(pattern = size::MORE_THAN_ZERO))]
    pub max_size: Option<Size>,
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
    /// Fields to send, with placeholders in their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body to send, with placeholders in its strings. A string that is one placeholder
    /// becomes its value, of whatever type. Not with `forward_body`.
    pub body: Option<Value>,
    /// Whether the client's body, and its `content-type`, are sent along.
    #[serde(default)]
    pub forward_body: bool,
    /// The part is called only where all of these hold; else it is not there, and nobody misses it.
    #[serde(default)]
    pub when: Vec<ConditionConfig>,
    /// The part is called once for each item of an array; the answers become an array.
    pub each: Option<EachConfig>,
    /// What the answer is.
    #[serde(default)]
    pub format: Format,
    /// What of the answer goes into the whole.
    #[serde(default)]
    pub shape: ShapeConfig,
    /// Where in the whole it goes: `profile.address`, or `.` for the top. The name of the part, if it
    /// is not given. Parts with one place are merged, in the order of the config.
    pub at: Option<String>,
    /// How this part goes together with what is at its place already.
    #[serde(default)]
    pub combine: Combine,
    /// Puts the items of the answer into the items of an array that is in the whole already.
    pub join: Option<JoinConfig>,
    /// Whether the answer is for other parts only, and the client does not get it.
    #[serde(default)]
    pub hide: bool,
}

/// One comparison, of one of these three kinds. What is missing has no value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct ConditionConfig {
    /// What is compared: a text with placeholders.
    pub value: String,
    /// The value is this.
    pub is: Option<String>,
    /// The value is not this, or there is none.
    pub is_not: Option<String>,
    /// There is a value, or there is none.
    pub exists: Option<bool>,
}

/// Calls for each item of an array.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct EachConfig {
    /// The array, as one placeholder: `{part:orders.items}` or `{body:ids}`. In the part's other
    /// templates `{item}` is the item, `{item.id}` a value of it.
    pub of: String,
    /// Calls under way at one time.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 32))]
    pub concurrency: usize,
    /// Most items; with more the part fails.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 10_000))]
    pub most: usize,
}

/// What the body of a part's answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum Format {
    /// JSON, taken over as it is.
    #[default]
    Json,
    /// Text in UTF-8: becomes a string.
    Text,
    /// Anything: becomes a string in base64 (RFC 4648 section 4).
    Base64,
}

/// Steps, done in this order; in each item where the answer is an array.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct ShapeConfig {
    /// The value inside the answer that is used: `data.items`. Where it is missing the part fails.
    pub select: Option<String>,
    /// Members that are left out.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Members that are kept, in this order; all others are left out.
    #[serde(default)]
    pub pick: Vec<String>,
    /// Members that are objects and whose own members take their place.
    #[serde(default)]
    pub flatten: Vec<String>,
    /// Members and their new names: `{ id = "user_id" }`.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Members and where they go: `{ "address.city" = "city" }`.
    #[serde(default)]
    pub r#move: BTreeMap<String, String>,
}

/// How two values at one place become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum Combine {
    /// Two objects become one, in which this part's members win; anything else takes the place of
    /// what is there.
    #[default]
    Merge,
    /// Two arrays become one, with this part's items last; anything else as `merge`.
    Append,
}

/// A join by key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct JoinConfig {
    /// The array in the whole whose items get something: `orders` or `page.orders`.
    pub to: String,
    /// The member of those items that names what they get: `product_id`.
    pub key: String,
    /// The member of this part's items with the same value: `id`.
    pub equals: String,
    /// The new member of those items: `product`.
    pub into: String,
    /// Whether it is an array of all items that fit, rather than the first of them.
    #[serde(default)]
    pub many: bool,
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

fn three_mib() -> Size {
    Size::from_bytes(3 << 20)
}

fn four() -> usize {
    4
}

fn hundred() -> usize {
    100
}

fn get() -> String {
    "GET".to_owned()
}
