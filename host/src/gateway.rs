//! Assembly: from a config on disk to a snapshot that can serve.
//!
//! All or nothing. A snapshot comes out only if every route, upstream and plugin of the config is
//! good; else every error comes out, and whoever asked keeps what they had.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::cache::redis;
use crate::config::model::{self, Component, Config};
use crate::config::{self, Diagnostic, Diagnostics, Document};
use crate::lock::{self, Lock, Pin, Pins};
use crate::plugin::capability::Capability;
use crate::plugin::compile::{Compiler, Priority};
use crate::plugin::fault::LoadError;
use crate::plugin::guest::Linkers;
use crate::plugin::keys::Keyring;
use crate::plugin::load::{self, Loaded};
use crate::plugin::rights::Rights;
use crate::plugin::{Plugin, engine};
use crate::route::Table;
use crate::snapshot::Snapshot;
use crate::state::Stores;
use crate::telemetry::{AccessWriter, metrics};
use crate::upstream::Trust;

include!(concat!(env!("OUT_DIR"), "/built_ins.rs"));

/// What outlives every snapshot: the engine, compiled components, plugins' state, metrics.
pub struct Gateway {
    compiler: Compiler,
    linkers: Linkers,
    stores: Arc<Stores>,
    pub metrics: Arc<metrics::Registry>,
    /// Components of the newest snapshot, by the hash of their bytes.
    components: Mutex<HashMap<ContentHash, Loaded>>,
}

type ContentHash = [u8; 32];

/// A snapshot, and the files it was made of.
#[derive(Debug)]
pub struct Built {
    pub snapshot: Arc<Snapshot>,
    pub files: Vec<PathBuf>,
}

/// What there is to say of a config that is good.
#[derive(Debug)]
pub struct Checked {
    pub config: Config,
    /// In the order of `config.plugins`.
    pub plugins: Vec<Arc<Plugin>>,
    pub warnings: Vec<Diagnostic>,
}

/// Names of the built-in plugins.
pub fn built_ins() -> Vec<&'static str> {
    BUILT_INS.iter().map(|(name, _)| *name).collect()
}

/// The component of a built-in.
pub fn built_in(name: &str) -> Option<&'static [u8]> {
    BUILT_INS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

impl Gateway {
    /// `code_cache` is a private directory for compiled plugins, which children of this process fill.
    /// With `None` this process compiles anew each time.
    pub fn new(code_cache: Option<&Path>, metrics: Arc<metrics::Registry>) -> wasmtime::Result<Self> {
        let engine = engine::start(code_cache)?;
        Ok(Self {
            compiler: Compiler::new(code_cache),
            linkers: Linkers::new(&engine)?,
            stores: Arc::default(),
            metrics,
            components: Mutex::default(),
        })
    }

    /// Builds a snapshot. What did not change since `previous` is taken over from it. Slow where a
    /// plugin has to be compiled, so never to be called on a worker.
    pub async fn build(
        &self,
        path: &Path,
        mode: lock::Mode,
        previous: Option<&Snapshot>,
    ) -> Result<Built, Diagnostics> {
        let config::Loaded { config, document, mut files } = config::load(path, &built_ins())?;
        let failed = |problems| Diagnostics::new(path.to_owned(), problems);
        let trust = trust(&config, &document, previous).map_err(failed)?;
        let pins = Pins::read(path, mode).map_err(|problem| failed(vec![problem]))?;
        let assembly = Assembly::new(self, &config, &document, &pins, previous);
        let Assembled { plugins, warnings } = assembly.plugins().await.map_err(|problems| {
            // What was begun for plugins that came to nothing must not gather.
            if let Some(previous) = previous {
                self.in_force(&previous.config);
            }
            failed(problems)
        })?;
        for warning in warnings {
            tracing::warn!("{}", warning.message);
        }
        files.extend(plugins.iter().flat_map(|plugin| plugin.files_read.paths().cloned()));
        let access = match previous.filter(|previous| previous.config.log.access == config.log.access) {
            Some(previous) => Arc::clone(&previous.access),
            None => AccessWriter::start(&config.log.access, &self.metrics)
                .map(Arc::new)
                .map_err(|error| failed(vec![document.error_at(&["log", "access"], error.to_string())]))?,
        };
        self.in_force(&config);
        let snapshot = Snapshot {
            table: Table::new(&config.routes),
            plugins,
            trust,
            access,
            metrics: self.metrics.clone(),
            live: self.metrics.snapshot(),
            config,
        };
        // Also where there is none yet: one that is written may be what was missing.
        files.push(pins.file().to_owned());
        Ok(Built { snapshot: Arc::new(snapshot), files })
    }

