//! The plugin's `config` table.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::schemars::JsonSchema;

/// What is kept, and for how long, where the responses themselves do not say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) struct Config {
    /// The cache's name in `Cache-Status`.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9._-]{0,63}$"))]
    pub(crate) name: String,
    /// The longest wait for another request that fetches the same; then each goes on by itself.
    pub(crate) wait: Duration,
    /// For how long requests for what turned out not to be storable do not wait for one another.
    pub(crate) apart: Duration,
    /// How long a response is kept after it is stale, to be validated instead of fetched again.
    pub(crate) keep_stale: Duration,
    /// For how long after it is stale a response is served while it is fetched anew, where it has no
    /// `stale-while-revalidate` of its own.
    pub(crate) stale_while_revalidate: Duration,
    /// For how long after it is stale a response is served where the upstream answers with 500, 502,
    /// 503 or 504 instead, where it has no `stale-if-error` of its own.
    pub(crate) stale_if_error: Duration,
    /// The same where the upstream gives no answer at all.
    pub(crate) stale_if_unreachable: Duration,
    /// How long responses that say nothing are fresh, by status: `{ "200" = "5s", "404" = "30s" }`.
    /// None is, where it is not given here.
    pub(crate) fresh: BTreeMap<String, Duration>,
    /// Whether a response that says nothing is fresh for a tenth of the time since its
    /// `Last-Modified`, at most a day (RFC 9111 section 4.2.2).
    pub(crate) heuristic: bool,
    /// Whether a client's `Cache-Control` is heeded: `no-cache`, `no-store`, `max-age`, `min-fresh`,
    /// `max-stale`, `stale-if-error` and `only-if-cached`.
    pub(crate) heed_clients: bool,
    /// Whether routes that share this plugin share what is stored. Only for routes whose equal URLs
    /// are the same resource: the path is looked at as the upstream sees it, without `strip_prefix`.
    pub(crate) across_routes: bool,
    /// The response field with the tags operators can purge by, separated by commas or spaces. It is
    /// not sent to clients.
    #[schemars(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"))]
    pub(crate) tags: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "tollgate".to_owned(),
            wait: Duration::from_secs(5),
            apart: Duration::from_secs(10),
            keep_stale: Duration::from_mins(60),
            stale_while_revalidate: Duration::from_secs(0),
            stale_if_error: Duration::from_secs(0),
            stale_if_unreachable: Duration::from_secs(60),
            fresh: BTreeMap::new(),
            heuristic: true,
            heed_clients: true,
            across_routes: false,
            tags: "cache-tag".to_owned(),
        }
    }
}
