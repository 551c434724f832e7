//! An answer that is kept.

use super::{LOAD_COLUMNS, Measure, Scenario, against_all, contender};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::{KEPT, SMALL};

/// Those that have a cache. Why the others have none to compare with is in their files.
const PEERS: [Peer; 4] = [Peer::Tollgate, Peer::Nginx, Peer::Haproxy, Peer::Varnish];

pub(super) fn scenario() -> Scenario {
    // `no-cache` would have a cache that heeds its clients ask the service each time.
    let request = || Request::get(KEPT).without("cache-control");
    let check = Check::new("an answer that was kept", request(), 200).bytes(SMALL).same("seen-request");
    let load = || Measure::Load(Load::of(request()));
    let contenders: Vec<_> = PEERS.map(|peer| contender(peer, Job::Cache, load(), vec![check.clone()])).into();
    Scenario {
        name: "cache",
        title: "A hit of the cache, 1 KiB",
        about: "`GET` of an answer of 1 KiB that may be kept for a day, and is: it names the request it was made for, \
                and that stays the same. Tollgate's is the Wasm plugin `cache`, which decides about each request, in \
                memory; nginx has it in a file (`proxy_cache`), HAProxy and Varnish in memory. Varnish has a thread \
                for each busy client, all on the one core.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: against_all(&contenders, Metric::CpuUs),
        contenders,
    }
}
