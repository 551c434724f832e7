//! Many connections, most of them idle.

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, ratio, small_answer};
use crate::http::Request;
use crate::job::Job;
use crate::load::{CONNECTIONS, Load};
use crate::metric::Metric;
use crate::peer::Peer;

const COUNTS: [usize; 2] = [100, 10_000];

pub(super) fn scenario() -> Scenario {
    let contenders: Vec<_> = Peer::GATEWAYS.iter().flat_map(|peer| COUNTS.map(|count| one(*peer, count))).collect();
    let growth = Peer::GATEWAYS.map(|peer| ratio(&label(peer, 10_000), &label(peer, 100), Metric::CpuUs));
    let beside = Peer::GATEWAYS
        .into_iter()
        .filter(|peer| *peer != Peer::Tollgate)
        .map(|peer| ratio(&label(Peer::Tollgate, 10_000), &label(peer, 10_000), Metric::CpuUs));
    Scenario {
        name: "connections",
        title: "100 and 10,000 connections",
        about: "64 connections are busy; the others had one request each and then stay open and idle. What an idle \
                connection costs is in the RSS.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: growth.into_iter().chain(beside).collect(),
        contenders,
    }
}

fn one(peer: Peer, count: usize) -> Contender {
    let load = Load { idle: count - CONNECTIONS, ..Load::of(Request::get("/")) };
    let measure = Measure::Load(load);
    Contender { label: label(peer, count), peer, job: Job::Proxy, measure, checks: small_answer() }
}

fn label(peer: Peer, count: usize) -> String {
    format!("{} {count}", peer.name())
}
