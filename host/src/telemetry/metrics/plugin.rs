//! What one worker counts for one plugin, whatever route it runs on: its instances.

use super::label::label;
use super::shards::Shard;
use super::text::{Kind, Text};
use super::value::{Counter, Gauge};

label! {
    /// An exported function the host calls.
    pub enum Hook {
        Configure = "configure",
        Request = "on-request",
        RequestBody = "on-request-body",
        Response = "on-response",
        ResponseBody = "on-response-body",
        RequestChunk = "on-request-chunk",
        ResponseChunk = "on-response-chunk",
        Complete = "on-complete",
        Interval = "on-interval",
        /// Of `wasi:http/incoming-handler`.
        Handle = "handle",
    }
}

label! {
    /// How a hook ended.
    pub enum Verdict {
        /// Go on with the chain.
        Next = "next",
        /// The plugin answered the client.
        Respond = "respond",
        /// The plugin wants the body first.
        NeedBody = "need-body",
        /// The plugin goes on to store the response, or to wait for it.
        Fetch = "fetch",
        /// The plugin answered with a stored response.
        Serve = "serve",
        /// The gateway answered with a stored response as the plugin did a moment before; no hook ran.
        Reuse = "reuse",
        /// The plugin put an answer or a chunk of its own in place of what there was.
        Replace = "replace",
        /// The chunk goes on as it is.
        Pass = "pass",
        /// The rest of the body goes on unseen; or a hook that decides nothing has ended.
        Done = "done",
        /// The plugin refuses the body.
        Fail = "fail",
        /// The hook failed, and the request with it.
        Error = "error",
        /// The hook failed, and the chain went on without it (`on_error = "skip"`).
        Skipped = "skipped",
    }
}

label! {
    /// Why a hook failed.
    pub enum PluginFault {
        Trap = "trap",
        /// Over `limits.cpu`.
        Cpu = "cpu",
        /// Over `limits.wall`.
        Wall = "wall",
        /// No instance was free and the queue was full.
        Queue = "queue",
        /// Too many hooks of the worker computed for long.
        LongHooks = "long-hooks",
        /// No instance could be made.
        Instance = "instance",
        /// The plugin's answer is not one the gateway can send.
        Answer = "answer",
        /// The response's body is longer than the plugin takes.
        Body = "body",
    }
}

/// The numbers of one plugin on one worker. Those of its hooks are [`super::LinkMetrics`].
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct PluginMetrics {
    instances_created: Counter,
    logs_dropped: Counter,
    completions_dropped: Counter,
    instances: Gauge,
    queue: Gauge,
}

impl PluginMetrics {
    pub fn instance_created(&self) {
        self.instances_created.add(1);
        self.instances.add(1);
    }

    pub fn instance_dropped(&self) {
        self.instances.add(-1);
    }

    /// A hook begins to wait for an instance.
    pub fn queue_entered(&self) {
        self.queue.add(1);
    }

    /// A hook waits no longer, whether it got an instance or not.
    pub fn queue_left(&self) {
        self.queue.add(-1);
    }

    /// Counts a log line of the plugin's that was over its limit.
    pub fn log_dropped(&self) {
        self.logs_dropped.add(1);
    }

    /// Counts an `on-complete` that found no room and is not called.
    pub fn completion_dropped(&self) {
        self.completions_dropped.add(1);
    }
}

impl Shard for PluginMetrics {
    fn add_counters_to(&self, total: &Self) {
        self.instances_created.add_to(&total.instances_created);
        self.logs_dropped.add_to(&total.logs_dropped);
        self.completions_dropped.add_to(&total.completions_dropped);
    }

    fn add_gauges_to(&self, total: &Self) {
        self.instances.add_to(&total.instances);
        self.queue.add_to(&total.queue);
    }
}

pub(super) fn write(text: &mut Text, plugins: &[(String, PluginMetrics)]) {
    let each = |text: &mut Text, value: fn(&PluginMetrics) -> i128| {
        for (plugin, metrics) in plugins {
            text.sample(&[("plugin", plugin)], value(metrics));
        }
    };
    text.family("tollgate_plugin_instances", Kind::Gauge, "Live instances of a plugin.");
    each(text, |metrics| metrics.instances.get().into());
    text.family("tollgate_plugin_instances_created_total", Kind::Counter, "Instances made of a plugin.");
    each(text, |metrics| metrics.instances_created.get().into());
    text.family("tollgate_plugin_queue", Kind::Gauge, "Hooks that wait for an instance of a plugin.");
    each(text, |metrics| metrics.queue.get().into());
    text.family(
        "tollgate_plugin_logs_dropped_total",
        Kind::Counter,
        "Log lines of a plugin, and about its failures, over their limit.",
    );
    each(text, |metrics| metrics.logs_dropped.get().into());
    let help = "`on-complete` hooks of a plugin that found no room.";
    text.family("tollgate_plugin_completions_dropped_total", Kind::Counter, help);
    each(text, |metrics| metrics.completions_dropped.get().into());
}
