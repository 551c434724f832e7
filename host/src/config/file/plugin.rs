//! `[plugins.NAME]` as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::secs;
use crate::config::units::{Size, Time};

/// A configured plugin.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plugin {
    /// A built-in plugin, or `FILE.wasm` in `plugins_dir`; the table's name where it is not given.
    #[schemars(with = "String", example = &"jwt-auth")]
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What the plugin may reach. Nothing where it is not given.
    #[schemars(example = serde_json::json!({ "http": ["users"] }))]
    pub grant: Grant,
    /// The plugin's own configuration, checked against the schema inside the plugin.
    pub config: Map<String, Value>,
    /// What the plugin may take.
    pub limits: PluginLimits,
    /// `shared`: an instance serves one hook after another. `fresh`: a new one for each hook.
    pub isolation: Isolation,
    /// What a fault of the plugin does to the request: `deny` (an error response) or `skip`.
    pub on_error: OnError,
    /// Keys the plugin may check or make signatures with, or seal texts, by name.
    pub keys: BTreeMap<String, Key>,
    /// Values the plugin may read and nobody else, by the name it asks for.
    pub secrets: BTreeMap<String, PluginSecret>,
}

/// What a plugin may reach.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Grant {
    /// Upstreams by name, and origins: `https://HOST:PORT`, `https://*.example.com`, `https://*`.
    #[schemars(example = vec!["users", "https://issuer.example"])]
    pub http: Vec<String>,
    /// Upstreams by name that the plugin may send a route's requests to.
    #[schemars(example = vec!["blue", "green"])]
    pub forward: Vec<String>,
    /// Files it may read: paths or patterns, relative to the config file.
    #[schemars(example = vec!["list.txt", "geo/*.csv"])]
    pub files: Vec<String>,
    /// Key-value stores it may use, by their names in `kv`.
    #[schemars(example = vec!["sessions"])]
    pub kv: Vec<String>,
    /// Metrics of its own the plugin may write, by name.
    #[schemars(example = vec!["cache_hits_total"])]
    pub metrics: Vec<String>,
    /// Routes of this gateway it may call, by name.
    #[schemars(example = vec!["profile"])]
    pub routes: Vec<String>,
}

/// What a plugin may take.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PluginLimits {
    /// CPU time of one hook. Waiting for other services does not count.
    pub cpu: Time,
    /// Wall time of one hook.
    pub wall: Time,
    /// Memory of one instance.
    pub memory: Size,
    /// Elements in all tables of one instance together.
    #[schemars(range(min = 1, max = 100_000))]
    pub table_elements: usize,
    /// Most instances of each worker.
    #[schemars(range(min = 1))]
    pub instances: usize,
    /// Hooks of each worker that may wait for an instance.
    pub queue: usize,
    /// `on-complete` hooks of each worker that may wait to be run, each for `wall` at most.
    pub completions: usize,
    /// Shortest time between two calls of `on-interval`, whatever the plugin asks for.
    pub interval: Time,
    /// Hooks after which an instance is replaced.
    #[schemars(range(min = 1))]
    pub uses: u64,
    /// How long an instance is kept that no hook has needed. One is kept in any case.
    pub idle_for: Time,
    /// Largest body the plugin may have buffered, in or out.
    pub body: Size,
    /// Largest chunk of a body that the plugin is shown at once, where it filters bodies as they pass.
    pub chunk: Size,
    /// Most outbound calls of one hook.
    pub calls: usize,
    /// Most bytes the plugin may hand over in one call of a host function, or return from a hook.
    pub host_call: Size,
    /// Most log lines a second, of all instances together.
    pub log_lines: u32,
    /// Most series of the plugin's own metrics, over all workers.
    pub metric_series: usize,
    /// Most updates a second of its own metrics, by all instances together.
    pub metric_updates: u32,
    /// Largest file the plugin may read.
    pub file: Size,
    /// Most keys in the plugin's `kv` store.
    pub kv_keys: usize,
    /// Most bytes of keys and values in the plugin's `kv` store.
    pub kv_bytes: Size,
    /// Most keys the `rate` interface tracks for the plugin.
    pub rate_keys: usize,
    /// Most bytes of responses the `cache` interface keeps for the plugin.
    pub cache_bytes: Size,
    /// Largest body of such a response; at most an eighth of `cache_bytes` counts.
    pub cache_object: Size,
    /// Most requests that wait for what another one fetches.
    pub cache_waiting: usize,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            cpu: Time(Duration::from_millis(50)),
            wall: secs(5),
            memory: Size(64 << 20),
            table_elements: 20_000,
            instances: 64,
            queue: 256,
            completions: 1024,
            interval: secs(1),
            uses: 1_000_000,
            idle_for: secs(10),
            body: Size(1 << 20),
            chunk: Size(64 << 10),
            calls: 32,
            host_call: Size(4 << 20),
            log_lines: 100,
            metric_series: 100,
            metric_updates: 1_000_000,
            file: Size(1 << 20),
            kv_keys: 10_000,
            kv_bytes: Size(16 << 20),
            rate_keys: 100_000,
            cache_bytes: Size(64 << 20),
            cache_object: Size(4 << 20),
            cache_waiting: 10_000,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Isolation {
    #[default]
    Shared,
    Fresh,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OnError {
    #[default]
    Deny,
    Skip,
}

/// A key: an algorithm and exactly one source of its material.
// No `Debug`: the material stays out of logs.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    /// The one algorithm the key may be used with, by its name in RFC 7518, RFC 8037 or RFC 8439.
    #[schemars(example = &"RS256")]
    pub algorithm: Algorithm,
    /// `verify`: the plugin may check signatures, and that is all. `sign`: it may make them too. Not for keys that seal.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeyUse", example = &"sign")]
    pub usage: Option<KeyUse>,
    /// The material itself: the secret's text for HS algorithms, a key in PEM for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub value: Option<String>,
    /// The secret of an HS algorithm, or the 32 bytes of one that seals, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub value_base64: Option<String>,
    /// File that holds the material, relative to the config file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"keys/issuer.pem")]
    pub file: Option<String>,
    /// Name in `secrets` that holds the material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A secret of a plugin: exactly one source of its value.
// No `Debug`: as for keys.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PluginSecret {
    /// The value itself, with `${env.NAME}` in it if it is to stay out of the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"${env.API_TOKEN}")]
    pub value: Option<String>,
    /// The value in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub value_base64: Option<String>,
    /// File that holds the value, relative to the config file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"/run/secrets/api-token")]
    pub file: Option<String>,
    /// Name in the top level's `secrets` that holds the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for PluginSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginSecret").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
    A256Gcm,
    #[serde(rename = "ChaCha20-Poly1305")]
    ChaCha20Poly1305,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum KeyUse {
    Verify,
    Sign,
}
