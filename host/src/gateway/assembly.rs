//! From what a config says of its plugins to plugins: their components are loaded, what is written for
//! them is judged, and they are configured.

mod refused_config;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{ContentHash, Gateway, built_in};
use crate::config::model::{self, Component, Config};
use crate::config::{Diagnostic, Document, Refused, UnjudgedPlugin};
use crate::lock::{self, Pins};
use crate::plugin::Plugin;
use crate::plugin::capability::Capability;
use crate::plugin::compile::Priority;
use crate::plugin::fault::LoadError;
use crate::plugin::keys::Keyring;
use crate::plugin::load::{self, Loaded};
use crate::plugin::rights::Rights;
use crate::snapshot::Snapshot;

/// Making the plugins of one config.
pub(super) struct Assembly<'a> {
    gateway: &'a Gateway,
    document: &'a Document,
    pins: &'a Pins,
    previous: Option<&'a Snapshot>,
    /// Loaded so far.
    components: HashMap<ContentHash, Loaded>,
    warnings: Vec<Diagnostic>,
}

/// The plugins of a config that is good.
pub(super) struct Assembled {
    /// In the order of the config.
    pub plugins: Vec<Arc<Plugin>>,
    pub warnings: Vec<Diagnostic>,
}

/// A component to load: bytes, and what its plugin is.
struct Wanted<'a> {
    plugin: &'a str,
    bytes: &'a [u8],
    hash: ContentHash,
    compile: model::CompileLimits,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        document: &'a Document,
        pins: &'a Pins,
        previous: Option<&'a Snapshot>,
    ) -> Self {
        let warnings = pins.broken().cloned().into_iter().collect();
        Self { gateway, document, pins, previous, components: HashMap::new(), warnings }
    }

    /// Every plugin, or everything that is wrong with them.
    pub(super) async fn plugins(mut self, config: &Config) -> Result<Assembled, Vec<Diagnostic>> {
        let mut plugins = Vec::with_capacity(config.plugins.len());
        let mut problems = Vec::new();
        for settings in &config.plugins {
            match self.plugin(settings, config).await {
                Ok(plugin) => plugins.push(plugin),
                Err(more) => problems.extend(more),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        *self.gateway.components.lock().unwrap_or_else(PoisonError::into_inner) = self.components;
        Ok(Assembled { plugins, warnings: self.warnings })
    }

    /// What more there is to say of a config with errors: what its plugins say of their own tables.
    pub(super) async fn problems(mut self, refused: &Refused) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for plugin in &refused.plugins {
            problems.extend(self.judge_config(plugin, refused.compile).await);
        }
        problems
    }

    async fn plugin(&mut self, settings: &model::Plugin, config: &Config) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        let name = settings.name.as_str();
        let document = self.document;
        let (bytes, hash) = self.bytes(name, &settings.component)?;
        let keys = match Keyring::parse(&settings.keys) {
            Ok(keys) => keys,
            Err(bad) => {
                let bad_key =
                    |(key, problem): (String, String)| document.error_at(&["plugins", name, "keys", &key], problem);
                let more = self.judge_config(&UnjudgedPlugin::from(settings), config.compile).await;
                return Err(bad.into_iter().map(bad_key).chain(more).collect());
            }
        };
        let gateway = self.gateway;
        let rights = Arc::new(Rights::new(settings, config, keys, &gateway.stores, &gateway.metrics));

        let wanted = Wanted { plugin: name, bytes: &bytes, hash, compile: config.compile };
        let loaded = self.component(&wanted, Arc::clone(&rights)).await?;
        let mut problems = if loaded.answers_requests() {
            document.check_answering(name, config)
        } else {
            document.check_plugin_config(name, &loaded.descriptor.config_schema)
        };
        problems.extend(missing_grants(&loaded, settings, config, document));
        if !problems.is_empty() {
            return Err(problems);
        }
        let fingerprint = fingerprint(&hash, settings, &rights);
        let same = |plugin: &&Arc<Plugin>| {
            plugin.fingerprint == fingerprint && plugin.files_read.are_unchanged(&rights.files, rights.limits.file)
        };
        if let Some(known) = self.previous.and_then(|previous| previous.plugins.iter().find(same)) {
            return Ok(Arc::clone(known));
        }
        let plugin = loaded.configure(settings, rights, hash, fingerprint).await;
        plugin.map(Arc::new).map_err(|error| refused_config::diagnostics(name, &error, document))
    }

    /// What a plugin's schema says of its `config`. It is described without any rights, and not configured.
    async fn judge_config(&mut self, plugin: &UnjudgedPlugin, compile: model::CompileLimits) -> Vec<Diagnostic> {
        match self.unjudged(plugin, compile).await {
            // What stands around it is judged with the routes, which are not all known.
            Ok(loaded) if loaded.answers_requests() => Vec::new(),
            Ok(loaded) => self.document.check_plugin_config(&plugin.name, &loaded.descriptor.config_schema),
            Err(problems) => problems,
        }
    }

    async fn unjudged(
        &mut self,
        plugin: &UnjudgedPlugin,
        compile: model::CompileLimits,
    ) -> Result<Loaded, Vec<Diagnostic>> {
        let (bytes, hash) = self.bytes(&plugin.name, &plugin.component)?;
        let stores = self.gateway.stores.of("", &plugin.limits);
        let rights = Arc::new(Rights::none(plugin.limits.clone(), stores));
        self.component(&Wanted { plugin: &plugin.name, bytes: &bytes, hash, compile }, rights).await
    }

    /// The bytes of a component, if they may be used, and their hash.
    fn bytes(
        &mut self,
        plugin: &str,
        component: &Component,
    ) -> Result<(Cow<'static, [u8]>, ContentHash), Vec<Diagnostic>> {
        let bytes = bytes(component).map_err(|error| self.cannot_use(plugin, &error))?;
        let hash: ContentHash = Sha256::digest(&bytes).into();
        self.pinned(plugin, self.pins.judge_content(plugin, &hash))?;
        Ok((bytes, hash))
    }

    /// Compiles and describes a component, or finds it as it was.
    async fn component(&mut self, wanted: &Wanted<'_>, rights: Arc<Rights>) -> Result<Loaded, Vec<Diagnostic>> {
        let &Wanted { plugin, bytes, hash, compile } = wanted;
        let loaded = match self.known_component(&hash) {
            Some(loaded) => Ok(loaded),
            None => self.gateway.load(bytes, plugin, compile, self.priority(), rights).await,
        };
        let loaded = loaded.map_err(|error| self.cannot_use(plugin, &error))?;
        self.components.insert(hash, loaded.clone());
        self.pinned(plugin, self.pins.judge_version(plugin, &loaded.descriptor.version))?;
        Ok(loaded)
    }

    fn cannot_use(&self, plugin: &str, error: &LoadError) -> Vec<Diagnostic> {
        let text = format!("plugin `{plugin}`: {error}");
        // Where it is a limit that the config sets, that is the line to change.
        let limit = text.strip_suffix(')').and_then(|text| text.rsplit_once("(limits.")).map(|(_, limit)| limit);
        let place = match limit {
            Some(limit) if self.document.has(&["plugins", plugin, "limits", limit]) => &["limits", limit][..],
            _ => &["use"],
        };
        vec![self.document.error_at(&[&["plugins", plugin], place].concat(), text.clone())]
    }

    fn priority(&self) -> Priority {
        if self.previous.is_some() { Priority::Background } else { Priority::Waited }
    }

    /// An error or a warning, where a plugin is not the one that is pinned.
    fn pinned(&mut self, plugin: &str, judged: Option<(String, String)>) -> Result<(), Vec<Diagnostic>> {
        let Some((message, help)) = judged else { return Ok(()) };
        let diagnostic = self.document.error_at(&["plugins", plugin, "use"], message).help(help);
        match self.pins.mode() {
            lock::Mode::Enforce => Err(vec![diagnostic]),
            lock::Mode::Warn => {
                self.warnings.push(diagnostic);
                Ok(())
            }
        }
    }

    fn known_component(&self, hash: &ContentHash) -> Option<Loaded> {
        let known = self.gateway.components.lock().unwrap_or_else(PoisonError::into_inner);
        self.components.get(hash).or_else(|| known.get(hash)).cloned()
    }
}

