//! All numbers of the gateway, and the text they become.

use std::sync::Arc;

use super::cache::Caches;
use super::custom::{self, CustomMetrics};
use super::process::{Live, Process};
use super::shards::{MAX_SERIES, Shards, WorkerId};
use super::text::Text;
use super::{LinkMetrics, PluginMetrics, RouteMetrics, UpstreamMetrics, WorkerMetrics};
use super::{cache, link, plugin, route, upstream, worker};

/// Hands out the numbers to write, and sums them. One for the process; it outlives every snapshot.
#[derive(Debug)]
pub struct Registry {
    routes: Shards<String, RouteMetrics>,
    targets: Shards<upstream::Key, UpstreamMetrics>,
    plugins: Shards<String, PluginMetrics>,
    links: Shards<link::Key, LinkMetrics>,
    workers: Shards<(), WorkerMetrics>,
    custom: custom::Stores,
    process: Process,
}

/// A target as its numbers show it, for the admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    pub upstream: String,
    /// `host:port`
    pub target: String,
    pub requests: u64,
    pub failures: u64,
    pub in_flight: i64,
    /// Workers that leave it out at the moment.
    pub ejected_by: i64,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            routes: Shards::new(MAX_SERIES),
            targets: Shards::new(MAX_SERIES),
            plugins: Shards::new(MAX_SERIES),
            links: Shards::new(MAX_SERIES),
            workers: Shards::new(MAX_SERIES),
            custom: custom::Stores::default(),
            process: Process::default(),
        }
    }
}

/// Each of the first five gives a worker the same numbers again when it asks again. Takes a lock: ask
/// when a snapshot is installed, not for a request.
impl Registry {
    pub fn route(&self, worker: WorkerId, route: &str) -> Arc<RouteMetrics> {
        self.routes.shard(worker, route.to_owned())
    }

    /// `target` is `host:port`.
    pub fn target(&self, worker: WorkerId, upstream: &str, target: &str) -> Arc<UpstreamMetrics> {
        self.targets.shard(worker, (upstream.to_owned(), target.to_owned()))
    }

    pub fn plugin(&self, worker: WorkerId, plugin: &str) -> Arc<PluginMetrics> {
        self.plugins.shard(worker, plugin.to_owned())
    }

    /// The numbers of a plugin on a route.
    pub fn link(&self, worker: WorkerId, plugin: &str, route: &str) -> Arc<LinkMetrics> {
        self.links.shard(worker, (plugin.to_owned(), route.to_owned()))
    }

    pub fn worker(&self, worker: WorkerId) -> Arc<WorkerMetrics> {
        self.workers.shard(worker, ())
    }

    /// The right of a plugin to write the metrics of its own that are named, in `max_series` at most.
    pub fn custom(&self, plugin: &str, names: &[String], max_series: usize) -> CustomMetrics {
        self.custom.of(plugin, names, max_series)
    }

