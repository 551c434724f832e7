//! State that outlives a reload: what plugins keep in `kv` and count with `rate`.
//!
//! Stores belong to a configured plugin's name, so a changed config or a new version of the
//! component finds what the one before it left. Memory only; nothing is written to disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::model;

pub mod kv;
pub mod rate;

/// The stores of all plugins, by plugin name. Touched when plugins are loaded, never by a request.
#[derive(Debug, Default)]
pub struct Stores {
    by_plugin: Mutex<HashMap<String, PluginStores>>,
}

/// The stores of one plugin.
#[derive(Debug, Clone)]
pub struct PluginStores {
    pub kv: Arc<kv::Store>,
    pub rate: Arc<rate::Store>,
}

impl PluginStores {
    fn set_limits(&self, limits: &model::PluginLimits) {
        self.kv.set_limits(limits.kv_keys, limits.kv_bytes);
        self.rate.set_limit(limits.rate_keys);
    }
}

impl Stores {
    /// The plugin's stores, made with these limits if it has none yet.
    pub fn of(&self, plugin: &str, limits: &model::PluginLimits) -> PluginStores {
        let mut stores = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let new = PluginStores { kv: Arc::new(kv::Store::default()), rate: Arc::new(rate::Store::default()) };
            new.set_limits(limits);
            new
        };
        stores.entry(plugin.to_owned()).or_insert_with(new).clone()
    }

    /// A config is in force: its limits hold, and the stores of plugins it does not name are dropped.
    pub fn commit(&self, plugins: &[model::Plugin]) {
        let mut stores = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|name, _| plugins.iter().any(|plugin| plugin.name == *name));
        for plugin in plugins {
            if let Some(stores) = stores.get(&plugin.name) {
                stores.set_limits(&plugin.limits);
            }
        }
    }

    /// Gives back the memory of what has expired. Called now and then by the control runtime.
    pub fn sweep(&self) {
        let all: Vec<PluginStores> =
            self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for stores in all {
            stores.kv.sweep();
            stores.rate.sweep();
        }
    }
}
