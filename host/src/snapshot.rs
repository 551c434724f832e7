//! Everything built from one version of the config.
//!
//! A [`Snapshot`] is made off the data plane and shared; each worker makes its own
//! [`WorkerSnapshot`] of it, with handles to the worker's pools. Requests under way keep the one
//! they started with, so it goes when the last of them does.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::request;

use crate::chain::Chain;
use crate::config::model::{self, Config};
use crate::plugin::Plugin;
use crate::plugin::link::Link;
use crate::plugin::pool::Pool;
use crate::plugin::turns::Turns;
use crate::route::{Names, RouteId, Routed, Table, Template};
use crate::telemetry::metrics::UpstreamMetrics;
use crate::telemetry::{AccessLog, AccessWriter, metrics};
use crate::upstream::{self, Answer, Upstream, UpstreamError};

/// One version of the config, resolved and loaded.
#[derive(Debug)]
pub struct Snapshot {
    pub config: Config,
    pub table: Table,
    /// In the order of `config.plugins`.
    pub plugins: Vec<Arc<Plugin>>,
    /// Where anything calls `https`.
    pub trust: Option<upstream::Trust>,
    pub access: Arc<AccessWriter>,
    pub metrics: Arc<metrics::Registry>,
    /// Lives as long as the snapshot: counted by the `tollgate_snapshots` gauge.
    pub live: metrics::Live,
}

/// A snapshot on one worker.
#[derive(Debug)]
pub struct WorkerSnapshot {
    pub shared: Arc<Snapshot>,
    /// In the order of `config.routes`, as are their names.
    pub routes: Vec<Route>,
    /// The worker's own: each request holds them.
    names: Arc<[Names]>,
    unmatched: Arc<metrics::RouteMetrics>,
    pub access: Rc<AccessLog>,
    pub idle_timeout: Duration,
    upstreams: HashMap<String, Rc<UpstreamState>>,
    /// Those that plugins may call: by name, where they are in `routes`.
    callable: HashMap<String, (usize, Template)>,
    /// In the order of `config.plugins`.
    pools: Vec<Rc<Pool>>,
    worker: metrics::WorkerId,
}

/// An upstream on one worker, and the numbers of its targets.
#[derive(Debug)]
pub struct UpstreamState {
    pub upstream: Rc<Upstream>,
    /// By `host:port`.
    targets: Vec<(String, Arc<UpstreamMetrics>)>,
}

impl UpstreamState {
    fn new(
        upstream: Rc<Upstream>,
        settings: &model::Upstream,
        metrics: &metrics::Registry,
        worker: metrics::WorkerId,
    ) -> Self {
        let named = |target: &model::Target| {
            let name = target.to_string();
            let metrics = metrics.target(worker, &settings.name, &name);
            (name, metrics)
        };
        Self { upstream, targets: settings.targets.iter().map(named).collect() }
    }

    /// Counts a call whose head is there, or will never be.
    pub fn count_call(&self, answer: &Result<Answer, UpstreamError>) {
        let target = answer.as_ref().map_or_else(UpstreamError::target, |answer| &answer.target);
        let Some(metrics) = self.metrics_of(target) else { return };
        match answer {
            Ok(answer) => metrics.answered(answer.took),
            Err(error) => drop(error.reason().map(|reason| metrics.failed(reason))),
        }
    }

    /// The numbers of a target, `host:port` as an answer names it.
    pub fn metrics_of(&self, target: &str) -> Option<&UpstreamMetrics> {
        self.targets.iter().find(|(name, _)| name == target).map(|(_, metrics)| &**metrics)
    }
}

/// A route on one worker.
#[derive(Debug)]
pub struct Route {
    pub state: Rc<RouteState>,
    pub metrics: Arc<metrics::RouteMetrics>,
}

/// What a route does, on one worker. Routes without plugins that do the same share it: with thousands of routes
/// each request would wait for the memory of another.
#[derive(Debug)]
pub struct RouteState {
    pub chain: Chain,
    pub upstream: Option<Rc<UpstreamState>>,
    pub settings: RouteSettings,
}

/// A route's settings, as resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteSettings {
    pub strip_prefix: Option<Box<str>>,
    pub preserve_host: bool,
    pub encoded_slashes: bool,
    pub body_limit: u64,
    pub timeout: Duration,
}

impl RouteSettings {
    fn of(route: &model::Route) -> Self {
        let model::Route { preserve_host, encoded_slashes, body_limit, timeout, .. } = *route;
        let strip_prefix = route.strip_prefix.as_deref().map(Into::into);
        Self { strip_prefix, preserve_host, encoded_slashes, body_limit, timeout }
    }
}

