//! The scenarios: one file each. What each contender is to do, what is sent, and what is right.

pub(crate) mod aggregate;
mod bodies;
mod cache;
mod churn;
mod connections;
pub(crate) mod graphql;
mod hops;
mod jwt;
mod plain;
mod plugin_change;
mod reload;
mod routes;
mod sizes;
mod start;

use crate::check::Check;
use crate::http::Request;
use crate::job::Job;
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::SMALL;

/// A question, and whom it is put to.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// For the command line and file names.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What happens, for the report: in Markdown.
    pub(crate) about: &'static str,
    /// What is compared and drawn.
    pub(crate) primary: Metric,
    /// What the table shows.
    pub(crate) columns: &'static [Metric],
    pub(crate) contenders: Vec<Contender>,
    pub(crate) comparisons: Vec<Comparison>,
}

/// A peer with a job.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) label: String,
    pub(crate) peer: Peer,
    pub(crate) job: Job,
    pub(crate) measure: Measure,
    pub(crate) checks: Vec<Check>,
}

/// How a number is got.
#[derive(Debug)]
pub(crate) enum Measure {
    /// Requests, for a time.
    Load(Load),
    /// The same, while the gateway is reloaded twice: to another instance of the services, and back.
    Reload(Load),
    /// A start, until the first answer; then a second of load.
    Start(Load),
    /// A plugin's file is replaced; until the first answer of the new version. With load, meanwhile.
    PluginChange(Option<Load>),
}

/// A figure to quote: of two contenders, round by round.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) of: Metric,
    pub(crate) formula: Formula,
}

/// How two numbers become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Formula {
    /// Ours by theirs.
    Ratio,
    /// What each of so many steps adds: the difference, divided.
    EachOf(usize),
}

/// In their order in the report.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        plain::scenario(),
        jwt::scenario(),
        hops::scenario(),
        aggregate::scenario(),
        graphql::scenario(),
        cache::scenario(),
        sizes::scenario(),
        bodies::scenario(),
        routes::scenario(),
        connections::scenario(),
        churn::scenario(),
        reload::scenario(),
        plugin_change::scenario(),
        start::scenario(),
    ]
}

/// Most scenarios' columns.
const LOAD_COLUMNS: &[Metric] = &[
    Metric::CpuUs,
    Metric::RequestsPerSecond,
    Metric::BusyPercent,
    Metric::P50Ms,
    Metric::P90Ms,
    Metric::P99Ms,
    Metric::RssMib,
    Metric::Errors,
];

/// A contender under its peer's name.
fn contender(peer: Peer, job: Job, measure: Measure, checks: Vec<Check>) -> Contender {
    Contender { label: peer.name().to_owned(), peer, job, measure, checks }
}

/// Tollgate by each of the others.
fn against_all(contenders: &[Contender], of: Metric) -> Vec<Comparison> {
    let others = contenders.iter().filter(|contender| contender.peer != Peer::Tollgate);
    others.map(|other| ratio("tollgate", &other.label, of)).collect()
}

fn ratio(ours: &str, theirs: &str, of: Metric) -> Comparison {
    let (ours, theirs) = (ours.to_owned(), theirs.to_owned());
    Comparison { title: format!("{ours} / {theirs}"), ours, theirs, of, formula: Formula::Ratio }
}

/// That the small answer comes, and that the service was told who asks.
fn small_answer() -> Vec<Check> {
    let check = Check::new("a small answer", Request::get("/"), 200);
    // Whose address it is differs: for a client on the same machine Envoy says the machine's.
    vec![check.bytes(SMALL).has("seen-for")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_of_contenders_there_are() {
        for scenario in all() {
            let has = |label: &String| scenario.contenders.iter().any(|contender| contender.label == *label);
            for comparison in &scenario.comparisons {
                assert!(has(&comparison.ours) && has(&comparison.theirs), "{}: {}", scenario.name, comparison.title);
            }
            assert!(scenario.columns.contains(&scenario.primary), "{}", scenario.name);
        }
    }

    #[test]
    fn names_are_unique() {
        for scenario in all() {
            let mut labels: Vec<_> = scenario.contenders.iter().map(|contender| &contender.label).collect();
            labels.sort();
            labels.dedup();
            assert_eq!(labels.len(), scenario.contenders.len(), "{}", scenario.name);
        }
        let mut names: Vec<_> = all().iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
