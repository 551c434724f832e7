//! Assembly: from a config on disk to a snapshot that can serve.
//!
//! All or nothing. A snapshot comes out only if every route, upstream and plugin of the config is
//! good; else every error comes out, and whoever asked keeps what they had.

mod assembly;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use assembly::{Assembled, Assembly};

use crate::cache::redis;
use crate::config::model::{self, Config};
use crate::config::{self, Diagnostic, Diagnostics, Document};
use crate::lock::{self, Lock, Pin, Pins};
use crate::plugin::compile::{Compiler, Priority};
use crate::plugin::fault::LoadError;
use crate::plugin::guest::Linkers;
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

/// A config that is good, and what was made of it.
struct Good {
    config: Config,
    document: Document,
    files: Vec<PathBuf>,
    trust: Option<Trust>,
    pins: Pins,
    plugins: Vec<Arc<Plugin>>,
    warnings: Vec<Diagnostic>,
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
        let good = self.good(path, Pins::read(path, mode), previous).await.inspect_err(|_| {
            // What was begun for plugins that came to nothing must not gather.
            if let Some(previous) = previous {
                self.in_force(&previous.config);
            }
        })?;
        let Good { config, document, mut files, trust, pins, plugins, warnings } = good;
        for warning in warnings {
            tracing::warn!("{}", warning.message);
        }
        files.extend(plugins.iter().flat_map(|plugin| plugin.files_read.paths().cloned()));
        let access = match previous.filter(|previous| previous.config.log.access == config.log.access) {
            Some(previous) => Arc::clone(&previous.access),
            None => AccessWriter::start(&config.log.access, &self.metrics)
                .map(Arc::new)
                .map_err(|error| document.error_at(&["log", "access"], format!("cannot open the access log: {error}")))
                .map_err(|problem| Diagnostics::new(path.to_owned(), vec![problem]))?,
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
        self.good(path, Pins::read(path, mode), None).await.map(Checked::from)
    }

    /// Everything a config names, pinned as it is now: what `tollgate lock` writes.
    pub async fn lock(&self, path: &Path) -> Result<Lock, Diagnostics> {
        let good = self.good(path, Ok(Pins::none()), None).await?;
        let pin = |plugin: &Arc<Plugin>| {
            let pin = Pin { version: plugin.descriptor.version.clone(), sha256: lock::hex(&plugin.content) };
            (plugin.name().to_string(), pin)
        };
        Ok(Lock { plugins: good.plugins.iter().map(pin).collect() })
    }

    /// A config and all that is made of it, or every error in them: one that is found early hides none that
    /// would be found later.
    async fn good(
        &self,
        path: &Path,
        pins: Result<Pins, Diagnostic>,
        previous: Option<&Snapshot>,
    ) -> Result<Good, Diagnostics> {
        let failed = |problems| Diagnostics::new(path.to_owned(), problems);
        let examined = config::examine(path, &built_ins());
        let pins = match pins {
            Ok(pins) => pins,
            // No plugin may be loaded.
            Err(problem) => {
                let problems = examined.err().map_or_else(Vec::new, |refused| refused.errors.all);
                return Err(failed([problems, vec![problem]].concat()));
            }
        };
        let config::Loaded { config, document, mut warnings, files } = match examined {
            Ok(loaded) => loaded,
            Err(refused) => {
                let more = Assembly::new(self, &refused.document, &pins, previous).problems(&refused).await;
                return Err(failed([refused.errors.all, more].concat()));
            }
        };
        let trust = trust(&config, &document, previous);
        let assembled = Assembly::new(self, &document, &pins, previous).plugins(&config).await;
        match (trust, assembled) {
            (Ok(trust), Ok(Assembled { plugins, warnings: more })) => {
                warnings.extend(more);
                Ok(Good { config, document, files, trust, pins, plugins, warnings })
            }
            (trust, assembled) => {
                Err(failed([trust.err().unwrap_or_default(), assembled.err().unwrap_or_default()].concat()))
            }
        }
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

impl From<Good> for Checked {
    fn from(Good { config, plugins, warnings, .. }: Good) -> Self {
        Self { config, plugins, warnings }
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
