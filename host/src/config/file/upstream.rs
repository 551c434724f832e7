//! `[upstreams.NAME]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secs;
use crate::config::units::Time;

/// A service behind the gateway: one or more targets that do the same.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// Its addresses, each `http://HOST:PORT` or `https://HOST:PORT`.
    #[schemars(length(min = 1), example = vec!["http://10.0.0.1:3000"])]
    pub targets: Vec<String>,
    /// How a target is chosen for a request.
    #[serde(default)]
    pub balance: Balance,
    /// Limits on one call to a target.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// When a target that fails is left out, and for how long.
    #[serde(default)]
    pub ejection: Ejection,
    /// Idle connections each worker keeps to each target.
    #[serde(default = "default_idle_connections")]
    #[schemars(range(max = 65_536))]
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    #[serde(default = "default_idle_for")]
    pub idle_for: Time,
    /// Further targets tried where one could not be reached and nothing was sent to it.
    #[serde(default = "default_connect_retries")]
    #[schemars(range(max = 16))]
    pub connect_retries: u32,
    /// Passes interim answers (1xx, such as 103 with early hints) on to clients. Plugins do not see them.
    #[serde(default = "default_interim")]
    pub interim: bool,
}

fn default_idle_connections() -> usize {
    64
}

fn default_idle_for() -> Time {
    secs(60)
}

fn default_interim() -> bool {
    true
}

fn default_connect_retries() -> u32 {
    2
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Balance {
    #[default]
    RoundRobin,
    LeastRequest,
}

/// Limits on one call to a target.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    /// Until the connection is there, TLS included.
    pub connect: Time,
    /// From the request's last byte to the head of the answer.
    pub first_byte: Time,
    /// Longest pause between two pieces of the answer's body.
    pub idle: Time,
    /// From the first byte of the request to the last of the answer.
    pub total: Time,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: secs(2), first_byte: secs(30), idle: secs(30), total: secs(60) }
    }
}

/// When a target that fails is left out, and for how long.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ejection {
    /// Consecutive failures (no connection, broken or late answer head) after which a target is left out.
    #[schemars(range(min = 1))]
    pub failures: u32,
    /// For how long it is left out.
    pub duration: Time,
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 3, duration: secs(10) }
    }
}
