//! Reload under load.

use super::{Contender, Measure, Scenario, ratio, small_answer};
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;

pub(super) fn scenario() -> Scenario {
    let load = || Load::of(Request::get("/"));
    let one = |peer: Peer, label: String, measure: Measure| Contender {
        label,
        peer,
        job: Job::Proxy,
        measure,
        checks: small_answer(),
    };
    let peers = [Peer::Tollgate, Peer::Nginx, Peer::Haproxy, Peer::Caddy];
    let mut contenders = Vec::new();
    for peer in peers {
        contenders.push(one(peer, steady(peer), Measure::Load(load())));
        contenders.push(one(peer, reloading(peer), Measure::Reload(load())));
    }
    for peer in [Peer::Envoy, Peer::Express] {
        contenders.push(one(peer, reloading(peer), Measure::Reload(load())));
    }
    let comparisons = peers.map(|peer| ratio(&reloading(peer), &steady(peer), Metric::P99Ms));
    Scenario {
        name: "reload",
        title: "Reload under load",
        about: "While 64 connections are busy, the config is changed twice, to other services and back, and reloaded as \
                each peer's manual says: Tollgate sees the changed file, nginx gets HUP, HAProxy USR2 (with its master \
                process), Caddy `caddy reload`. An error is a request that was not answered. Answers of the other \
                services prove that the change took effect.",
        primary: Metric::P99Ms,
        columns: &[
            Metric::P50Ms,
            Metric::P99Ms,
            Metric::MaxMs,
            Metric::Errors,
            Metric::CpuUs,
            Metric::RequestsPerSecond,
            Metric::RssMib,
        ],
        comparisons: comparisons.into(),
        contenders,
    }
}

fn steady(peer: Peer) -> String {
    format!("{} steady", peer.name())
}

fn reloading(peer: Peer) -> String {
    format!("{} reloading", peer.name())
}