    /// A config is in force: forgets plugins' own metrics that it grants no longer.
    pub fn keep_custom<'a>(&self, granted: impl Iterator<Item = (&'a str, &'a [String])>) {
        self.custom.commit(granted);
    }

    /// Counts a snapshot as alive until what is returned is dropped.
    pub fn snapshot(&self) -> Live {
        self.process.snapshot()
    }

    /// Counts a compiled component as alive until what is returned is dropped.
    pub fn component(&self) -> Live {
        self.process.component()
    }

    /// The first configuration is in force.
    pub fn loaded(&self) {
        self.process.loaded();
    }

    /// A reload has ended.
    pub fn reloaded(&self, ok: bool) {
        self.process.reloaded(ok);
    }

    /// Everything, in Prometheus' text format 0.0.4. The numbers of the cache are kept there.
    pub fn text(&self, caches: &Caches) -> String {
        let mut text = Text::default();
        route::write(&mut text, &self.routes.sums());
        upstream::write(&mut text, &self.targets.sums());
        link::write(&mut text, &self.links.sums());
        plugin::write(&mut text, &self.plugins.sums());
        custom::write(&mut text, &self.custom.all());
        cache::write(&mut text, caches);
        let workers = self.workers.sums().pop().map(|((), sum)| sum).unwrap_or_default();
        worker::write(&mut text, &workers);
        self.process.write(&mut text);
        text.finish()
    }

    /// Every target that has been in use.
    pub fn targets(&self) -> Vec<TargetState> {
        let sums = self.targets.sums().into_iter();
        sums.map(|((upstream, target), metrics)| TargetState {
            upstream,
            target,
            requests: metrics.requests(),
            failures: metrics.failures(),
            in_flight: metrics.in_flight.get(),
            ejected_by: metrics.ejected.get(),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::time::Duration;

    use http::StatusCode;

    use super::super::{Hook, PluginFault, UpstreamFailure, Verdict};
    use super::*;

    const HARD_NAME: &str = "a \"b\"\\n\nc{d=\"e\"},f";

    /// Every kind of number, with names that have to be escaped.
    fn filled() -> Registry {
        let registry = Registry::default();
        for worker in [WorkerId(0), WorkerId(1)] {
            let route = registry.route(worker, HARD_NAME);
            route.record(StatusCode::OK, Duration::from_millis(3), 5, 7);
            registry.route(worker, "").record(StatusCode::NOT_FOUND, Duration::ZERO, 0, 9);
            let target = registry.target(worker, "users", "10.0.0.1:80");
            target.answered(Duration::from_millis(2));
            target.failed(UpstreamFailure::Connect);
            let plugin = registry.plugin(worker, "jwt");
            plugin.instance_created();
            let link = registry.link(worker, "jwt", HARD_NAME);
            link.hook(Hook::Request).called(Verdict::Error, Duration::from_micros(7));
            link.hook(Hook::Request).failed(PluginFault::Cpu);
            link.hook(Hook::Request).waited_in_queue(Duration::from_millis(4));
            registry.worker(worker).connection_opened();
        }
        registry.reloaded(true);
        registry
    }

    /// Reads the format as a scraper does: name, labels and value of each sample, by family.
    fn parse(text: &str) -> BTreeMap<(String, Vec<(String, String)>), f64> {
        let mut samples = BTreeMap::new();
        let mut family = "";
        let mut families = HashSet::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().unwrap();
                assert!(families.insert(family), "{family} begins twice");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert_eq!(rest.split(' ').next(), Some(family));
            } else {
                let (name, labels, value) = parse_sample(line);
                assert!(["", "_bucket", "_sum", "_count"].contains(&name.strip_prefix(family).unwrap()));
                assert!(samples.insert((name, labels), value).is_none(), "twice: {line}");
            }
        }
        samples
    }

    fn parse_sample(line: &str) -> (String, Vec<(String, String)>, f64) {
        let end = line.find(['{', ' ']).unwrap();
        let name = line[..end].to_owned();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        let mut labels = Vec::new();
        let mut rest = &line[end..];
        while let Some(inner) = rest.strip_prefix(['{', ',']) {
            let (label, quoted) = inner.split_once("=\"").unwrap();
            let (value, after) = unescape(quoted);
            labels.push((label.to_owned(), value));
            rest = after;
        }
        let value = rest.trim_start_matches('}').strip_prefix(' ').unwrap().parse().unwrap();
        (name, labels, value)
    }

    fn unescape(quoted: &str) -> (String, &str) {
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        loop {
            match chars.next().unwrap() {
                (at, '"') => return (value, &quoted[at + 1..]),
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c => c,
                }),
                (_, c) => value.push(c),
            }
        }
    }

    fn value(registry: &Registry, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let samples = parse(&registry.text(&Caches::default()));
        *samples.get(&(name.to_owned(), labels)).unwrap_or_else(|| panic!("no {name} in {samples:#?}"))
    }

    fn assert_value(registry: &Registry, name: &str, labels: &[(&str, &str)], expected: f64) {
        let found = value(registry, name, labels);
        assert!((found - expected).abs() < 1e-9, "{name} is {found} and not {expected}");
    }

    #[test]
    fn a_scraper_reads_back_what_the_workers_wrote() {
        let registry = filled();
        assert_value(&registry, "tollgate_requests_total", &[("route", HARD_NAME), ("status", "200")], 2.0);
        assert_value(&registry, "tollgate_requests_total", &[("route", ""), ("status", "404")], 2.0);
        assert_value(&registry, "tollgate_request_duration_seconds_sum", &[("route", HARD_NAME)], 0.006);
        assert_value(&registry, "tollgate_response_bytes_total", &[("route", HARD_NAME)], 14.0);
        let target = [("upstream", "users"), ("target", "10.0.0.1:80")];
        assert_value(&registry, "tollgate_upstream_requests_total", &target, 4.0);
        let failure = [target[0], target[1], ("reason", "connect")];
        assert_value(&registry, "tollgate_upstream_failures_total", &failure, 2.0);
        let hook = [("plugin", "jwt"), ("route", HARD_NAME), ("hook", "on-request")];
        let with = |label| [&hook[..], &[label]].concat();
        assert_value(&registry, "tollgate_plugin_errors_total", &with(("reason", "cpu")), 2.0);
        assert_value(&registry, "tollgate_plugin_calls_total", &with(("verdict", "error")), 2.0);
        assert_value(&registry, "tollgate_plugin_queued_total", &hook, 2.0);
        assert_value(&registry, "tollgate_plugin_queue_seconds_total", &hook, 0.008);
        assert_value(&registry, "tollgate_plugin_cpu_seconds_total", &hook, 0.000_014);
        assert_value(&registry, "tollgate_reloads_total", &[("result", "ok")], 1.0);
    }

    #[test]
    fn gauges_of_workers_that_are_gone_are_gone() {
        let registry = filled();
        assert_value(&registry, "tollgate_plugin_instances", &[("plugin", "jwt")], 0.0);
        assert_value(&registry, "tollgate_plugin_instances_created_total", &[("plugin", "jwt")], 2.0);
        assert_value(&registry, "tollgate_connections", &[], 0.0);
        assert_value(&registry, "tollgate_connections_total", &[], 2.0);
    }

    #[test]
    fn the_state_of_a_target_is_seen_in_its_numbers() {
        let registry = filled();
        let target = registry.target(WorkerId(1), "users", "10.0.0.1:80");
        target.ejected.set(1);
        let state = registry.targets().remove(0);
        assert_eq!((state.requests, state.failures, state.ejected_by), (4, 2, 1));
    }
}
