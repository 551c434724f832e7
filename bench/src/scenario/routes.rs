//! Many routes.

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, ratio};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::{Load, Paths};
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SMALL;

const COUNTS: [usize; 3] = [10, 1_000, 10_000];

pub(super) fn scenario() -> Scenario {
    let peers = [Peer::Tollgate, Peer::Nginx, Peer::Haproxy, Peer::Envoy];
    let contenders = peers.iter().flat_map(|peer| COUNTS.map(|count| one(*peer, count))).collect();
    let growth = peers.map(|peer| ratio(&label(peer, 10_000), &label(peer, 10), Metric::CpuUs));
    let beside = [Peer::Nginx, Peer::Haproxy, Peer::Envoy]
        .map(|peer| ratio(&label(Peer::Tollgate, 10_000), &label(peer, 10_000), Metric::CpuUs));
    Scenario {
        name: "routes",
        title: "10, 1,000 and 10,000 routes",
        about: "Routes that differ in the path's first segment, all of them asked for in turns; any other path is 404. \
                nginx has a `location` for each, HAProxy a map (`map_beg`), Envoy a list of prefixes, which it goes \
                through one by one. Caddy and Express do that too and are left out.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: growth.into_iter().chain(beside).collect(),
        contenders,
    }
}

fn one(peer: Peer, count: usize) -> Contender {
    let path = |number: usize| Request::get(&format!("/service-{number}/items/1042"));
    let checks = vec![
        Check::new("the first route", path(0), 200).bytes(SMALL),
        Check::new("the last route", path(count - 1), 200).bytes(SMALL),
        Check::new("no route", path(count), 404),
    ];
    let paths = Paths { count, before: "/service-", behind: "/items/1042" };
    let load = Load { paths: Some(paths), ..Load::of(path(0)) };
    Contender { label: label(peer, count), peer, job: Job::Routes(count), measure: Measure::Load(load), checks }
}

fn label(peer: Peer, count: usize) -> String {
    format!("{} {count}", peer.name())
}
