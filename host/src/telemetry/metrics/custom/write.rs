//! Plugins' numbers as text.
//!
//! A page has one `# TYPE` for each name, and two plugins may use one name for different things. So
//! those of one name stand together under the kind of the first, histograms last: their samples have
//! names of their own, which are right with any type or none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::series::Series;
use super::{Family, Kind, Store};
use crate::telemetry::metrics::text::{self, Escaped, Text};

/// In front of the names plugins choose.
const PREFIX: &str = "tollgate_plugin_custom_";

pub(in super::super) fn write(text: &mut Text, plugins: &[(String, Arc<Store>)]) {
    text.family(
        "tollgate_plugin_metrics_dropped_total",
        text::Kind::Counter,
        "Updates of plugins' own metrics over a limit.",
    );
    for (plugin, store) in plugins {
        for (reason, count) in [("series", &store.dropped_series), ("updates", &store.dropped_updates)] {
            text.sample(&[("plugin", plugin), ("reason", reason)], count.load(Relaxed));
        }
    }
    let mut by_name: BTreeMap<Box<str>, Vec<(&str, Arc<Family>)>> = BTreeMap::new();
    for (plugin, store) in plugins {
        for (name, family) in &store.families.pin() {
            by_name.entry(name.clone()).or_default().push((plugin, Arc::clone(family)));
        }
    }
    for (name, mut families) in by_name {
        families.sort_by_key(|(_, family)| family.kind == Kind::Histogram);
        let kind = families.first().map_or("untyped", |(_, family)| family.kind.name());
        let mut lines = format!("# HELP {PREFIX}{name} Made by plugins.\n# TYPE {PREFIX}{name} {kind}\n");
        for (plugin, family) in families {
            write_family(&mut lines, &name, plugin, &family);
        }
        text.append(&lines);
    }
}

fn write_family(out: &mut String, name: &str, plugin: &str, family: &Family) {
    let series = family.series.pin();
    let mut all: Vec<_> = series.iter().collect();
    all.sort_unstable_by_key(|(labels, _)| *labels);
    for (labels, series) in all {
        let comma = if labels.is_empty() { "" } else { "," };
        let labels = format!("plugin=\"{}\"{comma}{labels}", Escaped(plugin));
        // Writing to a String does not fail.
        match series {
            Series::Single(number) => drop(writeln!(out, "{PREFIX}{name}{{{labels}}} {}", number.get())),
            Series::Histogram { buckets, sum } => {
                let bounds = family.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                let mut count = 0;
                for (bound, bucket) in bounds.zip(buckets) {
                    count += bucket.load(Relaxed);
                    let _ = writeln!(out, "{PREFIX}{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
                }
                let _ = writeln!(out, "{PREFIX}{name}_sum{{{labels}}} {}", sum.get());
                let _ = writeln!(out, "{PREFIX}{name}_count{{{labels}}} {count}");
            }
        }
    }
}
