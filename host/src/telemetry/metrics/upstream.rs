//! What one worker counts for one target of an upstream.

use std::time::Duration;

use super::label::label;
use super::shards::Shard;
use super::text::{Kind, Text};
use super::value::{Counter, Gauge, Histogram};

label! {
    /// Why a target gave no whole answer.
    pub enum UpstreamFailure {
        /// Refused, unreachable, or the name does not resolve.
        Connect = "connect",
        ConnectTimeout = "connect-timeout",
        FirstByteTimeout = "first-byte-timeout",
        /// The total time ran out.
        Deadline = "deadline",
        /// The connection ended, or what came was not HTTP, before a head was whole.
        Broken = "broken",
        /// The target switched protocols without being asked to.
        Switched = "switched",
        /// The answer's body broke off or stood still.
        Body = "body",
    }
}

/// The numbers of one target on one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct UpstreamMetrics {
    requests: Counter,
    failures: [Counter; UpstreamFailure::ALL.len()],
    head: Histogram,
    pub connections_opened: Counter,
    /// Calls that have begun and not ended.
    pub in_flight: Gauge,
    /// 1 while this worker leaves the target out.
    pub ejected: Gauge,
}

impl UpstreamMetrics {
    /// Counts a call whose answer's head came after `head`.
    pub fn answered(&self, head: Duration) {
        self.requests.add(1);
        self.head.observe(head);
    }

    /// Counts a call that got no head.
    pub fn failed(&self, reason: UpstreamFailure) {
        self.requests.add(1);
        self.failures[reason as usize].add(1);
    }

    /// Counts an answer, counted already, whose body did not come whole.
    pub fn body_failed(&self) {
        self.failures[UpstreamFailure::Body as usize].add(1);
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.get()
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.iter().map(Counter::get).sum()
    }
}

impl Shard for UpstreamMetrics {
    fn add_counters_to(&self, total: &Self) {
        self.requests.add_to(&total.requests);
        for (mine, theirs) in self.failures.iter().zip(&total.failures) {
            mine.add_to(theirs);
        }
        self.head.add_to(&total.head);
        self.connections_opened.add_to(&total.connections_opened);
    }

    fn add_gauges_to(&self, total: &Self) {
        self.in_flight.add_to(&total.in_flight);
        self.ejected.add_to(&total.ejected);
    }
}

/// Upstream and target.
pub(super) type Key = (String, String);

pub(super) fn write(text: &mut Text, targets: &[(Key, UpstreamMetrics)]) {
    let each = |text: &mut Text, value: fn(&UpstreamMetrics) -> i128| {
        for ((upstream, target), metrics) in targets {
            text.sample(&[("upstream", upstream), ("target", target)], value(metrics));
        }
    };
    text.family("tollgate_upstream_requests_total", Kind::Counter, "Calls to a target.");
    each(text, |metrics| metrics.requests.get().into());
    write_failures(text, targets);
    text.family(
        "tollgate_upstream_head_duration_seconds",
        Kind::Histogram,
        "From the start of a call to the head of its answer.",
    );
    for ((upstream, target), metrics) in targets {
        text.histogram(&[("upstream", upstream), ("target", target)], &metrics.head);
    }
    text.family("tollgate_upstream_connections_opened_total", Kind::Counter, "Connections made to a target.");
    each(text, |metrics| metrics.connections_opened.get().into());
    text.family("tollgate_upstream_in_flight", Kind::Gauge, "Calls that have begun and not ended.");
    each(text, |metrics| metrics.in_flight.get().into());
    text.family("tollgate_upstream_ejected", Kind::Gauge, "Workers that leave the target out at the moment.");
    each(text, |metrics| metrics.ejected.get().into());
}

fn write_failures(text: &mut Text, targets: &[(Key, UpstreamMetrics)]) {
    text.family("tollgate_upstream_failures_total", Kind::Counter, "Calls that got no whole answer, by reason.");
    for ((upstream, target), metrics) in targets {
        for (reason, count) in UpstreamFailure::ALL.iter().zip(&metrics.failures) {
            text.sample(&[("upstream", upstream), ("target", target), ("reason", reason.as_str())], count.get());
        }
    }
}
