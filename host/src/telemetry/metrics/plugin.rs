//! What one worker counts for one plugin.

use std::time::Duration;

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
        Complete = "on-complete",
        Interval = "on-interval",
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
        /// The plugin put an answer of its own in place of the response.
        Replace = "replace",
        /// A hook that decides nothing has ended.
        Done = "done",
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
        /// No instance could be made.
        Instance = "instance",
        /// The plugin's answer is not one the gateway can send.
        Answer = "answer",
        /// The response's body is longer than the plugin takes.
        Body = "body",
    }
}

/// The numbers of one plugin on one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct PluginMetrics {
    hooks: [HookMetrics; Hook::ALL.len()],
    instances_created: Counter,
    logs_dropped: Counter,
    completions_dropped: Counter,
    instances: Gauge,
}

#[derive(Debug, Default)]
struct HookMetrics {
    verdicts: [Counter; Verdict::ALL.len()],
    faults: [Counter; PluginFault::ALL.len()],
    cpu: Counter,
}

impl PluginMetrics {
    /// Counts a call of a hook. `cpu` is the time spent inside the guest.
    pub fn called(&self, hook: Hook, verdict: Verdict, cpu: Duration) {
        let metrics = &self.hooks[hook as usize];
        metrics.verdicts[verdict as usize].add(1);
        metrics.cpu.add_duration(cpu);
    }

    /// Counts why a call failed, beside [`Self::called`] with `Error` or `Skipped`.
    pub fn failed(&self, hook: Hook, reason: PluginFault) {
        self.hooks[hook as usize].faults[reason as usize].add(1);
    }

    pub fn instance_created(&self) {
        self.instances_created.add(1);
        self.instances.add(1);
    }

    pub fn instance_dropped(&self) {
        self.instances.add(-1);
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
        for (mine, theirs) in self.hooks.iter().zip(&total.hooks) {
            mine.add_to(theirs);
        }
        self.instances_created.add_to(&total.instances_created);
        self.logs_dropped.add_to(&total.logs_dropped);
        self.completions_dropped.add_to(&total.completions_dropped);
    }

    fn add_gauges_to(&self, total: &Self) {
        self.instances.add_to(&total.instances);
    }
}

impl HookMetrics {
    fn add_to(&self, total: &Self) {
        for (mine, theirs) in self.verdicts.iter().zip(&total.verdicts) {
            mine.add_to(theirs);
        }
        for (mine, theirs) in self.faults.iter().zip(&total.faults) {
            mine.add_to(theirs);
        }
        self.cpu.add_to(&total.cpu);
    }

    /// A plugin has few of the hooks; those it has not are left out.
    fn is_used(&self) -> bool {
        self.verdicts.iter().chain(&self.faults).any(|counter| counter.get() > 0)
    }
}

type Plugins = [(String, PluginMetrics)];

pub(super) fn write(text: &mut Text, plugins: &Plugins) {
    write_calls(text, plugins);
    write_errors(text, plugins);
    text.family("tollgate_plugin_cpu_seconds_total", Kind::Counter, "CPU time inside a plugin's code.");
    for (plugin, hook, metrics) in used_hooks(plugins) {
        let cpu = Duration::from_nanos(metrics.cpu.get());
        text.sample(&[("plugin", plugin), ("hook", hook.as_str())], cpu.as_secs_f64());
    }
    let each = |text: &mut Text, value: fn(&PluginMetrics) -> i128| {
        for (plugin, metrics) in plugins {
            text.sample(&[("plugin", plugin)], value(metrics));
        }
    };
    text.family("tollgate_plugin_instances", Kind::Gauge, "Live instances of a plugin.");
    each(text, |metrics| metrics.instances.get().into());
    text.family("tollgate_plugin_instances_created_total", Kind::Counter, "Instances made of a plugin.");
    each(text, |metrics| metrics.instances_created.get().into());
    text.family("tollgate_plugin_logs_dropped_total", Kind::Counter, "Log lines of a plugin over its limit.");
    each(text, |metrics| metrics.logs_dropped.get().into());
    let help = "`on-complete` hooks of a plugin that found no room.";
    text.family("tollgate_plugin_completions_dropped_total", Kind::Counter, help);
    each(text, |metrics| metrics.completions_dropped.get().into());
}

fn write_calls(text: &mut Text, plugins: &Plugins) {
    text.family("tollgate_plugin_calls_total", Kind::Counter, "Calls of a plugin's hooks, by verdict.");
    for (plugin, hook, metrics) in used_hooks(plugins) {
        for (verdict, count) in Verdict::ALL.iter().zip(&metrics.verdicts) {
            if count.get() > 0 {
                let labels = [("plugin", plugin), ("hook", hook.as_str()), ("verdict", verdict.as_str())];
                text.sample(&labels, count.get());
            }
        }
    }
}

/// With zeros, so that the first error of a kind is an increase.
fn write_errors(text: &mut Text, plugins: &Plugins) {
    text.family("tollgate_plugin_errors_total", Kind::Counter, "Failed calls of a plugin's hooks, by reason.");
    for (plugin, hook, metrics) in used_hooks(plugins) {
        for (reason, count) in PluginFault::ALL.iter().zip(&metrics.faults) {
            let labels = [("plugin", plugin), ("hook", hook.as_str()), ("reason", reason.as_str())];
            text.sample(&labels, count.get());
        }
    }
}

fn used_hooks(plugins: &Plugins) -> impl Iterator<Item = (&str, Hook, &HookMetrics)> {
    plugins.iter().flat_map(|(plugin, metrics)| {
        let hooks = Hook::ALL.into_iter().zip(&metrics.hooks);
        hooks.filter(|(_, metrics)| metrics.is_used()).map(move |(hook, metrics)| (plugin.as_str(), hook, metrics))
    })
}
