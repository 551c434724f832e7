//! State that outlives a reload: what plugins keep in `kv`, count with `rate` and store in `cache`.
//!
//! Stores belong to a configured plugin's name, or to their own where plugins share them, so a changed config or a new version of the
//! component finds what the one before it left. Memory only, but for what gateways share of the cache;
//! nothing is written to disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::cache::{self, redis};
use crate::config::model;

pub mod kv;
pub mod rate;

/// The stores of all plugins, by plugin name, and those they share, by theirs. Touched when plugins are loaded, never by a request.
#[derive(Debug, Default)]
pub struct Stores {
    by_plugin: Mutex<HashMap<String, PluginStores>>,
    shared: Mutex<HashMap<String, Arc<kv::Store>>>,
    /// Where gateways share what their plugins cache.
    redis: OnceLock<Arc<redis::Shared>>,
}

/// The stores of one plugin.
#[derive(Debug, Clone)]
pub struct PluginStores {
    pub kv: Arc<kv::Store>,
    pub rate: Arc<rate::Store>,
    pub cache: Arc<cache::Store>,
}

impl PluginStores {
    fn set_limits(&self, limits: &model::PluginLimits) {
        self.kv.set_limits(limits.kv_keys, limits.kv_bytes);
        self.rate.set_limit(limits.rate_keys);
        self.cache.set_limits(limits);
    }
}

impl Stores {
    /// The plugin's stores, made with these limits if it has none yet.
    pub fn of(&self, plugin: &str, limits: &model::PluginLimits) -> PluginStores {
        let mut stores = lock(&self.by_plugin);
        let new = || {
            let new = PluginStores { kv: Arc::default(), rate: Arc::default(), cache: Arc::default() };
            new.set_limits(limits);
            if let Some(redis) = self.redis.get() {
                new.cache.share(redis.namespace(plugin));
            }
            new
        };
        stores.entry(plugin.to_owned()).or_insert_with(new).clone()
    }

    /// The shared stores of these names, made with the config's quotas if they are not there yet.
    pub fn shared(&self, names: &[String], config: &model::Config) -> Vec<(String, Arc<kv::Store>)> {
        let mut shared = lock(&self.shared);
        let granted = config.kv.iter().filter(|namespace| names.contains(&namespace.name));
        let store = |namespace: &model::KvNamespace| {
            let new = || {
                let new = kv::Store::default();
                new.set_limits(namespace.keys, namespace.bytes);
                Arc::new(new)
            };
            (namespace.name.clone(), Arc::clone(shared.entry(namespace.name.clone()).or_insert_with(new)))
        };
        granted.map(store).collect()
    }

    /// What plugins cache is shared with other gateways from now on, also what those store that come
    /// later.
    pub fn share_cache(&self, redis: Arc<redis::Shared>) {
        let stores = lock(&self.by_plugin);
        for (plugin, stores) in stores.iter() {
            stores.cache.share(redis.namespace(plugin));
        }
        // Set once, by whoever starts the gateway.
        let _ = self.redis.set(redis);
    }

    /// Another gateway has removed something from the cache.
    pub fn removed_elsewhere(&self, removal: &redis::Removal) {
        let stores = lock(&self.by_plugin);
        let named = |plugin: &str| removal.plugin.as_deref().is_none_or(|named| named == plugin);
        for (_, stores) in stores.iter().filter(|(plugin, _)| named(plugin)) {
            match &removal.what {
                redis::What::Key(key) => drop(stores.cache.forget(key)),
                what => drop(what.as_purge().map(|purge| stores.cache.purge(purge))),
            }
        }
    }

    /// A config is in force: its limits hold, and the stores of what it does not name are dropped.
    pub fn commit(&self, config: &model::Config) {
        self.commit_plugins(&config.plugins);
        let mut shared = lock(&self.shared);
        shared.retain(|name, _| config.kv.iter().any(|namespace| namespace.name == *name));
        for namespace in &config.kv {
            if let Some(store) = shared.get(&namespace.name) {
                store.set_limits(namespace.keys, namespace.bytes);
            }
        }
    }

    fn commit_plugins(&self, plugins: &[model::Plugin]) {
        let mut stores = lock(&self.by_plugin);
        stores.retain(|name, _| plugins.iter().any(|plugin| plugin.name == *name));
        for plugin in plugins {
            if let Some(stores) = stores.get(&plugin.name) {
                stores.set_limits(&plugin.limits);
            }
        }
    }

    /// Gives back the memory of what has expired. Called now and then by the control runtime.
    pub fn sweep(&self) {
        let all: Vec<PluginStores> = lock(&self.by_plugin).values().cloned().collect();
        for stores in all {
            stores.kv.sweep();
            stores.rate.sweep();
        }
        let shared: Vec<_> = lock(&self.shared).values().cloned().collect();
        for store in shared {
            store.sweep();
        }
    }
}

/// A map is a map, also where a thread panicked with it in hand.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
