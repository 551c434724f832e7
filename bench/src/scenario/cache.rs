//! An answer that is kept.

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, contender, ratio};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::{Load, Paths};
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::{KEPT, SMALL};

/// Those that have a cache. Why the others have none to compare with is in their files.
const PEERS: [Peer; 4] = [Peer::Tollgate, Peer::Nginx, Peer::Haproxy, Peer::Varnish];

/// Addresses asked for in turns.
const MANY: usize = 1000;

pub(super) fn scenario() -> Scenario {
    // `no-cache` would have a cache that heeds its clients ask the service each time.
    let request = || Request::get(KEPT).without("cache-control");
    let check = Check::new("an answer that was kept", request(), 200).bytes(SMALL).same("seen-request");
    let load = || Load::of(request());
    let one = |peer| contender(peer, Job::Cache, Measure::Load(load()), vec![check.clone()]);
    let paths = Paths { count: MANY, before: "/kept?number=", behind: "" };
    let many = |peer: Peer| Contender {
        label: label(peer),
        measure: Measure::Load(Load { paths: Some(paths), ..load() }),
        ..one(peer)
    };
    let contenders: Vec<_> = PEERS.map(one).into_iter().chain(PEERS[..2].iter().map(|peer| many(*peer))).collect();
    let beside = PEERS[1..].iter().map(|peer| ratio("tollgate", peer.name(), Metric::CpuUs));
    let many = ratio(&label(Peer::Tollgate), &label(Peer::Nginx), Metric::CpuUs);
    Scenario {
        name: "cache",
        title: "A hit of the cache, 1 KiB",
        about: "`GET` of an answer of 1 KiB that may be kept for a day, and is: it names the request it was made for, \
                and that stays the same. Tollgate's is the Wasm plugin `cache`, which decides what is an answer to what; \
                a worker that is asked for the same again gives what it decided again, until the `Age` in it is another, \
                which is a second at most. So there are also 1,000 addresses in turns, which leaves less to be given \
                again. Tollgate, HAProxy and Varnish have the answers in memory, nginx in files (`proxy_cache`). Varnish \
                has a thread for each busy client, all on the one core.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: beside.chain([many]).collect(),
        contenders,
    }
}

/// Of a peer that is asked for many addresses.
fn label(peer: Peer) -> String {
    format!("{} {MANY}", peer.name())
}
