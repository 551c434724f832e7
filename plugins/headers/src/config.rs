//! The plugin's `config` table.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollgate_plugin_sdk::schemars::JsonSchema;

/// What to change on the way in and on the way out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) struct Config {
    /// Changes to the request the upstream gets.
    pub(crate) request: Part,
    /// Changes to the response the client gets, also where the gateway or a plugin made it.
    pub(crate) response: Part,
}

/// Changes to one message: fields are removed first, then set, then added.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) struct Part {
    /// Fields that get exactly this value, whatever they had before.
    pub(crate) set: BTreeMap<String, String>,
    /// Fields that get one more line for each of these values.
    pub(crate) add: BTreeMap<String, Values>,
    /// Fields that are removed.
    pub(crate) remove: Vec<String>,
}

/// One value, or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
pub(crate) enum Values {
    One(String),
    Many(Vec<String>),
}

impl Part {
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }
}

impl Values {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}
