//! The config file as it is written: a mirror of its tables, keys and defaults.
//!
//! The doc comments become the schema's descriptions, which editors show and `docs/config.md`
//! repeats. No `flatten` and no `untagged`: their errors name no key. Names are still names here;
//! `resolve` turns them into indices.

mod plugin;
mod route;
mod shared_cache;
mod upstream;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::one_or_many::OneOrMany;
use super::units::{Size, Time};

pub(crate) use plugin::{Algorithm, Grant, Isolation, Key, KeyUse, OnError, Plugin, PluginLimits, PluginSecret};
pub(crate) use route::{Condition, Route};
pub(crate) use shared_cache::SharedCache;
pub(crate) use upstream::{Balance, Upstream};

/// The configuration of a Tollgate gateway.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(title = "Tollgate configuration")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// Where the gateway listens and what clients may take.
    pub server: Server,
    /// What is logged, and where to.
    pub log: Log,
    /// How a changed file becomes known.
    pub reload: Reload,
    /// What compiling a plugin may take.
    pub compile: Compile,
    /// Where counters and stored values live.
    pub state: State,
    /// The connections the gateway opens: to upstreams and to the origins plugins call.
    pub outbound: Outbound,
    /// Values that come from the environment or from files, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Key-value stores that plugins share, by name.
    pub kv: BTreeMap<String, KvNamespace>,
    /// The services behind the gateway, by name.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Configured plugins, by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// Which requests go through which plugins to which upstream.
    pub routes: Vec<Route>,
}

/// Where the gateway listens and what clients may take.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Address and port for clients, or a list of them.
    #[schemars(example = &"0.0.0.0:8080")]
    pub listen: OneOrMany,
    /// Address and port for operators (health, metrics, API), or `off`.
    #[schemars(example = &"127.0.0.1:9901")]
    pub admin: String,
    /// Data-plane threads; one for each core where it is not given.
    #[schemars(with = "usize", range(min = 1, max = 1024), example = 4)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// Folder in which `FILE.wasm` is looked up, relative to the config file.
    pub plugins_dir: String,
    /// How long open requests may go on after TERM.
    pub drain: Time,
    /// Whether `//` in a request's path is `/`, for routes and upstreams.
    pub merge_slashes: bool,
    /// What one client may take, and all plugins together.
    pub limits: ServerLimits,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: OneOrMany(vec!["0.0.0.0:8080".into()]),
            admin: "127.0.0.1:9901".into(),
            workers: None,
            plugins_dir: "plugins".into(),
            drain: secs(30),
            merge_slashes: true,
            limits: ServerLimits::default(),
        }
    }
}

/// What one client may take, and all plugins together.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerLimits {
    /// Open client connections of the whole gateway; more wait in the kernel's queue.
    #[schemars(range(min = 1))]
    pub connections: usize,
    /// Largest request head: request line and header fields.
    pub head: Size,
    /// Most header fields of a request.
    #[schemars(range(min = 1, max = 10_000))]
    pub header_count: usize,
    /// Largest request body; a route's `body_limit` goes before it.
    pub body: Size,
    /// Calls of plugins inside of calls of plugins: through routes, or back to the gateway over the network.
    #[schemars(range(max = 32))]
    pub depth: u32,
    /// From the connection, or the last answer, to the whole request head.
    pub head_timeout: Time,
    /// Longest pause while a body is read from or written to the client.
    pub idle_timeout: Time,
    /// Plugins' hooks of each worker that take turns after 2 ms of CPU time; more of them wait.
    #[schemars(range(min = 1, max = 4096))]
    pub long_hooks: usize,
    /// Such hooks of each worker that may wait; one more is answered with 503.
    pub long_hooks_queue: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            head: Size(32 << 10),
            header_count: 100,
            body: Size(10 << 20),
            depth: 4,
            head_timeout: secs(10),
            idle_timeout: secs(60),
            long_hooks: 16,
            long_hooks_queue: 256,
        }
    }
}

/// What is logged, and where to.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Access lines, one JSON object for each request: `off`, `stdout`, or a file's path.
    #[schemars(example = &"stdout")]
    pub access: String,
    /// How much the gateway says about itself.
    pub level: Level,
}

impl Default for Log {
    fn default() -> Self {
        Self { access: "stdout".into(), level: Level::Info }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// How a changed file becomes known.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reload {
    /// `events` of the kernel; `poll` where there are none (NFS, some bind mounts); `off` for HUP alone.
    pub watch: Watch,
    /// How often files are looked at with `poll`.
    pub poll_interval: Time,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: Watch::Events, poll_interval: secs(2) }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Watch {
    Events,
    Poll,
    Off,
}

/// What compiling a plugin may take. It happens in a process of its own, once for each version.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compile {
    /// Memory of the process that compiles.
    pub memory: Size,
    /// How long it may take.
    pub timeout: Time,
}

impl Default for Compile {
    fn default() -> Self {
        Self { memory: Size(2 << 30), timeout: secs(300) }
    }
}

/// Where counters and stored values live.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct State {
    /// Of `kv` and rate counters. Only `memory`: each gateway has its own, lost when it stops.
    pub backend: Backend,
    /// What several gateways share of what plugins cache; nothing without it.
    #[schemars(with = "SharedCache")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<SharedCache>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Backend {
    #[default]
    Memory,
}

/// The connections the gateway opens: to upstreams and to the origins plugins call.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outbound {
    /// Files in PEM with certificate authorities to trust besides the system's, relative to the config file.
    #[schemars(example = &"internal-ca.pem")]
    pub trusted_ca: OneOrMany,
}

/// A value kept out of the config: exactly one of the keys.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Secret {
    /// Name of the environment variable that holds the value.
    #[schemars(with = "String", example = &"JWT_SECRET")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// File that holds the value, relative to the config file. One newline at its end is dropped.
    #[schemars(with = "String", example = &"/run/secrets/jwt")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A key-value store for the plugins it is granted to.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KvNamespace {
    /// Most keys in it.
    pub keys: usize,
    /// Most bytes of keys and values in it.
    pub bytes: Size,
}

impl Default for KvNamespace {
    fn default() -> Self {
        Self { keys: 10_000, bytes: Size(16 << 20) }
    }
}

fn secs(seconds: u64) -> Time {
    Time(Duration::from_secs(seconds))
}
