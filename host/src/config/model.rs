//! The resolved configuration: what the gateway runs on.
//!
//! Everything here is valid by construction. Names have become indices, strings with units have
//! become [`Duration`]s and byte counts, defaults are filled in. Only `resolve` makes these, from
//! the file as written (`file`). Absent on purpose: anything about TOML, spans or wording.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::plugin::files::Files;

mod key;
mod shared_cache;
mod target;

pub use key::{Algorithm, Key, KeyMaterial, Secret};
pub use shared_cache::{RedisServer, SharedCache};
pub use target::{Scheme, Target, Wildcard};

/// A whole configuration, of one version.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub log: Log,
    pub reload: Reload,
    pub compile: CompileLimits,
    pub state: State,
    pub kv: Vec<KvNamespace>,
    /// Indexed by [`UpstreamId`].
    pub upstreams: Vec<Upstream>,
    /// Indexed by [`PluginId`].
    pub plugins: Vec<Plugin>,
    /// In the order of the file.
    pub routes: Vec<Route>,
    pub outbound: Outbound,
}

/// `[state]`
#[derive(Debug, Clone, Default)]
pub struct State {
    /// `None`: nothing is shared with other gateways.
    pub cache: Option<SharedCache>,
}

/// `[outbound]`: the connections the gateway opens.
#[derive(Debug, Clone, Default)]
pub struct Outbound {
    /// Certificate authorities to trust besides the system's.
    pub trusted_ca: Vec<CertificateDer<'static>>,
}

/// Index into [`Config::upstreams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UpstreamId(pub usize);

/// Index into [`Config::plugins`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PluginId(pub usize);

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// At least one.
    pub listen: Vec<SocketAddr>,
    /// `None` for no admin listener (`admin = "off"`).
    pub admin: Option<SocketAddr>,
    /// Data-plane threads, at least 1.
    pub workers: usize,
    /// Where `FILE.wasm` is looked up; absolute, or relative to the working directory.
    pub plugins_dir: PathBuf,
    /// How long open requests may go on after TERM.
    pub drain: Duration,
    /// Whether several slashes of a path are one.
    pub merge_slashes: bool,
    pub limits: ServerLimits,
}

/// `[server.limits]`: what one client may take, and all plugins together.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Open connections for the whole gateway; more wait in the kernel's queue.
    pub connections: usize,
    /// Request head (request line and fields) in bytes.
    pub head: usize,
    /// Header fields of a request.
    pub header_count: usize,
    /// Request body in bytes; a route may say otherwise.
    pub body: u64,
    /// Calls of plugins inside of calls of plugins.
    pub depth: u32,
    /// From the connection, or the last answer, to the whole head.
    pub head_timeout: Duration,
    /// Longest pause while a body is read from or written to the client.
    pub idle_timeout: Duration,
    /// Hooks of one worker that take turns to compute for long.
    pub long_hooks: usize,
    /// Hooks of one worker that may wait to take part in that.
    pub long_hooks_queue: usize,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    pub access: Access,
    /// For operators' lines: `error`, `warn`, `info`, `debug`.
    pub level: tracing::Level,
}

/// `[reload]`
#[derive(Debug, Clone)]
pub struct Reload {
    pub watch: WatchMode,
    /// How often files are looked at with [`WatchMode::Poll`].
    pub poll_interval: Duration,
}

/// How a changed file becomes known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchMode {
    Events,
    Poll,
    Off,
}

/// `[compile]`: what compiling one component may take.
#[derive(Debug, Clone, Copy)]
pub struct CompileLimits {
    /// Bytes.
    pub memory: u64,
    pub timeout: Duration,
}

/// Where access lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Off,
    Stdout,
    File(PathBuf),
}

/// `[kv.NAME]`
#[derive(Debug, Clone)]
pub struct KvNamespace {
    pub name: String,
    /// Keys in it.
    pub keys: usize,
    /// Bytes of keys and values in it.
    pub bytes: usize,
}

/// `[upstreams.NAME]`
#[derive(Debug, Clone)]
pub struct Upstream {
    pub name: String,
    /// At least one.
    pub targets: Vec<Target>,
    pub balance: Balance,
    pub timeouts: UpstreamTimeouts,
    pub ejection: Ejection,
    /// Idle keep-alive connections kept to each target by each worker.
    pub idle_connections: usize,
    /// How long such a connection is kept.
    pub idle_for: Duration,
    /// Further targets tried where one could not be reached and nothing of the request was sent.
    pub connect_retries: u32,
    /// Whether interim answers (1xx) are passed on.
    pub interim: bool,
}

