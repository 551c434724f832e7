//! What can go wrong with a plugin, at load time and at run time.
//!
//! The texts are for operators. Clients are told nothing of this: `respond` maps a [`Fault`] to a
//! plain 500 or 503.

use std::sync::Arc;

use super::engine::SLOTS;
use crate::plain;
use crate::telemetry::PluginFault;

/// A component that cannot be used. Found at start, at reload, and by `tollgate check`.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Unreadable { path: String, error: std::io::Error },
    /// Larger than [`super::load::MAX_FILE`].
    TooLarge { bytes: u64, limit: u64 },
    /// Not WebAssembly at all.
    NotWasm,
    /// A core module: compiled, but not made a component.
    CoreModule,
    /// A component that is broken or uses what this gateway does not know.
    Invalid(String),
    /// Its compiler came to no end within the limits.
    Compile(String),
    /// It imports what the gateway does not offer, or with other types.
    Import(String),
    /// It exports no `lifecycle`, or none of the hooks, or with other types.
    Export(String),
    /// `describe` failed or told something illegal.
    Describe(String),
    /// `configure` did not come to its end.
    Configure(String),
    /// What `configure` says against its configuration: a line for each mistake.
    Mistakes(String),
    /// Too many other hooks compute for long: it was not tried to its end.
    Crowded,
    /// All instances that the gateway has room for are in use.
    NoSlot,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "cannot read {path}: {error}"),
            Self::TooLarge { bytes, limit } => write!(f, "the file has {bytes} bytes; at most {limit} are allowed"),
            Self::NotWasm => f.write_str("not a WebAssembly file"),
            Self::CoreModule => f.write_str(
                "a core WebAssembly module, not a component; `tollgate plugin build` makes components, and so does `wasm-tools component new`",
            ),
            Self::Invalid(problem) => write!(f, "not a valid component: {}{}", plain::line(problem), advice(problem)),
            Self::Compile(problem) => write!(f, "cannot be compiled: {}", plain::lines(problem)),
            Self::Import(problem) => write!(f, "imports what the gateway does not offer: {}", plain::line(problem)),
            Self::Export(problem) => write!(f, "does not export what a plugin must: {}", plain::line(problem)),
            Self::Describe(problem) => write!(f, "`describe` failed: {problem}"),
            Self::Configure(problem) => write!(f, "`configure` failed: {problem}"),
            Self::Mistakes(problems) => write!(f, "refuses its config: {problems}"),
            Self::Crowded => write!(f, "`configure`: {}", Fault::Busy(Busy::LongHooks)),
            Self::NoSlot => Fault::Busy(Busy::Slots).fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// wasmtime and its parser say what they do not take, and not what there is.
fn advice(problem: &str) -> &'static str {
    const POOL: [&str; 2] = ["pooling allocator", "instance allocation for this"];
    const PROPOSAL: [&str; 5] =
        ["proposal not enabled", "must be enabled", "is not enabled", "are disabled", "support is not enabled"];
    let has_any = |words: &[&str]| words.iter().any(|words| problem.contains(words));
    if has_any(&POOL) {
        " (a plugin's module has one memory and at most 8 tables, and a component at most 64 modules: link what is more into one)"
    } else if has_any(&PROPOSAL) {
        " (plugins have WebAssembly 2.0, tail calls, relaxed SIMD and extended constants, but no exceptions, threads, garbage collection or memories of 64 bits: compile without them, C++ for example with `-fno-exceptions` and without `-pthread`)"
    } else {
        ""
    }
}

/// A hook that gave no verdict.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The guest trapped: a panic, an unreachable, out of bounds, stack overflow.
    Trap(Arc<str>),
    /// More CPU time than `limits.cpu`.
    Cpu,
    /// More wall time than `limits.wall`.
    Wall,
    /// The verdict cannot be carried out: an illegal status or header in an answer, for example.
    Verdict(Arc<str>),
    /// The response's body is longer than the plugin takes: than its `need-body`, or `limits.body`.
    BodyTooLong { limit: u64 },
    /// It was asked for an answer and has none: an error in its place, or nothing.
    NoAnswer(Arc<str>),
    /// The body of its answer ended before its end.
    BrokeOff,
    /// The route's time was over before it was done.
    Deadline,
    /// No instance could be made: the machine's memory is used up, for example.
    Instance(Arc<str>),
    /// Too much at a time: not the plugin's fault, or not this request's.
    Busy(Busy),
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// All instances busy and the queue full, or no instance within the wall time.
    Instances,
    /// As many hooks of the worker compute for long as may, and as many wait for it.
    LongHooks,
    /// All instances that the gateway has room for, of all plugins and workers together, are in use.
    Slots,
}

impl Fault {
    /// The metric's label.
    pub fn reason(&self) -> PluginFault {
        match self {
            Self::Trap(_) => PluginFault::Trap,
            Self::Cpu => PluginFault::Cpu,
            Self::Wall | Self::Deadline => PluginFault::Wall,
            Self::Verdict(_) | Self::NoAnswer(_) | Self::BrokeOff => PluginFault::Answer,
            Self::BodyTooLong { .. } => PluginFault::Body,
            Self::Instance(_) | Self::Busy(Busy::Slots) => PluginFault::Instance,
            Self::Busy(Busy::Instances) => PluginFault::Queue,
            Self::Busy(Busy::LongHooks) => PluginFault::LongHooks,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trap(trace) => write!(f, "trapped: {trace}"),
            Self::Cpu => f.write_str("used more CPU time than limits.cpu allows"),
            Self::Wall => f.write_str("took longer than limits.wall allows"),
            Self::Verdict(problem) => write!(f, "gave a verdict that cannot be carried out: {problem}"),
            Self::BodyTooLong { limit } => {
                write!(f, "needs a body of at most {limit} bytes (need-body, limits.body), and the response has more")
            }
            Self::NoAnswer(problem) => write!(f, "gave no answer: {problem}"),
            Self::BrokeOff => f.write_str("broke off the body of its answer, or gave it another length than it said"),
            Self::Deadline => f.write_str("was not done by the route's timeout"),
            Self::Instance(problem) => write!(f, "no instance could be made: {problem}"),
            Self::Busy(Busy::Instances) => {
                f.write_str("all instances are busy and the queue is full (limits.instances, limits.queue)")
            }
            Self::Busy(Busy::Slots) => write!(
                f,
                "all instances that the gateway has room for are in use, of all plugins and workers together ({SLOTS})"
            ),
            Self::Busy(Busy::LongHooks) => f.write_str(
                "too many hooks of this worker compute for long (server.limits.long_hooks, server.limits.long_hooks_queue)",
            ),
        }
    }
}
