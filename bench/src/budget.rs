//! What the gateway is meant to cost: a line each, and what was measured beside it.

use crate::metric::Metric;
use crate::results::Results;
use crate::scenario::Scenario;
use crate::stats::Spread;

/// A line of the budget.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) line: &'static str,
    scenario: &'static str,
    figure: Figure,
    /// The figure's median must not be above it.
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
}

/// Where the number comes from.
#[derive(Debug)]
enum Figure {
    /// A comparison, by its title.
    Comparison(&'static str),
    /// A contender's own number.
    Value(&'static str, Metric),
}

use Figure::{Comparison, Value};

/// In their order in the report.
pub(crate) const BUDGETS: [Budget; 15] = [
    line("Plain proxy, 1 KiB: CPU per request by nginx's", "plain", Comparison("tollgate / nginx"), 1.00, ""),
    line("One shared hop", "hops", Comparison("each hop of tollgate 1 shared, µs"), 1.0, " µs"),
    line("Each of 16 shared hops", "hops", Comparison("each hop of tollgate 16 shared, µs"), 1.0, " µs"),
    line("One fresh hop", "hops", Comparison("each hop of tollgate 1 fresh, µs"), 13.0, " µs"),
    line("Each of 16 fresh hops", "hops", Comparison("each hop of tollgate 16 fresh, µs"), 13.0, " µs"),
    line("JWT and rate limit in Wasm: CPU by HAProxy's, native", "jwt", Comparison("tollgate / haproxy"), 1.00, ""),
    line("Three services, one JSON: CPU by nginx + Lua's", "aggregate", Comparison("tollgate / nginx"), 0.70, ""),
    line("GraphQL over two services: CPU by Apollo Server's", "graphql", Comparison("tollgate / apollo"), 0.066, ""),
    line("A hit of the cache, 1 KiB: CPU by nginx's", "cache", Comparison("tollgate / nginx"), 1.00, ""),
    line("1 MiB both ways: CPU by HAProxy's", "bodies", Comparison("tollgate / haproxy"), 1.00, ""),
    line("10,000 routes: CPU by that with 10", "routes", Comparison("tollgate 10000 / tollgate 10"), 1.05, ""),
    line("RSS with all built-ins, after load", "start", Value("tollgate", Metric::LoadedRssMib), 40.0, " MiB"),
    line("Start with all built-ins, compiled before", "start", Value("tollgate", Metric::StartMs), 100.0, " ms"),
    line(
        "A changed plugin, written to serving, at rest",
        "plugin-change",
        Value("tollgate at rest", Metric::ServingMs),
        200.0,
        " ms",
    ),
    line("The same under load", "plugin-change", Value("tollgate under load", Metric::ServingMs), 200.0, " ms"),
];

const fn line(line: &'static str, scenario: &'static str, figure: Figure, limit: f64, unit: &'static str) -> Budget {
    Budget { line, scenario, figure, limit, unit }
}

impl Budget {
    /// None where it was not measured.
    pub(crate) fn measured(&self, results: &Results, scenarios: &[Scenario]) -> Option<Spread> {
        let measured = results.get(self.scenario)?;
        match self.figure {
            Figure::Value(label, metric) => measured.value(label, metric),
            Figure::Comparison(title) => {
                let scenario = scenarios.iter().find(|scenario| scenario.name == self.scenario)?;
                measured.compare(scenario.comparisons.iter().find(|comparison| comparison.title == title)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::measured;
    use crate::scenario;

    #[test]
    fn every_line_names_a_figure_there_is() {
        let scenarios = scenario::all();
        for budget in &BUDGETS {
            let scenario = scenarios.iter().find(|scenario| scenario.name == budget.scenario).unwrap();
            let there = match budget.figure {
                Figure::Comparison(title) => scenario.comparisons.iter().any(|comparison| comparison.title == title),
                Figure::Value(label, metric) => {
                    scenario.columns.contains(&metric) && scenario.contenders.iter().any(|c| c.label == label)
                }
            };
            assert!(there, "{}", budget.line);
        }
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        let mut results = Results::default();
        assert!(BUDGETS[0].measured(&results, &scenario::all()).is_none());
        results.put("plain", measured());
        assert_eq!(BUDGETS[0].measured(&results, &scenario::all()).unwrap().median, 0.9);
    }
}
