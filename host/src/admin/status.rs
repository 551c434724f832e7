//! `/api/status`: the gateway as JSON.

use serde::Serialize;

use super::Admin;
use crate::config::model::{self, Config};
use crate::plugin::Plugin;
use crate::reload::Current;
use crate::telemetry::metrics::TargetState;
use crate::telemetry::rfc3339;

#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    uptime_seconds: u64,
    config: String,
    /// When the snapshot in force went live.
    live_since: String,
    /// `null` before the first.
    last_reload: Option<Reload<'a>>,
    routes: Vec<Route<'a>>,
    plugins: Vec<PluginStatus<'a>>,
    upstreams: Vec<Upstream<'a>>,
}

#[derive(Serialize)]
struct Reload<'a> {
    result: &'static str,
    error: Option<&'a str>,
    /// How many there have been, this one included.
    number: u64,
}

#[derive(Serialize)]
struct Route<'a> {
    name: &'a str,
    /// The template, as written.
    path: &'a str,
    upstream: Option<&'a str>,
    /// The chain, in its order.
    plugins: Vec<&'a str>,
}

#[derive(Serialize)]
struct PluginStatus<'a> {
    name: &'a str,
    /// What the component says of itself.
    component: &'a str,
    version: &'a str,
    state: &'static str,
}

#[derive(Serialize)]
struct Upstream<'a> {
    name: &'a str,
    targets: Vec<Target>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Target {
    /// `host:port`
    address: String,
    health: &'static str,
    /// Workers that leave it out at the moment.
    ejected_by_workers: i64,
    in_flight: i64,
    requests: u64,
    failures: u64,
}

/// The whole status as JSON text.
pub(super) fn json(admin: &Admin) -> serde_json::Result<Vec<u8>> {
    let current = admin.status.current();
    let config = &current.snapshot.config;
    let numbers = admin.metrics.targets();
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: admin.started.elapsed().as_secs(),
        config: admin.status.config.display().to_string(),
        live_since: rfc3339(current.since).to_string(),
        last_reload: Reload::last(&current),
        routes: config.routes.iter().map(|route| Route::new(route, config)).collect(),
        plugins: current.snapshot.plugins.iter().map(|plugin| PluginStatus::new(plugin)).collect(),
        upstreams: config.upstreams.iter().map(|upstream| Upstream::new(upstream, &numbers)).collect(),
    };
    let mut json = serde_json::to_vec_pretty(&status)?;
    json.push(b'\n');
    Ok(json)
}

impl<'a> Reload<'a> {
    fn last(current: &'a Current) -> Option<Self> {
        let error = current.last_error.as_deref();
        let result = if error.is_none() { "ok" } else { "failed" };
        (current.reloads > 0).then_some(Self { result, error, number: current.reloads })
    }
}

impl<'a> Route<'a> {
    fn new(route: &'a model::Route, config: &'a Config) -> Self {
        let upstream = route.upstream.and_then(|id| config.upstreams.get(id.0));
        let plugins = route.plugins.iter().filter_map(|id| config.plugins.get(id.0));
        Self {
            name: &route.name,
            path: &route.matches.path,
            upstream: upstream.map(|upstream| upstream.name.as_str()),
            plugins: plugins.map(|plugin| plugin.name.as_str()).collect(),
        }
    }
}

impl<'a> PluginStatus<'a> {
    /// A snapshot holds no plugin that is not loaded.
    fn new(plugin: &'a Plugin) -> Self {
        let descriptor = &plugin.descriptor;
        Self { name: plugin.name(), component: &descriptor.name, version: &descriptor.version, state: "loaded" }
    }
}

impl<'a> Upstream<'a> {
    fn new(upstream: &'a model::Upstream, numbers: &[TargetState]) -> Self {
        let targets = upstream.targets.iter().map(|target| {
            let address = target.to_string();
            let known = numbers.iter().find(|known| known.upstream == upstream.name && known.target == address);
            Target::new(address, known)
        });
        Self { name: &upstream.name, targets: targets.collect() }
    }
}

impl Target {
    /// A target without numbers has not been asked yet.
    fn new(address: String, numbers: Option<&TargetState>) -> Self {
        let ejected = numbers.map_or(0, |numbers| numbers.ejected_by);
        Self {
            address,
            health: if ejected > 0 { "ejected" } else { "healthy" },
            ejected_by_workers: ejected,
            in_flight: numbers.map_or(0, |numbers| numbers.in_flight),
            requests: numbers.map_or(0, |numbers| numbers.requests),
            failures: numbers.map_or(0, |numbers| numbers.failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ejected_target_is_told_from_a_healthy_one() {
        let mut numbers = TargetState {
            upstream: "users".into(),
            target: "a:1".into(),
            requests: 4,
            failures: 3,
            in_flight: 1,
            ejected_by: 2,
        };
        let ejected = Target::new("a:1".into(), Some(&numbers));
        assert_eq!((ejected.health, ejected.ejected_by_workers, ejected.failures), ("ejected", 2, 3));
        numbers.ejected_by = 0;
        assert_eq!(Target::new("a:1".into(), Some(&numbers)).health, "healthy");
        assert_eq!(Target::new("a:1".into(), None).health, "healthy");
    }
}
