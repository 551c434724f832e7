//! The plugin's `config` table.

use serde::Deserialize;
use tollgate_plugin_sdk::duration::{Duration, MORE_THAN_ZERO};
use tollgate_plugin_sdk::schemars::JsonSchema;

/// So many requests in such a period, for each client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) struct Config {
    /// Requests a client may make in each `per`, at least 1.
    #[schemars(range(min = 1, max = u32::MAX))]
    pub(crate) limit: u32,
    /// The period: a whole number and a unit, `"1s"`, `"1m"`, `"1h"`; at most 49 days.
    #[schemars(regex(pattern = MORE_THAN_ZERO))]
    pub(crate) per: Duration,
    /// The most requests a client may make at once, after a time of rest. Default: `limit`.
    #[schemars(range(min = 1, max = u32::MAX))]
    pub(crate) burst: Option<u32>,
    /// What tells clients apart: `"client-address"`, `{ header = "NAME" }`, `{ claim = "NAME" }` (of
    /// the token `jwt-auth` checked earlier in the chain) or `{ attribute = "NAME" }`. A request
    /// without the header, claim or attribute is counted by client address.
    #[serde(default)]
    pub(crate) by: By,
    /// The policy's name in the `RateLimit` and `RateLimit-Policy` fields. Two limits in one chain
    /// need two names.
    #[serde(default = "default_name")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub(crate) name: String,
}

/// What tells clients apart.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) enum By {
    /// The address the connection came from; of an IPv6 address its network, the first 64 bits.
    #[default]
    ClientAddress,
    /// The first value of this header field.
    Header(String),
    /// This claim of the token: the attribute `jwt.claim.NAME`.
    Claim(String),
    /// This attribute of the request, as an earlier plugin set it.
    Attribute(String),
}

fn default_name() -> String {
    "default".to_owned()
}