    /// As `build`, without opening anything: what `tollgate check` does.
    pub async fn check(&self, path: &Path, mode: lock::Mode) -> Result<Checked, Diagnostics> {
        let pins = Pins::read(path, mode).map_err(|problem| Diagnostics::new(path.to_owned(), vec![problem]))?;
        self.checked(path, &pins).await
    }

    /// Everything a config names, pinned as it is now: what `tollgate lock` writes.
    pub async fn lock(&self, path: &Path) -> Result<Lock, Diagnostics> {
        let checked = self.checked(path, &Pins::none()).await?;
        let pin = |plugin: &Arc<Plugin>| {
            let pin = Pin { version: plugin.descriptor.version.clone(), sha256: lock::hex(&plugin.content) };
            (plugin.name().to_string(), pin)
        };
        Ok(Lock { plugins: checked.plugins.iter().map(pin).collect() })
    }

    async fn checked(&self, path: &Path, pins: &Pins) -> Result<Checked, Diagnostics> {
        let config::Loaded { config, document, .. } = config::load(path, &built_ins())?;
        let failed = |problems| Diagnostics::new(path.to_owned(), problems);
        trust(&config, &document, None).map_err(failed)?;
        let assembled = Assembly::new(self, &config, &document, pins, None).plugins().await;
        let Assembled { plugins, warnings } = assembled.map_err(failed)?;
        Ok(Checked { config, plugins, warnings })
    }

    /// Loads a component that is nobody's plugin, to look at it. No request waits for it, so it may
    /// compute for as long as it may take: an interpreter's first call is slow on a busy machine.
    pub async fn inspect(&self, bytes: &[u8]) -> Result<Loaded, LoadError> {
        let defaults = model::PluginLimits::default();
        let limits = model::PluginLimits { cpu: defaults.wall, ..defaults };
        let stores = self.stores.of("", &limits);
        let (rights, compile) = (Arc::new(Rights::none(limits, stores)), model::CompileLimits::default());
        self.load(bytes, "", compile, Priority::Waited, rights).await
    }

    async fn load(
        &self,
        bytes: &[u8],
        plugin: &str,
        limits: model::CompileLimits,
        priority: Priority,
        rights: Arc<Rights>,
    ) -> Result<Loaded, LoadError> {
        let component = self.compiler.compile(self.linkers.engine(), bytes, plugin, limits, priority).await?;
        load::load(&self.linkers, &component, self.metrics.component(), rights).await
    }

    /// Drops what plugins had that this config does not name.
    fn in_force(&self, config: &Config) {
        self.stores.commit(config);
        self.metrics.keep_custom(config.plugins.iter().map(|p| (p.name.as_str(), p.grants.metrics.as_slice())));
    }

    /// Shares what plugins cache with other gateways, if the config says so. To be called once, before
    /// anything is served; what is returned ends it.
    ///
    /// # Errors
    /// Where Redis is not usable as it is written. Whether it is there shows later.
    pub fn share_cache(&self, config: &Config) -> Result<Option<redis::Keeper>, String> {
        let Some(shared) = &config.state.cache else { return Ok(None) };
        // Not kept alive by the thread that it keeps going.
        let stores = Arc::downgrade(&self.stores);
        let apply = move |removal: &redis::Removal| {
            if let Some(stores) = stores.upgrade() {
                stores.removed_elsewhere(removal);
            }
        };
        let (shared, keeper) = redis::Shared::start(shared, &config.outbound, apply)?;
        self.stores.share_cache(shared);
        Ok(Some(keeper))
    }

    /// Gives back the memory of what has expired in plugins' stores.
    pub fn sweep(&self) {
        self.stores.sweep();
    }
}

/// Making the plugins of one config.
struct Assembly<'a> {
    gateway: &'a Gateway,
    config: &'a Config,
    document: &'a Document,
    pins: &'a Pins,
    previous: Option<&'a Snapshot>,
    /// Loaded so far.
    components: HashMap<ContentHash, Loaded>,
    warnings: Vec<Diagnostic>,
}

