//! Three services, one JSON answer.

use serde_json::{Map, Value};

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, contender, ratio};
use crate::check::Check;
use crate::http::Request;
use crate::job::{Job, PARTS};
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::JSON;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get("/dashboard");
    let check = Check::new("the joined answer", request(), 200).json(joined());
    let joins = |peer, job| contender(peer, job, Measure::Load(Load::of(request())), vec![check.clone()]);
    let mut contenders: Vec<_> = Peer::GATEWAYS.map(|peer| joins(peer, Job::Aggregate)).into();
    contenders.push(Contender { label: "nginx parsed".to_owned(), ..joins(Peer::Nginx, Job::AggregateParsed) });
    Scenario {
        name: "aggregate",
        title: "Three services, one JSON answer",
        about: "Three calls at the same time, to three addresses, joined to one JSON object. Tollgate's `aggregate` \
                checks that each part is JSON; nginx's Lua (`ngx.location.capture_multi`) puts the bodies together \
                unchecked, and *parsed* decodes and encodes them with `cjson`; Express parses and prints them.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: ["nginx", "nginx parsed", "express"].map(|other| ratio("tollgate", other, Metric::CpuUs)).into(),
        contenders,
    }
}

pub(crate) fn joined() -> Value {
    let parts = PARTS.iter().zip(JSON);
    let parts = parts.map(|((name, _), json)| ((*name).to_owned(), serde_json::from_str(json).unwrap_or(Value::Null)));
    Value::Object(parts.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_answers_are_json() {
        assert!(PARTS.iter().all(|(name, _)| !joined()[*name].is_null()), "{}", joined());
    }
}
