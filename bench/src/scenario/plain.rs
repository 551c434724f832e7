//! A plain proxy: the least a gateway does.

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, against_all, contender, small_answer};
use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SMALL;

pub(super) fn scenario() -> Scenario {
    let load = || Measure::Load(Load::of(Request::get("/")));
    let mut contenders: Vec<Contender> =
        Peer::GATEWAYS.map(|peer| contender(peer, Job::Proxy, load(), small_answer())).into();
    let bare = Check::new("a small answer", Request::get("/"), 200).bytes(SMALL);
    for peer in [Peer::Nginx, Peer::Haproxy] {
        let label = format!("{} bare", peer.name());
        contenders.push(Contender { label, ..contender(peer, Job::BareProxy, load(), vec![bare.clone()]) });
    }
    Scenario {
        name: "plain",
        title: "Plain proxy, 1 KiB",
        about: "`GET /` with eight header fields; the service answers with 1 KiB. Every gateway tells the service \
                `x-forwarded-for`, `-host`, `-proto` and `x-request-id`, as Tollgate always does; *bare* is without them.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: against_all(&contenders, Metric::CpuUs),
        contenders,
    }
}
