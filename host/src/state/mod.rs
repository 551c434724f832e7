//! State that outlives a reload: what plugins keep in `kv` and count with `rate`.
//!
//! Stores belong to a configured plugin's name, so a changed config or a new version of the
//! component finds what the one before it left. Memory only; nothing is written to disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

impl Stores {
    /// The plugin's stores, made if it has none yet. Limits are those of the newest config.
    pub fn of(&self, plugin: &str, limits: &crate::config::model::PluginLimits) -> PluginStores {
        let mut stores = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stores.entry(plugin.to_owned()).or_insert_with(|| PluginStores {
            kv: Arc::new(kv::Store::default()),
            rate: Arc::new(rate::Store::default()),
        });
        found.kv.set_limits(limits.kv_keys, limits.kv_bytes);
        found.rate.set_limit(limits.rate_keys);
        found.clone()
    }

    /// Drops the stores of plugins that no config names any more.
    pub fn keep_only(&self, plugins: &[&str]) {
        let mut stores = self.by_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|name, _| plugins.contains(&name.as_str()));
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
