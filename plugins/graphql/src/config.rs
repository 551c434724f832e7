//! The plugin's `config` table.

use serde::Deserialize;
use tollgate_plugin_sdk::duration::{Duration, MORE_THAN_ZERO};
use tollgate_plugin_sdk::schemars::JsonSchema;

/// The `config` table of `graphql`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct Config {
    /// The schema in SDL, its fields bound to calls by `@rest`: `"${file.schema.graphql}"`. Needed
    /// unless `forward` is set.
    pub schema: Option<String>,
    /// The schema's file, to be named in front of line and column of a mistake in it.
    pub schema_name: Option<String>,
    /// Whether a GraphQL service behind the gateway answers. The plugin then checks operations and
    /// lets them on to the route's upstream.
    pub forward: bool,
    /// Whether clients may ask for the schema.
    pub introspection: bool,
    /// Whether a browser that opens the route gets `GraphiQL`.
    pub graphiql: bool,
    /// How long an operation may take. What is not there by then is null, with an error.
    #[schemars(regex(pattern = MORE_THAN_ZERO))]
    pub timeout: Duration,
    /// The attribute that holds the scopes of the request, parted by spaces or as a JSON list, for
    /// `@requiresScopes`.
    pub scopes_attribute: String,
    /// The attribute that is there if the request has a known user, for `@authenticated`.
    pub user_attribute: String,
    /// What one operation may ask for.
    pub limits: Limits,
    /// Operations that are known by their hash.
    pub persisted: PersistedConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema: None,
            schema_name: None,
            forward: false,
            introspection: true,
            graphiql: false,
            timeout: Duration::from_secs(4),
            scopes_attribute: "jwt.claim.scope".to_owned(),
            user_attribute: "jwt.claim.sub".to_owned(),
            limits: Limits::default(),
            persisted: PersistedConfig::default(),
        }
    }
}

/// What one operation may ask for. What asks for more is refused before anything is called.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct Limits {
    /// Most fields within fields.
    #[schemars(range(min = 1))]
    pub depth: u32,
    /// Highest cost: a field is 1 or its `@cost`, and within a list it counts for each item.
    #[schemars(range(min = 1))]
    pub complexity: u32,
    /// Items a list is taken to have, where neither `@listSize` nor an argument says so.
    #[schemars(range(min = 1))]
    pub list_size: u32,
    /// Most fields that are given another name.
    pub aliases: u32,
    /// Most words, names and punctuation marks of a document, and the white space between them.
    #[schemars(range(min = 1))]
    pub tokens: u32,
    /// Most operations of one request, sent as a list. With 1 a list is refused.
    #[schemars(range(min = 1, max = 100))]
    pub operations: u32,
    /// Most bytes of a request, at most the plugin's `limits.body`.
    #[schemars(range(min = 1))]
    pub body: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 12, complexity: 1000, list_size: 10, aliases: 30, tokens: 2000, operations: 1, body: 131_072 }
    }
}

/// Operations that are known by their SHA-256 hash.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub struct PersistedConfig {
    /// Which operations are.
    pub mode: PersistedMode,
    /// The operations of `mode = "only"`, as JSON: an object of hash to document, or a manifest with
    /// `operations`, each with `id` and `body`: `"${file.operations.json}"`.
    pub operations: Option<String>,
    /// How long an operation a client registered is kept.
    pub ttl: Duration,
}

impl Default for PersistedConfig {
    fn default() -> Self {
        Self { mode: PersistedMode::Automatic, operations: None, ttl: Duration::from_mins(24 * 60) }
    }
}

/// Which operations are known by their hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub enum PersistedMode {
    /// None: a hash is refused.
    Off,
    /// Those a client registers by sending hash and document together.
    #[default]
    Automatic,
    /// Those in `operations`, and nothing else is answered.
    Only,
}
