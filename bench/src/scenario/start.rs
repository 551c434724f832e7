//! Start-up time and memory.

use super::{Measure, Scenario, against_all, contender};
use crate::check::Check;
use crate::http::Request;
use crate::job::{Job, TOKEN};
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get("/").header("authorization", &format!("Bearer {TOKEN}"));
    let check = Check::new("an answer", request(), 200);
    let contenders: Vec<_> = Peer::GATEWAYS
        .map(|peer| contender(peer, Job::BuiltIns, Measure::Start(Load::of(request())), vec![check.clone()]))
        .into();
    Scenario {
        name: "start",
        title: "Start-up time and memory",
        about: "From the start of the process to the first answer, asked for every millisecond; the memory then, and \
                after a second of load. Tollgate has all four built-in plugins in use, and compiled them in an earlier \
                start; the others are plain proxies.",
        primary: Metric::StartMs,
        columns: &[Metric::StartMs, Metric::RssMib, Metric::LoadedRssMib],
        comparisons: [Metric::StartMs, Metric::LoadedRssMib]
            .into_iter()
            .flat_map(|of| against_all(&contenders, of))
            .map(|mut comparison| {
                comparison.title = format!("{} ({})", comparison.title, comparison.of.title());
                comparison
            })
            .collect(),
        contenders,
    }
}