fn bytes(component: &Component) -> Result<Cow<'static, [u8]>, LoadError> {
    match component {
        Component::BuiltIn(name) => built_in(name).map(Into::into).ok_or(LoadError::NotWasm),
        Component::File(path) => load::read(path).map(Into::into),
    }
}

/// A plugin that wants what it was not granted would fail at its first request.
fn missing_grants(loaded: &Loaded, settings: &model::Plugin, config: &Config, document: &Document) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let name = settings.name.as_str();
    for (wanted, reason) in &loaded.descriptor.wants {
        let Some(capability) = Capability::named(wanted) else { continue };
        if capability.granted(settings, &config.upstreams).is_empty() {
            let text = format!("plugin `{name}` wants `{wanted}` and is granted none of it: {reason}");
            problems.push(document.error_at(&["plugins", name], text).help(capability.advice(name)));
        }
    }
    problems
}

/// Equal for two plugins that would behave the same: same bytes, settings, grants and keys.
fn fingerprint(content: &ContentHash, settings: &model::Plugin, rights: &Rights) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(content);
    hash.update(format!(
        "{:?}",
        (&settings.name, &settings.config, &settings.limits, settings.isolation, settings.on_error)
    ));
    hash.update(format!(
        "{:?}",
        (&rights.upstreams, &rights.origins, &rights.wildcards, &rights.routes, &rights.forward)
    ));
    hash.update(format!("{:?}", (&settings.grants.kv, &settings.grants.metrics, &rights.files)));
    for (name, key) in &settings.keys {
        let material = key.material.bytes();
        hash.update(format!("{name:?}{:?}{}{}", key.algorithm, key.may_sign, material.len()));
        hash.update(material);
    }
    for (name, secret) in &settings.secrets {
        hash.update(format!("{name:?}{}", secret.0.len()));
        hash.update(&secret.0);
    }
    hash.finalize().into()
}
