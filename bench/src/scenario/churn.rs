//! A connection for each request.

use super::{LOAD_COLUMNS, Measure, Scenario, against_all, contender, small_answer};
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;

pub(super) fn scenario() -> Scenario {
    let load = || Measure::Load(Load::of(Request::get("/").header("connection", "close")));
    let contenders: Vec<_> = Peer::GATEWAYS.map(|peer| contender(peer, Job::Proxy, load(), small_answer())).into();
    Scenario {
        name: "churn",
        title: "A connection for each request",
        about: "As the plain proxy, but each request comes on a connection of its own, with `connection: close`. \
                Connections to the service are kept open.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: against_all(&contenders, Metric::CpuUs),
        contenders,
    }
}
