//! The plugin's `config` table.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::schemars::JsonSchema;

/// The `config` table of `jwt-auth`. The keys are not here: they are in the plugin's `keys` table
/// and stay in the gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct Config {
    /// Who may have issued the token: its `iss` must be one of these. Default: any issuer.
    pub issuer: Option<OneOrMany>,
    /// Whom the token must be for: its `aud` must name one of these. Without it, a token that
    /// names an audience is refused (RFC 7519 section 4.1.3).
    pub audience: Option<OneOrMany>,
    /// How far the clocks of the issuer and the gateway may differ, at most `10m`.
    pub leeway: Duration,
    /// Claims that must be there and not be null. Dotted names reach into objects.
    pub required_claims: Vec<String>,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// Scopes the token must all have, in `scope` or `scp`.
    pub scopes: Vec<String>,
    /// The `typ` the token's header must have, for example `at+jwt` (RFC 9068). Default: any.
    pub typ: Option<String>,
    /// Where the token is: `"bearer"` for `Authorization: Bearer`, `{ cookie = "NAME" }` or
    /// `{ header = "NAME" }`.
    pub from: TokenSource,
    /// Whether the upstream sees the token.
    pub forward_token: bool,
    /// Whether a request without a token is let on, without claims. A bad token is still refused.
    pub optional: bool,
    /// The realm in `WWW-Authenticate`.
    pub realm: String,
    /// Claims the upstream gets as header fields: claim to field. What the client sends in these
    /// fields never reaches the upstream.
    pub claims_to_headers: BTreeMap<String, String>,
    /// Claims other plugins of the chain get, as attributes `jwt.claim.NAME`.
    pub claims_to_attributes: Vec<String>,
    /// How many good tokens are remembered, so that the next request with one is quicker. `0` checks
    /// the signature of every request.
    pub known_tokens: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
            required_claims: Vec::new(),
            require_exp: true,
            scopes: Vec::new(),
            typ: None,
            from: TokenSource::Bearer,
            forward_token: true,
            optional: false,
            realm: "api".to_owned(),
            claims_to_headers: BTreeMap::new(),
            claims_to_attributes: vec!["sub".to_owned()],
            known_tokens: 256,
        }
    }
}

/// A string, or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Any of these.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The strings; an empty list or an empty string is a mistake that would refuse every token.
    pub(crate) fn into_list(self) -> Result<Vec<String>, String> {
        let list = match self {
            Self::One(text) => vec![text],
            Self::Many(list) => list,
        };
        if list.is_empty() || list.iter().any(String::is_empty) {
            return Err("is empty; name at least one, or leave the key out".to_owned());
        }
        Ok(list)
    }
}

/// Where the token is looked for. There is one place only, so that a client cannot show one token
/// to the gateway and another to the upstream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum TokenSource {
    /// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
    Bearer,
    /// The cookie of this name.
    Cookie(String),
    /// The header field of this name, whose whole value is the token.
    Header(String),
}