impl Config {
    /// Whether any upstream or plugin calls `https`.
    pub fn calls_https(&self) -> bool {
        let upstreams = self.upstreams.iter().flat_map(|upstream| &upstream.targets);
        let origins = self.plugins.iter().flat_map(|plugin| &plugin.grants.origins);
        let wildcards = self.plugins.iter().flat_map(|plugin| &plugin.grants.wildcards);
        upstreams
            .chain(origins)
            .map(|target| target.scheme)
            .chain(wildcards.map(|wildcard| wildcard.scheme))
            .any(|scheme| scheme == Scheme::Https)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    RoundRobin,
    LeastRequest,
}

/// Each is a limit on one call to a target.
#[derive(Debug, Clone)]
pub struct UpstreamTimeouts {
    /// Until the connection is there, TLS included.
    pub connect: Duration,
    /// From the request's last byte to the head of the answer.
    pub first_byte: Duration,
    /// Longest pause between two pieces of the answer's body.
    pub idle: Duration,
    /// From the first byte of the request to the last of the answer.
    pub total: Duration,
}

/// Passive ejection: a target that fails is left out for a while.
#[derive(Debug, Clone)]
pub struct Ejection {
    /// Consecutive failures (no connection, broken or late answer head) after which a target is left out.
    pub failures: u32,
    /// For how long.
    pub duration: Duration,
}

/// `[plugins.NAME]`
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The table's name.
    pub name: String,
    pub component: Component,
    /// The `config` table as JSON text: what `configure` gets. `{}` where there is none.
    pub config: String,
    pub grants: Grants,
    pub limits: PluginLimits,
    pub isolation: Isolation,
    pub on_error: OnError,
    /// For the `crypto` interface, by name.
    pub keys: BTreeMap<String, Key>,
    /// For the `secrets` interface, by name.
    pub secrets: BTreeMap<String, Secret>,
}

/// Where a plugin's code is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Component {
    /// A built-in of this name.
    BuiltIn(String),
    /// A file, already joined to `plugins_dir`.
    File(PathBuf),
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn(name) => write!(f, "built-in {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a plugin may reach. Empty by default.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    pub upstreams: Vec<UpstreamId>,
    pub origins: Vec<Target>,
    /// Upstreams it may send a route's requests to.
    pub forward: Vec<UpstreamId>,
    /// Files it may read.
    pub files: Files,
    /// Shared key-value stores it may use, by name.
    pub kv: Vec<String>,
    /// Metrics of its own it may write.
    pub metrics: Vec<String>,
    pub wildcards: Vec<Wildcard>,
    /// By name; each is the name of exactly one.
    pub routes: Vec<String>,
}

/// `[plugins.NAME.limits]`
#[derive(Debug, Clone)]
pub struct PluginLimits {
    /// CPU time of one hook. Waiting in the host does not count.
    pub cpu: Duration,
    /// Wall time of one hook.
    pub wall: Duration,
    /// Linear memory of one instance, in bytes.
    pub memory: usize,
    /// Elements in one instance's tables together.
    pub table_elements: usize,
    /// Instances of one worker.
    pub instances: usize,
    /// Hooks of one worker that may wait for an instance.
    pub queue: usize,
    /// `on-complete` hooks of one worker that may wait to be run.
    pub completions: usize,
    /// Shortest time between two calls of `on-interval`.
    pub interval: Duration,
    /// Calls after which an instance is replaced.
    pub uses: u64,
    /// How long an instance is kept that no hook has needed.
    pub idle_for: Duration,
    /// Bytes of one body the plugin may have buffered, in or out.
    pub body: u64,
    /// Bytes of one chunk of a body, at least 1.
    pub chunk: usize,
    /// Outbound calls of one hook.
    pub calls: usize,
    /// Bytes handed over in one call of a host function, or returned from a hook.
    pub host_call: usize,
    /// Log lines a second of all instances together.
    pub log_lines: u32,
    /// Series of the plugin's own metrics.
    pub metric_series: usize,
    /// Updates of them a second by all instances together.
    pub metric_updates: u32,
    /// Bytes of a file the plugin reads.
    pub file: u64,
    /// Keys in the plugin's `kv` store.
    pub kv_keys: usize,
    /// Bytes of keys and values in the plugin's `kv` store.
    pub kv_bytes: usize,
    /// Keys the `rate` interface tracks for the plugin.
    pub rate_keys: usize,
    /// Bytes of responses the `cache` interface keeps for the plugin.
    pub cache_bytes: usize,
    /// Bytes of the body of one such response.
    pub cache_object: usize,
    /// Requests that may wait for what another fetches.
    pub cache_waiting: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Instances serve one hook after another.
    Shared,
    /// Each hook gets an instance of its own.
    Fresh,
}

/// What a run-time fault of a plugin does to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    Deny,
    Skip,
}

/// `[[routes]]`
#[derive(Debug, Clone)]
pub struct Route {
    pub name: String,
    pub matches: Match,
    /// `None` where a plugin of the chain must answer.
    pub upstream: Option<UpstreamId>,
    /// The chain: this order on the way in, the reverse on the way out.
    pub plugins: Vec<PluginId>,
    /// Taken off the front of the path before it is sent to the upstream; starts with `/`.
    pub strip_prefix: Option<String>,
    /// Whether the upstream sees the client's `host` field instead of the target's.
    pub preserve_host: bool,
    /// Whether its paths may have a slash that is percent-encoded.
    pub encoded_slashes: bool,
    /// Request body in bytes.
    pub body_limit: u64,
    /// From the first byte of the request to the last of the answer.
    pub timeout: Duration,
}

/// What a request must look like. All conditions must hold.
#[derive(Debug, Clone)]
pub struct Match {
    /// Lower case, without port. Empty for any host.
    pub hosts: Vec<Host>,
    /// As written: literals, `{name}` for one segment, `{*name}` for the rest; starts with `/`.
    pub path: String,
    /// Empty for any method.
    pub methods: Vec<Method>,
    /// Field and the exact value one of its lines must have; `None` for "is there".
    pub headers: Vec<(HeaderName, Option<String>)>,
    /// Query parameter and its exact value; `None` for "is there".
    pub query: Vec<(String, Option<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Exact(String),
    /// `*.example.com`, stored as `.example.com`: any number of labels in front.
    Suffix(String),
}