struct Assembled {
    plugins: Vec<Arc<Plugin>>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Assembly<'a> {
    fn new(
        gateway: &'a Gateway,
        config: &'a Config,
        document: &'a Document,
        pins: &'a Pins,
        previous: Option<&'a Snapshot>,
    ) -> Self {
        let warnings = pins.broken().cloned().into_iter().collect();
        Self { gateway, config, document, pins, previous, components: HashMap::new(), warnings }
    }

    async fn plugins(mut self) -> Result<Assembled, Vec<Diagnostic>> {
        let mut plugins = Vec::with_capacity(self.config.plugins.len());
        let mut problems = Vec::new();
        for settings in &self.config.plugins {
            match self.plugin(settings).await {
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

    async fn plugin(&mut self, settings: &model::Plugin) -> Result<Arc<Plugin>, Vec<Diagnostic>> {
        let name = settings.name.as_str();
        let document = self.document;
        let at_use =
            |error: &LoadError| vec![document.error_at(&["plugins", name, "use"], format!("plugin `{name}`: {error}"))];
        let bytes = bytes(&settings.component).map_err(|error| at_use(&error))?;
        let hash: ContentHash = Sha256::digest(&bytes).into();
        self.pinned(name, self.pins.judge_content(name, &hash))?;
        let keys = Keyring::parse(&settings.keys).map_err(|error| vec![bad_key(name, &error, document)])?;
        let gateway = self.gateway;
        let rights = Arc::new(Rights::new(settings, self.config, keys, &gateway.stores, &gateway.metrics));

        let loaded = match self.known_component(&hash) {
            Some(loaded) => Ok(loaded),
            None => self.gateway.load(&bytes, name, self.config.compile, self.priority(), Arc::clone(&rights)).await,
        };
        let loaded = loaded.map_err(|error| at_use(&error))?;
        self.components.insert(hash, loaded.clone());
        self.pinned(name, self.pins.judge_version(name, &loaded.descriptor.version))?;
        let mut problems = if loaded.answers_requests() {
            document.check_answering(name, self.config)
        } else {
            document.check_plugin_config(name, &loaded.descriptor.config_schema)
        };
        problems.extend(missing_grants(&loaded, settings, self.config, document));
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
        plugin.map(Arc::new).map_err(|error| vec![refused_config(name, &error, document)])
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

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

/// Whose certificates are believed: read anew for each snapshot, kept where they are the same.
fn trust(config: &Config, document: &Document, previous: Option<&Snapshot>) -> Result<Option<Trust>, Vec<Diagnostic>> {
    if !config.calls_https() {
        return Ok(None);
    }
    let trust = Trust::load(&config.outbound.trusted_ca)
        .map_err(|problem| vec![document.error_at(&["outbound", "trusted_ca"], problem)])?;
    Ok(Some(trust.or_same(previous.and_then(|previous| previous.trust.as_ref()))))
}

fn bytes(component: &Component) -> Result<std::borrow::Cow<'static, [u8]>, LoadError> {
    match component {
        Component::BuiltIn(name) => built_in(name).map(Into::into).ok_or(LoadError::NotWasm),
        Component::File(path) => load::read(path).map(Into::into),
    }
}

fn bad_key(plugin: &str, error: &LoadError, document: &Document) -> Diagnostic {
    let place = ["plugins", plugin, "keys"];
    match error {
        LoadError::Key { name, problem } => document.error_at(&[&place[..], &[name]].concat(), problem.clone()),
        other => document.error_at(&place, other.to_string()),
    }
}

/// `configure` begins its error with the key that is wrong, by custom: then it is placed there.
fn refused_config(name: &str, error: &LoadError, document: &Document) -> Diagnostic {
    let mut place = vec!["plugins", name, "config"];
    if let LoadError::Configure(problem) = error {
        let end = problem.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(problem.len());
        let (key, rest) = problem.split_at(end);
        place.push(key);
        if !rest.starts_with([':', '.', '[']) || !document.has(&place) {
            place.pop();
        }
    }
    document.error_at(&place, format!("plugin `{name}`: {error}"))
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
