//! `/api/status`: the gateway as JSON.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::AdminState;
use crate::telemetry::metrics::TargetState;
use crate::telemetry::rfc3339;

/// What the snapshot in force is made of.
#[derive(Debug, Default)]
pub struct Inventory {
    pub routes: Vec<RouteStatus>,
    pub plugins: Vec<PluginStatus>,
    pub upstreams: Vec<UpstreamStatus>,
}

#[derive(Debug, Clone, Serialize)]
pub struct RouteStatus {
    pub name: String,
    /// The template, as written.
    pub path: String,
    pub upstream: Option<String>,
    /// The chain, in its order.
    pub plugins: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PluginStatus {
    pub name: String,
    /// The built-in's name, or the file.
    pub component: String,
    /// What the component says of itself.
    pub version: String,
    /// `loaded`, or what is wrong with the newest file while the last good one serves.
    pub state: String,
}

#[derive(Debug, Clone)]
pub struct UpstreamStatus {
    pub name: String,
    /// `host:port` of each.
    pub targets: Vec<String>,
}

/// How the last reload went.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Reload {
    result: &'static str,
    time: String,
    error: Option<String>,
}

#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    uptime_seconds: u64,
    config: String,
    /// `null` before the first.
    last_reload: Option<Reload>,
    routes: &'a [RouteStatus],
    plugins: &'a [PluginStatus],
    upstreams: Vec<Upstream<'a>>,
}

#[derive(Serialize)]
struct Upstream<'a> {
    name: &'a str,
    targets: Vec<Target<'a>>,
}

#[derive(Serialize)]
struct Target<'a> {
    address: &'a str,
    health: &'static str,
    /// Workers that leave it out at the moment.
    ejected_by_workers: i64,
    in_flight: i64,
    requests: u64,
    failures: u64,
}

impl Reload {
    pub(super) fn new(time: SystemTime, error: Option<String>) -> Self {
        let result = if error.is_none() { "ok" } else { "failed" };
        Self {
            result,
            time: rfc3339(time).to_string(),
            error,
        }
    }
}

/// The whole status as JSON text.
pub(super) fn json(state: &AdminState) -> serde_json::Result<Vec<u8>> {
    let inventory = state.inventory();
    let numbers = state.registry().targets();
    let numbers = numbers
        .iter()
        .map(|n| ((n.upstream.as_str(), n.target.as_str()), n))
        .collect();
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: state.started().elapsed().as_secs(),
        config: state.config().display().to_string(),
        last_reload: state.reload(),
        routes: &inventory.routes,
        plugins: &inventory.plugins,
        upstreams: inventory
            .upstreams
            .iter()
            .map(|u| Upstream::new(u, &numbers))
            .collect(),
    };
    let mut json = serde_json::to_vec_pretty(&status)?;
    json.push(b'\n');
    Ok(json)
}

type Numbers<'a> = BTreeMap<(&'a str, &'a str), &'a TargetState>;

impl<'a> Upstream<'a> {
    fn new(upstream: &'a UpstreamStatus, numbers: &Numbers<'_>) -> Self {
        let targets = upstream.targets.iter().map(|address| {
            let numbers = numbers.get(&(upstream.name.as_str(), address.as_str()));
            Target::new(address, numbers.copied())
        });
        Self {
            name: &upstream.name,
            targets: targets.collect(),
        }
    }
}

impl<'a> Target<'a> {
    /// A target without numbers has not been asked yet.
    fn new(address: &'a str, numbers: Option<&TargetState>) -> Self {
        let ejected = numbers.map_or(0, |n| n.ejected_by);
        Self {
            address,
            health: if ejected > 0 { "ejected" } else { "healthy" },
            ejected_by_workers: ejected,
            in_flight: numbers.map_or(0, |n| n.in_flight),
            requests: numbers.map_or(0, |n| n.requests),
            failures: numbers.map_or(0, |n| n.failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::{Registry, WorkerId};

    fn status(state: &AdminState) -> serde_json::Value {
        serde_json::from_slice(&json(state).unwrap()).unwrap()
    }

    fn inventory() -> Inventory {
        let upstream = UpstreamStatus {
            name: "users".into(),
            targets: vec!["a:1".into(), "b:2".into()],
        };
        Inventory {
            upstreams: vec![upstream],
            ..Inventory::default()
        }
    }

    #[test]
    fn an_ejected_target_is_told_from_a_healthy_one() {
        let registry = Arc::new(Registry::default());
        let state = AdminState::new(PathBuf::from("t.toml"), Arc::clone(&registry));
        state.loaded(inventory());
        let target = registry.target(WorkerId(0), "users", "b:2");
        target.ejected.set(1);
        let status = status(&state);
        let targets = &status["upstreams"][0]["targets"];
        assert_eq!(targets[0]["health"], "healthy");
        assert_eq!(targets[1]["health"], "ejected");
        assert_eq!(status["last_reload"], serde_json::Value::Null);
    }

    #[test]
    fn a_failed_reload_says_why_and_leaves_what_was() {
        let state = AdminState::new(PathBuf::from("t.toml"), Arc::new(Registry::default()));
        state.loaded(inventory());
        state.reloaded(Err("line 3: no such upstream".into()));
        let status = status(&state);
        assert_eq!(status["last_reload"]["result"], "failed");
        assert_eq!(status["last_reload"]["error"], "line 3: no such upstream");
        assert_eq!(status["upstreams"][0]["name"], "users");
    }
}
