//! What stands before the scenarios: the budget's lines, and the peers that do better.

use super::table::wide;
use crate::budget::BUDGETS;
use crate::metric::Metric;
use crate::results::{Measured, Results};
use crate::scenario::{Formula, Scenario};

/// Each line of the budget with its verdict, by the median.
pub(super) fn budgets(results: &Results, scenarios: &[Scenario]) -> String {
    let mut text = "## Budget\n\n| what | budget | measured: median (min – max) | |\n|---|---:|---:|---|\n".to_owned();
    for budget in &BUDGETS {
        let unit = budget.unit;
        let (measured, verdict) = match budget.measured(results, scenarios) {
            None => ("–".to_owned(), "not measured"),
            Some(spread) if spread.median <= budget.limit => (wide(spread, 2, unit), "met"),
            Some(spread) => (wide(spread, 2, unit), "**not met**"),
        };
        text.push_str(&format!("| {} | ≤ {:.2}{unit} | {measured} | {verdict} |\n", budget.line, budget.limit));
    }
    text + "\n"
}

/// Every comparison of Tollgate with another in which the other does better.
pub(super) fn peers_that_win(results: &Results, scenarios: &[Scenario]) -> String {
    let mut lines = String::new();
    for scenario in scenarios {
        let Some(measured) = results.get(scenario.name) else { continue };
        for comparison in &scenario.comparisons {
            let own = comparison.theirs.starts_with("tollgate") || !comparison.ours.starts_with("tollgate");
            if own || comparison.formula != Formula::Ratio {
                continue;
            }
            let Some(spread) = measured.compare(comparison) else { continue };
            let (does_better, how) = match comparison.of {
                Metric::RequestsPerSecond => (spread.median < 1.0, "answers more requests".to_owned()),
                other => (spread.median > 1.0, format!("needs less {}", quantity(other))),
            };
            if does_better {
                let (ours, theirs, times) = (&comparison.ours, &comparison.theirs, wide(spread, 2, ""));
                lines.push_str(&format!("- {}: {theirs} {how} than {ours}; ratio {times}.\n", scenario.title));
            }
        }
    }
    let none = "- In none of the comparisons on this page.\n".to_owned();
    format!("## Where a peer wins\n\n{}\n", if lines.is_empty() { none } else { lines })
}

/// Fewer rounds show that all works, and no more.
const ROUNDS_TO_QUOTE: u32 = 3;

/// When, how often, and with what.
pub(super) fn circumstances(measured: &Measured) -> String {
    let versions = measured.versions.iter().map(|(peer, version)| format!("{peer} {version}"));
    let machine = &measured.machine;
    let commit = measured.commit.as_ref().map_or_else(String::new, |commit| format!(", checkout at {commit}"));
    let quick = if measured.rounds < ROUNDS_TO_QUOTE { "**A quick run, not to quote.** " } else { "" };
    format!(
        "{quick}{}{commit}; {} rounds of {} s; {}, {} cores, {} GiB, {}, Linux {}; {}.",
        measured.date,
        measured.rounds,
        measured.seconds,
        machine.cpu,
        machine.cores,
        machine.memory_gib,
        machine.system,
        machine.kernel,
        versions.collect::<Vec<_>>().join(", ")
    )
}

fn quantity(metric: Metric) -> &'static str {
    match metric {
        Metric::CpuUs => "CPU",
        Metric::StartMs | Metric::ServingMs => "time",
        Metric::RssMib | Metric::LoadedRssMib => "memory",
        _ => "of it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Sample;
    use crate::results::tests::measured;
    use crate::scenario;

    fn results(tollgate: f64) -> Results {
        let mut measured = measured();
        for sample in &mut measured.contenders[0].rounds {
            *sample = Some(Sample::from([(Metric::CpuUs, tollgate)]));
        }
        let mut results = Results::default();
        results.put("plain", measured);
        results
    }

    #[test]
    fn a_line_of_the_budget_is_met_or_not_or_not_measured() {
        let verdicts = |tollgate| budgets(&results(tollgate), &scenario::all());
        let text = verdicts(9.0);
        assert!(text.contains("nginx's | ≤ 1.00 | 0.68 (0.45 – 0.90) | met |"), "{text}");
        assert!(text.contains("| One shared hop | ≤ 1.00 µs | – | not measured |"), "{text}");
        let text = verdicts(30.0);
        assert!(text.contains("| 2.25 (1.50 – 3.00) | **not met** |"), "{text}");
    }

    #[test]
    fn a_quick_run_says_so() {
        let mut measured = measured();
        assert!(circumstances(&measured).starts_with("**A quick run, not to quote.** 2026-01-01; 2 rounds of 1 s;"));
        measured.rounds = ROUNDS_TO_QUOTE;
        assert!(circumstances(&measured).starts_with("2026-01-01; 3 rounds of 1 s;"));
    }

    #[test]
    fn a_peer_that_wins_is_named() {
        let text = peers_that_win(&results(30.0), &scenario::all());
        assert!(text.contains("Plain proxy, 1 KiB: nginx needs less CPU than tollgate; ratio 2.25"), "{text}");
        assert!(peers_that_win(&results(9.0), &scenario::all()).contains("In none"));
    }

    #[test]
    fn more_requests_in_a_second_are_better() {
        let wins = |tollgate: f64| {
            let mut measured = measured();
            for (contender, (name, rate)) in
                measured.contenders.iter_mut().zip([("tollgate", tollgate), ("apollo", 2.0)])
            {
                contender.label = name.to_owned();
                contender.rounds = vec![Some(Sample::from([(Metric::RequestsPerSecond, rate)]))];
            }
            let mut results = Results::default();
            results.put("graphql", measured);
            peers_that_win(&results, &scenario::all())
        };
        assert!(wins(16.0).contains("In none"), "{}", wins(16.0));
        assert!(
            wins(1.0).contains("GraphQL over two services: apollo answers more requests than tollgate; ratio 0.50"),
            "{}",
            wins(1.0)
        );
    }
}
