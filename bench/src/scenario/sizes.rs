//! Answers that are longer than one kilobyte and shorter than a megabyte, which most are.

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, ratio};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SIZES;

const PEERS: [Peer; 3] = [Peer::Tollgate, Peer::Nginx, Peer::Haproxy];

/// More would only wait for the one core of load and services.
const CONNECTIONS: usize = 16;

pub(super) fn scenario() -> Scenario {
    let contenders = PEERS.iter().flat_map(|peer| SIZES.map(|kib| one(*peer, kib))).collect();
    let beside = [Peer::Nginx, Peer::Haproxy]
        .into_iter()
        .flat_map(|peer| SIZES.map(|kib| ratio(&label(Peer::Tollgate, kib), &label(peer, kib), Metric::CpuUs)));
    Scenario {
        name: "sizes",
        title: "Answers of 10, 64 and 256 KiB",
        about: "As the plain proxy, with longer answers and 16 connections.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: beside.collect(),
        contenders,
    }
}

fn one(peer: Peer, kib: usize) -> Contender {
    let request = Request::get(&format!("/kib/{kib}"));
    let checks = vec![Check::new("the answer", request.clone(), 200).bytes(kib * 1024)];
    let measure = Measure::Load(Load { connections: CONNECTIONS, ..Load::of(request) });
    Contender { label: label(peer, kib), peer, job: Job::Proxy, measure, checks }
}

fn label(peer: Peer, kib: usize) -> String {
    format!("{} {kib}", peer.name())
}
