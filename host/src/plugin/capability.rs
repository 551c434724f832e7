//! What can be granted to a plugin, by the name of the interface it is for.
//!
//! The words of `lifecycle.want.capability`, and what the commands print. Whether a call may go
//! through is decided where it is made, by [`super::rights::Rights`].

use crate::config::model;

/// An interface that does nothing until the operator grants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    HttpClient,
    Crypto,
    Secrets,
    Metrics,
    SharedKv,
    Files,
    /// Of `request`: to choose the upstream.
    Forward,
}

impl Capability {
    pub const ALL: [Self; 7] =
        [Self::HttpClient, Self::Forward, Self::Crypto, Self::Secrets, Self::Metrics, Self::SharedKv, Self::Files];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// The interface's name in the WIT; where the grant is for one function, the grant's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpClient => "http-client",
            Self::Crypto => "crypto",
            Self::Secrets => "secrets",
            Self::Metrics => "metrics",
            Self::SharedKv => "shared-kv",
            Self::Files => "files",
            Self::Forward => "forward",
        }
    }

    /// What of it a plugin is granted, as it is written in the config.
    pub fn granted(self, plugin: &model::Plugin, upstreams: &[model::Upstream]) -> Vec<String> {
        let named = |ids: &[model::UpstreamId]| -> Vec<String> {
            ids.iter().filter_map(|id| upstreams.get(id.0)).map(|upstream| upstream.name.clone()).collect()
        };
        match self {
            Self::HttpClient => {
                let origins = plugin.grants.origins.iter().map(|origin| format!("{}://{origin}", origin.scheme));
                let wildcards = plugin.grants.wildcards.iter().map(ToString::to_string);
                let routes = plugin.grants.routes.iter().map(|route| format!("route {route}"));
                named(&plugin.grants.upstreams).into_iter().chain(origins).chain(wildcards).chain(routes).collect()
            }
            Self::Forward => named(&plugin.grants.forward),
            Self::Crypto => plugin.keys.keys().cloned().collect(),
            Self::Secrets => plugin.secrets.keys().cloned().collect(),
            Self::Metrics => plugin.grants.metrics.clone(),
            Self::SharedKv => plugin.grants.kv.clone(),
            Self::Files => plugin.grants.files.texts().map(str::to_owned).collect(),
        }
    }

    /// What to write to grant it to the plugin of this name.
    pub fn advice(self, plugin: &str) -> String {
        match self {
            Self::HttpClient => format!("add `grant = {{ http = [\"an-upstream\"] }}` to [plugins.{plugin}]"),
            Self::Crypto => {
                format!("add a key: [plugins.{plugin}.keys.NAME] with `algorithm` and `value`, `file` or `secret`")
            }
            Self::Secrets => format!("add a secret: [plugins.{plugin}.secrets.NAME] with `value`, `file` or `secret`"),
            Self::Metrics => format!("add `grant = {{ metrics = [\"a_name\"] }}` to [plugins.{plugin}]"),
            Self::SharedKv => {
                format!("add a table [kv.NAME], and `grant = {{ kv = [\"NAME\"] }}` to [plugins.{plugin}]")
            }
            Self::Forward => format!("add `grant = {{ forward = [\"an-upstream\"] }}` to [plugins.{plugin}]"),
            Self::Files => format!("add `grant = {{ files = [\"a-file\"] }}` to [plugins.{plugin}]"),
        }
    }
}

/// The names of all, as a sentence has them.
pub fn all_names() -> String {
    let names = Capability::ALL.map(|capability| format!("`{}`", capability.name()));
    match names.split_last() {
        Some((last, most)) => format!("{} and {last}", most.join(", ")),
        None => String::new(),
    }
}
