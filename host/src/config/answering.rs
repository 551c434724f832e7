//! What stands in the way of a plugin that answers requests in place of an upstream.
//!
//! Which plugins do is known only when their components are loaded, so `resolve` cannot look at this.

use super::document::Document;
use super::error::Diagnostic;
use super::model::{Config, OnError, Plugin, Route};

/// Of a component that exports `wasi:http/incoming-handler`.
const WHAT: &str = "is a component that answers requests (wasi:http 0.2)";

impl Document {
    /// Every mistake there is around such a plugin: in its own table, and in the routes it is on.
    pub fn check_answering(&self, name: &str, config: &Config) -> Vec<Diagnostic> {
        let Some(at) = config.plugins.iter().position(|plugin| plugin.name == name) else { return Vec::new() };
        let mut errors = self.check_answering_table(&config.plugins[at]);
        for (index, route) in config.routes.iter().enumerate() {
            if let Some(place) = route.plugins.iter().position(|id| id.0 == at) {
                errors.extend(self.check_answering_route(name, index, route, place));
            }
        }
        errors
    }

    /// What such a component has no use for.
    fn check_answering_table(&self, plugin: &Plugin) -> Vec<Diagnostic> {
        let name = plugin.name.as_str();
        let at = |key| ["plugins", name, key];
        let mut errors = Vec::new();
        // An empty table says nothing that could get lost.
        if plugin.config != "{}" {
            let message = format!("`{name}` {WHAT}, and has no way to read a `config`");
            errors.push(self.error_at(&at("config"), message).help("remove the table"));
        }
        // What is not written is `fresh` for it.
        if self.root.pointer(&format!("/plugins/{}/isolation", escaped(name))).is_some_and(|value| value == "shared") {
            let message = format!("`{name}` {WHAT}, and such a component has an instance for each request");
            errors.push(self.error_at(&at("isolation"), message).help("remove the line, or write `fresh`"));
        }
        if plugin.on_error == OnError::Skip {
            let message = format!("`{name}` {WHAT}: where it fails, there is nobody else to answer");
            errors.push(self.error_at(&at("on_error"), message).help("remove the line, or write `deny`"));
        }
        errors
    }

    /// What would never be asked.
    fn check_answering_route(&self, name: &str, index: usize, route: &Route, place: usize) -> Vec<Diagnostic> {
        let index = index.to_string();
        let mut errors = Vec::new();
        if place + 1 < route.plugins.len() {
            let behind = (place + 1).to_string();
            let message = format!("what is behind `{name}` in the chain is never asked: `{name}` {WHAT}");
            let error = self.error_at(&["routes", &index, "plugins", &behind], message);
            errors.push(error.help(format!("put `{name}` last")));
        }
        if route.upstream.is_some() {
            let message = format!("the upstream is never asked: `{name}` {WHAT}");
            let error = self.error_at(&["routes", &index, "upstream"], message);
            errors.push(error.help(format!("remove `upstream`, or `{name}` from the chain")));
        }
        errors
    }
}

/// As a JSON pointer has it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
