//! `[state.cache]` as it is written.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::{Size, Time};

/// What gateways share of what plugins cache: a copy in Redis of what each has in memory. A change takes
/// effect at the next start.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedCache {
    /// Redis' address: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS.
    #[schemars(example = &"redis://10.0.0.5:6379")]
    pub redis: String,
    /// What names in Redis begin with. Gateways with the same one share.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// The longest a request waits for Redis before it goes to the upstream.
    #[serde(default = "default_timeout")]
    pub timeout: Time,
    /// Largest body that is shared; a larger one stays in each gateway's memory.
    #[serde(default = "default_object")]
    pub object: Size,
}

fn default_prefix() -> String {
    "tollgate".into()
}

fn default_timeout() -> Time {
    Time(Duration::from_millis(50))
}

fn default_object() -> Size {
    Size(1 << 20)
}
