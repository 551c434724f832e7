//! A token and a rate limit.

use super::{LOAD_COLUMNS, Measure, Scenario, against_all, contender};
use crate::check::Check;
use crate::http::Request;
use crate::job::{Job, SUBJECT, TOKEN};
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SMALL;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get("/").header("authorization", &format!("Bearer {TOKEN}"));
    let forged = format!("Bearer {}A", TOKEN.trim_end_matches('Q').trim_end_matches('d'));
    let checks = vec![
        Check::new("a good token", request(), 200).bytes(SMALL).header("seen-user", SUBJECT),
        Check::new("no token", Request::get("/"), 401),
        Check::new("a forged token", Request::get("/").header("authorization", &forged), 401),
    ];
    let contenders: Vec<_> = Peer::GATEWAYS
        .map(|peer| contender(peer, Job::JwtAndLimit, Measure::Load(Load::of(request())), checks.clone()))
        .into();
    Scenario {
        name: "jwt",
        title: "JWT and rate limit",
        about: "A token signed with HS256: signature, algorithm, issuer and expiry are checked, its subject goes into \
                a header field for the service, and the requests of each subject are counted against a limit that is \
                never reached. Tollgate runs two Wasm plugins and adds `RateLimit` fields to the answer; HAProxy does \
                it natively; Envoy with two native filters, which count all subjects together; Express with \
                `jsonwebtoken` and `express-rate-limit`.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: against_all(&contenders, Metric::CpuUs)
            .into_iter()
            .filter(|comparison| comparison.theirs != "nginx" && comparison.theirs != "caddy")
            .collect(),
        contenders,
    }
}
