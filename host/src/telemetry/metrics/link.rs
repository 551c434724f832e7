//! What one worker counts for one plugin on one route.
//!
//! The labels are names of the config, hooks and verdicts, nothing a client or a plugin could choose.
//! A hook that never ran has no numbers and no memory: ten thousand routes share a plugin or two.

use std::sync::OnceLock;
use std::time::Duration;

use super::plugin::{Hook, PluginFault, Verdict};
use super::shards::Shard;
use super::text::{Kind, Text};
use super::value::Counter;

/// The numbers of one plugin on one route, on one worker.
#[derive(Debug, Default)]
pub struct LinkMetrics {
    hooks: [OnceLock<Box<HookMetrics>>; Hook::ALL.len()],
}

/// The numbers of one of its hooks.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct HookMetrics {
    verdicts: [Counter; Verdict::ALL.len()],
    faults: [Counter; PluginFault::ALL.len()],
    cpu: Counter,
    copied: Counter,
    host_wait: Counter,
    turn_wait: Counter,
    queue_wait: Counter,
    queued: Counter,
}

impl LinkMetrics {
    pub fn hook(&self, hook: Hook) -> &HookMetrics {
        self.hooks[hook as usize].get_or_init(Box::default)
    }

    /// A plugin has few of the hooks; those that never ran are left out.
    fn used(&self) -> impl Iterator<Item = (Hook, &HookMetrics)> {
        Hook::ALL.into_iter().zip(&self.hooks).filter_map(|(hook, metrics)| Some((hook, &**metrics.get()?)))
    }
}

impl HookMetrics {
    /// Counts a call. `cpu` is the time spent inside the guest.
    pub fn called(&self, verdict: Verdict, cpu: Duration) {
        self.verdicts[verdict as usize].add(1);
        self.cpu.add_duration(cpu);
    }

    /// Counts bytes of texts and bodies that a call took from the gateway or gave to it.
    pub fn copied(&self, bytes: u64) {
        self.copied.add(bytes);
    }

    /// Counts why a call failed, beside [`Self::called`] with `Error` or `Skipped`.
    pub fn failed(&self, reason: PluginFault) {
        self.faults[reason as usize].add(1);
    }

    /// Counts the time a call waited for a host function, another service's answer for example.
    pub fn waited_in_host(&self, time: Duration) {
        self.host_wait.add_duration(time);
    }

    /// Counts the time a call let others go first.
    pub fn waited_for_turn(&self, time: Duration) {
        self.turn_wait.add_duration(time);
    }

    /// Counts a call that found no free instance, and the time it waited for one.
    pub fn waited_in_queue(&self, time: Duration) {
        self.queued.add(1);
        self.queue_wait.add_duration(time);
    }

    fn add_to(&self, total: &Self) {
        for (mine, theirs) in self.verdicts.iter().zip(&total.verdicts) {
            mine.add_to(theirs);
        }
        for (mine, theirs) in self.faults.iter().zip(&total.faults) {
            mine.add_to(theirs);
        }
        self.cpu.add_to(&total.cpu);
        self.copied.add_to(&total.copied);
        self.host_wait.add_to(&total.host_wait);
        self.turn_wait.add_to(&total.turn_wait);
        self.queue_wait.add_to(&total.queue_wait);
        self.queued.add_to(&total.queued);
    }
}

impl Shard for LinkMetrics {
    fn add_counters_to(&self, total: &Self) {
        for (hook, metrics) in self.used() {
            metrics.add_to(total.hook(hook));
        }
    }
}

/// Plugin and route.
pub(super) type Key = (String, String);

type Links = [(Key, LinkMetrics)];

pub(super) fn write(text: &mut Text, links: &Links) {
    write_calls(text, links);
    write_errors(text, links);
    seconds(text, links, "tollgate_plugin_cpu_seconds_total", "CPU time inside a plugin's code.", |hook| &hook.cpu);
    let help = "Time a plugin's hooks waited for the host: for other services' answers, mostly.";
    seconds(text, links, "tollgate_plugin_host_wait_seconds_total", help, |hook| &hook.host_wait);
    let help = "Time a plugin's hooks let others go first.";
    seconds(text, links, "tollgate_plugin_turn_wait_seconds_total", help, |hook| &hook.turn_wait);
    let help = "Time a plugin's hooks waited for a free instance.";
    seconds(text, links, "tollgate_plugin_queue_seconds_total", help, |hook| &hook.queue_wait);
    let help = "Bytes of header fields, bodies and other texts that were copied into and out of a plugin.";
    text.family("tollgate_plugin_copied_bytes_total", Kind::Counter, help);
    each_hook(links, |labels, metrics| text.sample(labels, metrics.copied.get()));
    text.family(
        "tollgate_plugin_queued_total",
        Kind::Counter,
        "Calls of a plugin's hooks that found no free instance.",
    );
    each_hook(links, |labels, metrics| text.sample(labels, metrics.queued.get()));
}

fn write_calls(text: &mut Text, links: &Links) {
    text.family("tollgate_plugin_calls_total", Kind::Counter, "Calls of a plugin's hooks, by verdict.");
    each_hook(links, |labels, metrics| {
        for (verdict, count) in Verdict::ALL.iter().zip(&metrics.verdicts) {
            if count.get() > 0 {
                text.sample(&[labels[0], labels[1], labels[2], ("verdict", verdict.as_str())], count.get());
            }
        }
    });
}

/// With zeros, so that the first error of a kind is an increase.
fn write_errors(text: &mut Text, links: &Links) {
    text.family("tollgate_plugin_errors_total", Kind::Counter, "Failed calls of a plugin's hooks, by reason.");
    each_hook(links, |labels, metrics| {
        for (reason, count) in PluginFault::ALL.iter().zip(&metrics.faults) {
            text.sample(&[labels[0], labels[1], labels[2], ("reason", reason.as_str())], count.get());
        }
    });
}

fn seconds(
    text: &mut Text,
    links: &Links,
    name: &'static str,
    help: &'static str,
    counter: fn(&HookMetrics) -> &Counter,
) {
    text.family(name, Kind::Counter, help);
    each_hook(links, |labels, metrics| {
        text.sample(labels, Duration::from_nanos(counter(metrics).get()).as_secs_f64());
    });
}

fn each_hook<'a>(links: &'a Links, mut write: impl FnMut(&[(&'a str, &'a str); 3], &'a HookMetrics)) {
    for ((plugin, route), metrics) in links {
        for (hook, metrics) in metrics.used() {
            write(&[("plugin", plugin), ("route", route), ("hook", hook.as_str())], metrics);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_never_ran_has_no_series() {
        let metrics = LinkMetrics::default();
        metrics.hook(Hook::Response).called(Verdict::Next, Duration::from_micros(1));
        let total = LinkMetrics::default();
        metrics.add_counters_to(&total);
        let used: Vec<_> = total.used().map(|(hook, _)| hook).collect();
        assert_eq!(used, [Hook::Response]);
    }
}
