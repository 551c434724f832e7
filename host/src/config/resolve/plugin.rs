//! `[plugins.NAME]`: where its code is, what it may reach, what it may take.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::Resolver;
use super::server::bytes;
use crate::config::document::{child, parent, tokens};
use crate::config::schema::{self, FILE_SCHEMA};
use crate::config::{UnjudgedPlugin, file, model, suggest};
use crate::plugin::files::{FileGrant, Files};
use crate::telemetry::metrics::custom;

/// For a component that no config names, such as one that is inspected.
impl Default for model::PluginLimits {
    fn default() -> Self {
        limits(&file::PluginLimits::default())
    }
}

impl Resolver<'_> {
    pub(super) fn plugin(&mut self, pointer: &str, name: &str, written: file::Plugin) -> Option<model::Plugin> {
        let component = self.component(pointer, name, written.component.as_deref());
        let limits = limits(&written.limits);
        if let Some(component) = component.clone() {
            self.unjudged.push(UnjudgedPlugin { name: name.to_owned(), component, limits: limits.clone() });
        }
        let grants = self.grants(&child(pointer, "grant"), &written.grant);
        let keys = self.keys(&child(pointer, "keys"), &written.keys);
        let secrets = self.plugin_secrets(&child(pointer, "secrets"), &written.secrets);
        if written.limits.chunk.0 == 0 {
            let pointer = child(&child(pointer, "limits"), "chunk");
            self.errors.push(self.document.value_error(&pointer, "a chunk has at least one byte"));
        }
        Some(model::Plugin {
            name: name.to_owned(),
            component: component?,
            config: Value::Object(written.config).to_string(),
            grants: grants?,
            limits,
            isolation: match written.isolation {
                file::Isolation::Shared => model::Isolation::Shared,
                file::Isolation::Fresh => model::Isolation::Fresh,
            },
            on_error: match written.on_error {
                file::OnError::Deny => model::OnError::Deny,
                file::OnError::Skip => model::OnError::Skip,
            },
            keys: keys?,
            secrets: secrets?,
        })
    }

    /// A built-in goes before a file of the same name: dropping a file into the folder must not
    /// replace what the operator runs.
    fn component(&mut self, plugin: &str, name: &str, written: Option<&str>) -> Option<model::Component> {
        if written.is_none() && self.may_misspell_use(plugin) {
            return None;
        }
        let wanted = written.unwrap_or(name);
        let is_file = is_wasm(wanted);
        if !is_file && self.built_ins.contains(&wanted) {
            return Some(model::Component::BuiltIn(wanted.to_owned()));
        }
        let file = self.plugins_dir.join(if is_file { wanted.to_owned() } else { format!("{wanted}.wasm") });
        if file.is_file() {
            return Some(model::Component::File(file));
        }
        let pointer = &child(plugin, "use");
        let shown = self.shown(pointer, wanted);
        let folder = self.plugins_dir.display().to_string();
        let candidates: Vec<String> =
            self.built_ins.iter().map(|&name| name.to_owned()).chain(self.wasm_files()).collect();
        let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
        let near = suggest::nearest(wanted, candidates.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let mut error = if is_file {
            let error =
                self.document.value_error(pointer, format!("there is no file {shown} in the folder `{folder}`"));
            error.help(near.unwrap_or_else(|| "put it there, or change `plugins_dir` in `[server]`".into()))
        } else {
            let error = self
                .document
                .value_error(pointer, format!("{shown} is neither a built-in plugin nor a file in `{folder}`"));
            error.help(near.unwrap_or_else(|| format!("there are {}", suggest::list(candidates))))
        };
        if written.is_none() {
            error = error.help("where there is no `use`, the table's name is the plugin's");
        }
        self.errors.push(error);
        None
    }

    /// Whether a table of this name would have a component.
    pub(super) fn is_component(&self, name: &str) -> bool {
        self.built_ins.contains(&name) || self.plugins_dir.join(format!("{name}.wasm")).is_file()
    }

    /// Whether one of the keys that are wrong in a plugin's table may be its `use`.
    fn may_misspell_use(&self, plugin: &str) -> bool {
        let known = schema::node_at(&FILE_SCHEMA, plugin).map(|node| schema::keys(schema::follow(&FILE_SCHEMA, node)));
        let known = known.unwrap_or_default();
        self.document.broken.iter().filter(|broken| parent(broken) == plugin).any(|broken| {
            let key = tokens(broken).last().unwrap_or_default();
            matches!(suggest::nearest(&key, known.iter().copied()), None | Some("use"))
        })
    }

    /// The names of the files in `plugins_dir`, for suggestions.
    fn wasm_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.plugins_dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| is_wasm(name));
        names.sort();
        names
    }

    fn grants(&mut self, pointer: &str, written: &file::Grant) -> Option<model::Grants> {
        let errors = self.errors.len();
        let mut grants = model::Grants::default();
        self.http_grants(&child(pointer, "http"), &written.http, &mut grants);
        self.forward_grants(&child(pointer, "forward"), &written.forward, &mut grants);
        self.file_grants(&child(pointer, "files"), &written.files, &mut grants);
        self.kv_grants(&child(pointer, "kv"), &written.kv, &mut grants);
        self.route_grants(&child(pointer, "routes"), &written.routes, &mut grants);
        self.metric_grants(&child(pointer, "metrics"), &written.metrics, &mut grants);
        (self.errors.len() == errors).then_some(grants)
    }

    fn http_grants(&mut self, pointer: &str, texts: &[String], grants: &mut model::Grants) {
        for (index, text) in texts.iter().enumerate() {
            let pointer = child(pointer, &index.to_string());
            if text.contains("://*") {
                grants.wildcards.extend(self.wildcard(&pointer, text));
            } else if text.contains("://") {
                grants.origins.extend(self.target(&pointer, text));
            } else {
                grants.upstreams.extend(self.upstream_id(&pointer, text));
            }
        }
    }

    fn forward_grants(&mut self, pointer: &str, names: &[String], grants: &mut model::Grants) {
        for (index, name) in names.iter().enumerate() {
            grants.forward.extend(self.upstream_id(&child(pointer, &index.to_string()), name));
        }
    }

    fn route_grants(&mut self, pointer: &str, names: &[String], grants: &mut model::Grants) {
        for (index, name) in names.iter().enumerate() {
            self.check_route(&child(pointer, &index.to_string()), name);
            grants.routes.push(name.clone());
        }
    }

    fn file_grants(&mut self, pointer: &str, texts: &[String], grants: &mut model::Grants) {
        // The config may be given as a name alone; the system knows no folder without one.
        let folder = self.document.folder.as_path();
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut files = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match FileGrant::parse(text, folder) {
                Ok(grant) => files.push(grant),
                Err(help) => {
                    let pointer = child(pointer, &index.to_string());
                    let shown = self.shown(&pointer, text);
                    self.error_with_help(&pointer, format!("{shown} cannot be granted"), help);
                }
            }
        }
        grants.files = Files::new(files, folder.to_owned());
    }

    fn kv_grants(&mut self, pointer: &str, names: &[String], grants: &mut model::Grants) {
        for (index, name) in names.iter().enumerate() {
            if self.kv.contains(name) {
                grants.kv.push(name.clone());
                continue;
            }
            let pointer = child(pointer, &index.to_string());
            let message = format!("there is no key-value store {}", self.shown(&pointer, name));
            let all: Vec<&str> = self.kv.iter().map(String::as_str).collect();
            let help = if all.is_empty() {
                "add a table `[kv.NAME]`; a plugin's own store needs no grant".into()
            } else {
                suggest::help(name, &all, "stores in this config")
            };
            self.error_with_help(&pointer, message, help);
        }
    }

    fn metric_grants(&mut self, pointer: &str, names: &[String], grants: &mut model::Grants) {
        for (index, name) in names.iter().enumerate() {
            let pointer = child(pointer, &index.to_string());
            match custom::check_name(name) {
                Ok(()) => grants.metrics.push(name.clone()),
                Err(help) => {
                    let shown = self.shown(&pointer, name);
                    self.error_with_help(&pointer, format!("{shown} cannot be the name of a metric"), help);
                }
            }
        }
    }

    fn keys(&mut self, pointer: &str, written: &BTreeMap<String, file::Key>) -> Option<BTreeMap<String, model::Key>> {
        let mut keys = BTreeMap::new();
        for (name, key) in written {
            let pointer = child(pointer, name);
            self.check_name(&pointer, name);
            if let Some(key) = self.key(&pointer, key) {
                keys.insert(name.clone(), key);
            }
        }
        (keys.len() == written.len()).then_some(keys)
    }

    fn plugin_secrets(
        &mut self,
        pointer: &str,
        written: &BTreeMap<String, file::PluginSecret>,
    ) -> Option<BTreeMap<String, model::Secret>> {
        let mut secrets = BTreeMap::new();
        for (name, secret) in written {
            let pointer = child(pointer, name);
            self.check_name(&pointer, name);
            if let Some(secret) = self.plugin_secret(&pointer, secret) {
                secrets.insert(name.clone(), secret);
            }
        }
        (secrets.len() == written.len()).then_some(secrets)
    }
}

fn is_wasm(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "wasm")
}

fn limits(written: &file::PluginLimits) -> model::PluginLimits {
    model::PluginLimits {
        cpu: written.cpu.0,
        wall: written.wall.0,
        memory: bytes(written.memory),
        table_elements: written.table_elements,
        instances: written.instances,
        queue: written.queue,
        completions: written.completions,
        interval: written.interval.0,
        uses: written.uses,
        idle_for: written.idle_for.0,
        body: written.body.0,
        chunk: bytes(written.chunk),
        calls: written.calls,
        host_call: bytes(written.host_call),
        log_lines: written.log_lines,
        metric_series: written.metric_series,
        metric_updates: written.metric_updates,
        file: written.file.0,
        kv_keys: written.kv_keys,
        kv_bytes: bytes(written.kv_bytes),
        rate_keys: written.rate_keys,
        cache_bytes: bytes(written.cache_bytes),
        cache_object: bytes(written.cache_object),
        cache_waiting: written.cache_waiting,
    }
}
