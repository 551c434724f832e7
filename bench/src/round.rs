//! Runs one scenario: starts every contender, checks it, and measures them in turns.
//!
//! All run at the same time on the same core, and all but the one that is measured are stopped: their
//! connections and caches stay, and they take no time from it.

use std::collections::BTreeMap;

use crate::bench::Bench;
use crate::machine::{Machine, commit, today};
use crate::measure::{self, Runner};
use crate::metric::Sample;
use crate::results::{Measured, Row};
use crate::scenario::{Contender, Scenario};

pub(crate) fn run(scenario: &Scenario, bench: &Bench) -> Measured {
    let mut runners: Vec<(Row, Option<Runner>)> =
        scenario.contenders.iter().map(|contender| enter(scenario, contender, bench)).collect();
    // What is measured first would else be measured cold.
    for (row, runner) in &mut runners {
        if let Some(Err(error)) = runner.as_mut().map(|runner| runner.measure(bench, 1)) {
            leave(row, runner, error);
        }
    }
    for round in 1..=bench.args.rounds() {
        for (row, runner) in &mut runners {
            let Some(running) = runner else { continue };
            match running.measure(bench, bench.args.seconds()) {
                Ok(sample) => {
                    tell(scenario, round, &row.label, &sample);
                    row.rounds.push(Some(sample));
                }
                Err(error) => {
                    println!("  round {round}: {}: {error}", row.label);
                    row.rounds.push(None);
                    row.reason.get_or_insert(error);
                }
            }
        }
    }
    Measured {
        date: today(),
        commit: commit(),
        machine: Machine::here(),
        rounds: bench.args.rounds(),
        seconds: bench.args.seconds(),
        versions: versions(scenario, bench),
        contenders: runners.into_iter().map(|(row, _)| row).collect(),
    }
}

/// Starts a contender; where that fails, its row says why and stays empty.
fn enter<'a>(scenario: &Scenario, contender: &'a Contender, bench: &'a Bench) -> (Row, Option<Runner<'a>>) {
    let mut row = Row { label: contender.label.clone(), reason: None, rounds: Vec::new() };
    match measure::enter(scenario.name, contender, bench) {
        Ok(runner) => (row, Some(runner)),
        Err(error) => {
            println!("  {}: {error}", row.label);
            row.reason = Some(error);
            (row, None)
        }
    }
}

fn leave(row: &mut Row, runner: &mut Option<Runner>, error: String) {
    println!("  {}: {error}", row.label);
    row.reason = Some(error);
    *runner = None;
}

fn tell(scenario: &Scenario, round: u32, label: &str, sample: &Sample) {
    let primary = scenario.primary;
    let value = sample.get(&primary).copied().unwrap_or_default();
    println!("  round {round}: {label}: {value:.2} ({})", primary.title());
}

fn versions(scenario: &Scenario, bench: &Bench) -> BTreeMap<String, String> {
    let peers = scenario.contenders.iter().map(|contender| contender.peer);
    peers.filter_map(|peer| Some((peer.name().to_owned(), bench.version(peer).ok()?))).collect()
}
