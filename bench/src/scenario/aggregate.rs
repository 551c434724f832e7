//! Three services, one JSON answer.

use serde_json::{Map, Value};

use super::{Contender, LOAD_COLUMNS, Measure, Scenario, contender, ratio};
use crate::check::Check;
use crate::http::Request;
use crate::job::{Answers, Job, PARTS};
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::texts;

pub(super) fn scenario() -> Scenario {
    let request = || Request::get("/dashboard");
    let joins = |label: &str, peer, job: fn(Answers) -> Job, answers| {
        let check = Check::new("the joined answer", request(), 200).json(joined(answers));
        let contender = contender(peer, job(answers), Measure::Load(Load::of(request())), vec![check]);
        Contender { label: label.to_owned(), ..contender }
    };
    let all = Peer::GATEWAYS.map(|peer| joins(peer.name(), peer, Job::Aggregate, Answers::Short));
    let parsed = joins("nginx parsed", Peer::Nginx, Job::AggregateParsed, Answers::Short);
    let long = [
        ("tollgate 5 KB", Peer::Tollgate, Job::Aggregate as fn(Answers) -> Job),
        ("nginx 5 KB", Peer::Nginx, Job::Aggregate),
        ("nginx parsed 5 KB", Peer::Nginx, Job::AggregateParsed),
    ];
    let long = long.map(|(label, peer, job)| joins(label, peer, job, Answers::Long));
    let short = ["nginx", "nginx parsed", "express"].map(|other| ratio("tollgate", other, Metric::CpuUs));
    let longer = ["nginx 5 KB", "nginx parsed 5 KB"].map(|other| ratio("tollgate 5 KB", other, Metric::CpuUs));
    Scenario {
        name: "aggregate",
        title: "Three services, one JSON answer",
        about: "Three calls at the same time, to three addresses, joined to one JSON object. Tollgate's `aggregate` \
                checks that each part is JSON; nginx's Lua (`ngx.location.capture_multi`) puts the bodies together \
                unchecked, and *parsed* decodes and encodes them with `cjson`; Express parses and prints them. The \
                three answers have 400 bytes, and 5 KB where that is said.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: short.into_iter().chain(longer).collect(),
        contenders: all.into_iter().chain([parsed]).chain(long).collect(),
    }
}

pub(crate) fn joined(answers: Answers) -> Value {
    let parts = PARTS.iter().zip(texts(answers));
    let parts = parts.map(|((name, _), json)| ((*name).to_owned(), serde_json::from_str(&json).unwrap_or(Value::Null)));
    Value::Object(parts.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_answers_are_json() {
        for joined in [Answers::Short, Answers::Long].map(joined) {
            assert!(PARTS.iter().all(|(name, _)| !joined[*name].is_null()), "{joined}");
        }
        let bytes: usize = texts(Answers::Long).iter().map(String::len).sum();
        assert!((4_500..5_500).contains(&bytes), "{bytes}");
    }
}