impl WorkerSnapshot {
    /// Makes a worker's part. Pools of plugins that did not change, and connections to targets that
    /// are still there, are taken over from `previous`.
    pub fn new(
        shared: Arc<Snapshot>,
        worker: metrics::WorkerId,
        registry: &mut upstream::Registry,
        previous: Option<&Self>,
    ) -> Self {
        let config = &shared.config;
        registry.trust(shared.trust.as_ref());
        let upstreams: Vec<Rc<UpstreamState>> = config
            .upstreams
            .iter()
            .map(|settings| UpstreamState::new(registry.upstream(settings), settings, &shared.metrics, worker))
            .map(Rc::new)
            .collect();
        let pools: Vec<Rc<Pool>> = shared
            .plugins
            .iter()
            .map(|plugin| {
                let known = previous.and_then(|previous| previous.pool_of(plugin));
                known.unwrap_or_else(|| Pool::new(Arc::clone(plugin), shared.metrics.plugin(worker, plugin.name())))
            })
            .collect();
        let link = |pool: &Rc<Pool>, route: &model::Route| Some(link(&shared, worker, pool, &route.name));
        let mut alike = HashMap::new();
        let mut state = |route: &model::Route| {
            let make = || RouteState {
                chain: Chain::new(route.plugins.iter().filter_map(|id| link(pools.get(id.0)?, route)).collect()),
                upstream: route.upstream.and_then(|id| upstreams.get(id.0).cloned()),
                settings: RouteSettings::of(route),
            };
            if !route.plugins.is_empty() {
                return Rc::new(make());
            }
            let known = alike.entry((route.upstream.map(|id| id.0), RouteSettings::of(route)));
            Rc::clone(known.or_insert_with(|| Rc::new(make())))
        };
        let metrics = |route: &model::Route| shared.metrics.route(worker, &route.name);
        let routes = config.routes.iter().map(|route| Route { state: state(route), metrics: metrics(route) }).collect();
        Self {
            routes,
            names: shared.table.names().into(),
            unmatched: shared.metrics.route(worker, ""),
            access: access_log(&shared, worker, previous),
            idle_timeout: config.server.limits.idle_timeout,
            upstreams: config.upstreams.iter().map(|settings| settings.name.clone()).zip(upstreams).collect(),
            callable: callable(config),
            pools,
            worker,
            shared,
        }
    }

    /// A route that a plugin calls, and the parameters in its path.
    pub fn route_named(&self, name: &str, head: &request::Parts) -> Option<(&Rc<RouteState>, Routed)> {
        let (id, template) = self.callable.get(name)?;
        Some((&self.routes.get(*id)?.state, self.routed(*id, template.params(head))))
    }

    /// A route as its requests know it, with what the `{name}`s of the path matched.
    pub fn routed(&self, id: RouteId, values: Vec<String>) -> Routed {
        Routed::new(&self.names, id, values)
    }

    /// What a route counts; without one, what requests count that no route took.
    pub fn route_metrics(&self, id: Option<RouteId>) -> &metrics::RouteMetrics {
        id.and_then(|id| self.routes.get(id)).map_or(&self.unmatched, |route| &route.metrics)
    }

    pub fn route_name(&self, id: RouteId) -> Option<&str> {
        self.names.get(id).map(|names| &*names.route)
    }

    /// A plugin on a route of this worker's; on none, by the name "".
    pub fn link(&self, pool: &Rc<Pool>, route: &str) -> Link {
        link(&self.shared, self.worker, pool, route)
    }

    pub fn upstream_named(&self, name: &str) -> Option<&Rc<UpstreamState>> {
        self.upstreams.get(name)
    }

    /// The numbers of a target, `host:port`, under the first upstream that names it.
    pub fn first_metrics_of(&self, target: &str) -> Option<&UpstreamMetrics> {
        let mut upstreams = self.shared.config.upstreams.iter();
        upstreams.find_map(|upstream| self.upstreams.get(&upstream.name)?.metrics_of(target))
    }

    /// Makes an instance of each plugin that has none yet, so that the first request finds one.
    pub async fn warm(&self) {
        for pool in &self.pools {
            pool.warm().await;
        }
    }

    /// One for each plugin.
    pub fn pools(&self) -> impl Iterator<Item = &Rc<Pool>> {
        self.pools.iter()
    }

    /// How many hooks may compute for long on this worker from now on.
    pub fn limit_turns(&self) {
        let limits = &self.shared.config.server.limits;
        Turns::here().limit(limits.long_hooks, limits.long_hooks_queue);
    }

    fn pool_of(&self, plugin: &Arc<Plugin>) -> Option<Rc<Pool>> {
        self.pools.iter().find(|pool| Arc::ptr_eq(&pool.plugin, plugin)).cloned()
    }
}

fn callable(config: &Config) -> HashMap<String, (usize, Template)> {
    let granted: HashSet<&String> = config.plugins.iter().flat_map(|plugin| &plugin.grants.routes).collect();
    let routes = config.routes.iter().enumerate().filter(|(_, route)| granted.contains(&route.name));
    routes.map(|(id, route)| (route.name.clone(), (id, Template::new(route)))).collect()
}

fn link(shared: &Snapshot, worker: metrics::WorkerId, pool: &Rc<Pool>, route: &str) -> Link {
    Link::new(Rc::clone(pool), shared.metrics.link(worker, pool.plugin.name(), route))
}

/// The worker's end of the access log: the one it had, where the log is the same.
fn access_log(shared: &Snapshot, worker: metrics::WorkerId, previous: Option<&WorkerSnapshot>) -> Rc<AccessLog> {
    let known = previous.filter(|previous| Arc::ptr_eq(&previous.shared.access, &shared.access));
    known.map_or_else(|| Rc::new(shared.access.worker(shared.metrics.worker(worker))), |known| Rc::clone(&known.access))
}
