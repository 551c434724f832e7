//! Large bodies.

use super::{LOAD_COLUMNS, Measure, Scenario, against_all, contender};
use crate::check::Check;
use crate::http::{Body, Request};
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::{LARGE, UPLOAD};

/// More would only wait for the one core of load and services.
const CONNECTIONS: usize = 16;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get(UPLOAD).post(Body::Letters(LARGE));
    let check = Check::new("1 MiB both ways", request(), 200).bytes(LARGE).header("seen-bytes", LARGE.to_string());
    let load = || Measure::Load(Load { connections: CONNECTIONS, ..Load::of(request()) });
    let contenders: Vec<_> = Peer::GATEWAYS.map(|peer| contender(peer, Job::Proxy, load(), vec![check.clone()])).into();
    Scenario {
        name: "bodies",
        title: "1 MiB both ways",
        about: "`POST` with a body of 1 MiB, answered with 1 MiB once all of it arrived; 16 connections. nginx streams \
                bodies as the others do (`proxy_request_buffering off`). Load and services are the limit of \
                requests/s here, so CPU per request is what to compare.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: against_all(&contenders, Metric::CpuUs),
        contenders,
    }
}
