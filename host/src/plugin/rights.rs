//! What one configured plugin may do and use: shared by all its instances on all workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::Files;
use super::host_api::log::LogBudget;
use super::host_api::per_second::PerSecond;
use super::keys::Keyring;
use crate::config::model::{self, PluginLimits, Secret, Target, Wildcard};
use crate::state::{PluginStores, Stores, kv};
use crate::telemetry::metrics::{self, custom::CustomMetrics};

/// Everything here is granted or limited by the operator; nothing comes from the component.
#[derive(Debug)]
pub struct Rights {
    /// The name of the plugin's table in the config.
    pub name: Arc<str>,
    pub limits: PluginLimits,
    /// Names of the upstreams it may call.
    pub upstreams: Vec<String>,
    /// Origins it may call.
    pub origins: Vec<Target>,
    /// Names of the upstreams it may send a route's requests to. Names, because the plugin may outlive
    /// the config whose ids they had; each request looks them up in its own snapshot.
    pub forward: Vec<Arc<str>>,
    /// Origins it may call at public addresses.
    pub wildcards: Vec<Wildcard>,
    /// Names of the routes it may call.
    pub routes: Vec<String>,
    pub keys: Keyring,
    /// By the name the plugin asks for.
    pub secrets: BTreeMap<String, Secret>,
    pub stores: PluginStores,
    /// Shared stores it may use, by name.
    shared_kv: Vec<(String, Arc<kv::Store>)>,
    /// Shared, for reading goes on where the hook does not.
    pub files: Arc<Files>,
    /// The metrics of its own it may write.
    pub metrics: CustomMetrics,
    /// Updates of those that it still may make in this second.
    pub metric_budget: PerSecond,
    pub log_budget: LogBudget,
}

impl Rights {
    pub fn new(
        plugin: &model::Plugin,
        config: &model::Config,
        keys: Keyring,
        stores: &Stores,
        metrics: &metrics::Registry,
    ) -> Self {
        let names = |granted: &[model::UpstreamId]| -> Vec<String> {
            let upstreams = granted.iter().filter_map(|id| config.upstreams.get(id.0));
            upstreams.map(|upstream| upstream.name.clone()).collect()
        };
        Self {
            name: plugin.name.as_str().into(),
            limits: plugin.limits.clone(),
            upstreams: names(&plugin.grants.upstreams),
            origins: plugin.grants.origins.clone(),
            forward: names(&plugin.grants.forward).into_iter().map(Arc::from).collect(),
            wildcards: plugin.grants.wildcards.clone(),
            routes: plugin.grants.routes.clone(),
            keys,
            secrets: plugin.secrets.clone(),
            stores: stores.of(&plugin.name, &plugin.limits),
            shared_kv: stores.shared(&plugin.grants.kv, config),
            files: Arc::new(plugin.grants.files.clone()),
            metrics: metrics.custom(&plugin.name, &plugin.grants.metrics, plugin.limits.metric_series),
            metric_budget: PerSecond::default(),
            log_budget: LogBudget::default(),
        }
    }

    /// The shared store of this name, if it is granted.
    pub fn shared_kv(&self, namespace: &str) -> Option<&kv::Store> {
        self.shared_kv.iter().find(|(name, _)| name == namespace).map(|(_, store)| &**store)
    }

    /// Of a component that is looked at, and is nobody's plugin: nothing.
    pub fn none(limits: PluginLimits, stores: PluginStores) -> Self {
        Self {
            name: "".into(),
            limits,
            upstreams: vec![],
            origins: vec![],
            forward: vec![],
            wildcards: vec![],
            routes: vec![],
            keys: Keyring::default(),
            secrets: BTreeMap::new(),
            stores,
            shared_kv: vec![],
            files: Arc::default(),
            metrics: CustomMetrics::default(),
            metric_budget: PerSecond::default(),
            log_budget: LogBudget::default(),
        }
    }
}
