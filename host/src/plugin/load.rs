//! From bytes to a plugin: have it compiled, link, look at what is exported, ask it to describe itself.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bindings::exports::tollgate::plugin as exports;
use super::capability::{self, Capability};
use super::explain::explained;
use super::fault::LoadError;
use super::files::ReadFiles;
use super::guest::{Code, Linkers, Pre};
use super::instance::Instance;
use super::rights::Rights;
use super::{Descriptor, Plugin, wasi_http};
use crate::config::model::{self, Isolation};
use crate::plain;
use crate::telemetry::metrics::Live;

/// Largest plugin file, in bytes. A JavaScript engine has 12 MiB, Python 18.
pub const MAX_FILE: u64 = 128 << 20;
/// Largest `config-schema`, in bytes.
const MAX_SCHEMA: usize = 256 << 10;
/// Between two calls of `on-interval`, whatever `limits.interval` allows.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// A component that could be linked: not yet anybody's plugin.
#[derive(Clone)]
pub struct Loaded {
    pre: Pre,
    /// The compiled code is in memory for as long as this is.
    live: Arc<Live>,
    pub descriptor: Descriptor,
    /// Interfaces it imports, by name.
    pub imports: Vec<String>,
    /// Interfaces it exports, by name.
    pub exports: Vec<String>,
}

/// Reads a plugin's file, which must not be larger than [`MAX_FILE`].
pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error| LoadError::Unreadable { path: path.display().to_string(), error };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(LoadError::TooLarge { bytes: bytes.len() as u64, limit: MAX_FILE });
    }
    Ok(bytes)
}

/// Links a component and asks it what it is. Never to be called on a worker: an interpreter takes a
/// while to describe itself.
pub(crate) async fn load(
    linkers: &Linkers,
    code: &Code<'_>,
    live: Live,
    rights: Arc<Rights>,
) -> Result<Loaded, LoadError> {
    let (imports, exports) = code.interfaces();
    let answers = wasi_http::version(&exports);
    let pre = linkers.link(code, answers)?;
    let descriptor = if let Some(version) = answers {
        wasi_http::descriptor(version, &imports)
    } else {
        if !pre.hooks().any() {
            return Err(LoadError::Export("none of request-filter, response-filter, body-filter, completion and background of tollgate:plugin@0.1.0 is exported, so it could never be called".into()));
        }
        describe(&pre, rights).await?
    };
    Ok(Loaded { pre, live: Arc::new(live), descriptor, imports, exports })
}

impl Loaded {
    /// Whether it is asked in place of an upstream.
    pub fn answers_requests(&self) -> bool {
        self.pre.hooks().handler
    }

    /// Whether its module is called directly.
    pub fn is_plain(&self) -> bool {
        matches!(self.pre, Pre::Module(_))
    }

    /// Makes it the plugin of a `[plugins.NAME]` table, and tries its configuration on an instance.
    pub async fn configure(
        &self,
        settings: &model::Plugin,
        rights: Arc<Rights>,
        content: [u8; 32],
        fingerprint: [u8; 32],
    ) -> Result<Plugin, LoadError> {
        let mut plugin = Plugin {
            rights,
            descriptor: self.descriptor.clone(),
            // `wasi:http` is made for an instance of its own for each request.
            isolation: if self.answers_requests() { Isolation::Fresh } else { settings.isolation },
            on_error: settings.on_error,
            config: settings.config.clone(),
            pre: self.pre.clone(),
            live: Arc::clone(&self.live),
            hooks: self.pre.hooks(),
            content,
            interval: None,
            fingerprint,
            files_read: ReadFiles::default(),
        };
        let mut tried = Instance::configured(&plugin).await?;
        let told = tried.told();
        plugin.hooks = plugin.hooks.without(told);
        let every = told.every.filter(|_| plugin.hooks.background);
        plugin.interval = every.map(|every| every.max(plugin.rights.limits.interval).max(SHORTEST_INTERVAL));
        plugin.files_read = tried.files_read();
        Ok(plugin)
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("descriptor", &self.descriptor).finish_non_exhaustive()
    }
}

async fn describe(pre: &Pre, rights: Arc<Rights>) -> Result<Descriptor, LoadError> {
    let wall = rights.limits.wall;
    let described = async {
        let mut instance = Instance::bare(pre, rights).await?;
        instance.describe().await
    };
    let described = tokio::time::timeout(wall, described).await;
    let described = described.map_err(|_| LoadError::Describe("took longer than limits.wall allows".into()))?;
    let told = described.map_err(|error| LoadError::Describe(explained(&error)))?;
    check(&told).map_err(LoadError::Describe)?;
    Ok(Descriptor {
        name: told.name,
        version: told.version,
        summary: plain::line(&told.summary).into_owned(),
        config_schema: told.config_schema,
        wants: told.wants.into_iter().map(|want| (want.capability, plain::line(&want.reason).into_owned())).collect(),
        may_call: false,
    })
}

/// A descriptor is shown to people and used in names, so it may not be just anything.
fn check(told: &exports::lifecycle::Descriptor) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if told.name.is_empty() || told.name.len() > 64 || !told.name.chars().all(plain) {
        return Err(format!("the name {:?} is not 1 to 64 lower-case letters, digits and `-`", shown(&told.name)));
    }
    if let Err(problem) = semver::Version::parse(&told.version) {
        return Err(format!("the version {:?} is not semver (as 1.2.3 is): {problem}", shown(&told.version)));
    }
    if told.version.len() > 64 || told.wants.len() > 16 {
        return Err("version (64 bytes) or wants (16) is too long".into());
    }
    let mut lines = told.wants.iter().map(|want| &want.reason).chain([&told.summary]);
    if let Some(line) = lines.find(|line| line.len() > 1024 || line.chars().any(char::is_control)) {
        return Err(format!("not one line of at most 1024 bytes: {:?}", shown(line)));
    }
    if told.config_schema.len() > MAX_SCHEMA {
        return Err(format!(
            "the config schema has {} bytes; at most {MAX_SCHEMA} are allowed",
            told.config_schema.len()
        ));
    }
    match told.wants.iter().find(|want| Capability::named(&want.capability).is_none()) {
        Some(want) => {
            Err(format!("wants {:?}; what can be granted is {}", shown(&want.capability), capability::all_names()))
        }
        None => Ok(()),
    }
}

/// As much of a guest's text as an error has room for.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}
