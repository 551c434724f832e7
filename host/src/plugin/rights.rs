//! What one configured plugin may do and use: shared by all its instances on all workers.

use std::sync::Arc;

use super::keys::Keyring;
use crate::config::model::{self, PluginLimits, Target};
use crate::state::PluginStores;

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
    pub keys: Keyring,
    pub stores: PluginStores,
}

impl Rights {
    pub fn new(plugin: &model::Plugin, upstreams: &[model::Upstream], keys: Keyring, stores: PluginStores) -> Self {
        let granted = plugin.grants.upstreams.iter();
        Self {
            name: plugin.name.as_str().into(),
            limits: plugin.limits.clone(),
            upstreams: granted.filter_map(|id| upstreams.get(id.0)).map(|upstream| upstream.name.clone()).collect(),
            origins: plugin.grants.origins.clone(),
            keys,
            stores,
        }
    }

    /// Of a component that is looked at, and is nobody's plugin: nothing.
    pub fn none(limits: PluginLimits, stores: PluginStores) -> Self {
        Self { name: "".into(), limits, upstreams: vec![], origins: vec![], keys: Keyring::default(), stores }
    }
}
