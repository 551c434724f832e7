//! From a plugin's new file to its first answer.

use super::{Contender, Measure, Scenario};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get("/").header("x-hop", "0");
    let one = |label: &str, load: Option<Load>| Contender {
        label: label.to_owned(),
        peer: Peer::Tollgate,
        job: Job::Hops { count: 1, fresh: false },
        measure: Measure::PluginChange(load),
        checks: vec![Check::new("the plugin ran", request(), 200).header("seen-hop", "1")],
    };
    Scenario {
        name: "plugin-change",
        title: "A changed plugin",
        about: "A plugin's file is replaced by a version with other bytes that nobody compiled before. The time is from \
                the file's renaming to the first answer the new version had a part in, asked for every millisecond: \
                it includes the 10 ms in which nothing more may change, and compiling what changed, on the one core the gateway \
                has. *Under load*, 64 connections keep that core busy. No other peer of this benchmark replaces a \
                plugin's code while it runs.",
        primary: Metric::ServingMs,
        columns: &[Metric::ServingMs, Metric::Errors, Metric::P50Ms, Metric::P99Ms, Metric::MaxMs],
        comparisons: Vec::new(),
        contenders: vec![one("tollgate at rest", None), one("tollgate under load", Some(Load::of(request())))],
    }
}
