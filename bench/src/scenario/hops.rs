//! What a plugin costs.

use super::{Comparison, Contender, Formula, LOAD_COLUMNS, Measure, Scenario};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SMALL;

const COUNTS: [usize; 3] = [1, 4, 16];

pub(super) fn scenario() -> Scenario {
    let mut contenders = vec![one(Peer::Tollgate, 0, false)];
    contenders.extend(COUNTS.map(|count| one(Peer::Tollgate, count, false)));
    contenders.extend(COUNTS.map(|count| one(Peer::Tollgate, count, true)));
    contenders.extend([0, 1, 4, 16].map(|count| one(Peer::Envoy, count, false)));
    let mut comparisons = Vec::new();
    for (peer, fresh) in [(Peer::Tollgate, false), (Peer::Tollgate, true), (Peer::Envoy, false)] {
        comparisons.extend(COUNTS.map(|count| each_of(peer, count, fresh)));
    }
    comparisons.extend(COUNTS.map(|count| {
        super::ratio(&label(Peer::Tollgate, count, false), &label(Peer::Envoy, count, false), Metric::CpuUs)
    }));
    Scenario {
        name: "hops",
        title: "1, 4 and 16 plugin hops",
        about: "Each hop is a Wasm plugin that reads one header field of the request and sets it, to one more; the \
                service sees that all of them ran. *Shared* is Tollgate's default, an instance for one request after \
                another; *fresh* is a new instance for each request and plugin. In Tollgate each plugin has memory of \
                its own; Envoy's filters share one VM (V8), which is the cheapest it offers. nginx, HAProxy, Caddy and \
                Express have no sandboxed plugins.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons,
        contenders,
    }
}

fn one(peer: Peer, count: usize, fresh: bool) -> Contender {
    let request = Request::get("/").header("x-hop", "0");
    let check = Check::new("all plugins ran", request.clone(), 200).bytes(SMALL).header("seen-hop", count.to_string());
    let (job, measure) = (Job::Hops { count, fresh }, Measure::Load(Load::of(request)));
    Contender { label: label(peer, count, fresh), peer, job, measure, checks: vec![check] }
}

fn label(peer: Peer, count: usize, fresh: bool) -> String {
    match (peer, count) {
        (_, 0) | (Peer::Envoy, _) => format!("{} {count}", peer.name()),
        _ => format!("{} {count} {}", peer.name(), if fresh { "fresh" } else { "shared" }),
    }
}

fn each_of(peer: Peer, count: usize, fresh: bool) -> Comparison {
    let ours = label(peer, count, fresh);
    let title = format!("each hop of {ours}, µs");
    let theirs = label(peer, 0, false);
    Comparison { title, ours, theirs, of: Metric::CpuUs, formula: Formula::EachOf(count) }
}
