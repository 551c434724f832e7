//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::Outcome;
use crate::guard;
use crate::peer::Peer;
use crate::scenario::{self, Scenario};

/// Measures Tollgate beside other gateways, and writes docs/performance.md.
#[derive(Debug, Parser)]
#[command(name = "tollgate-bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) instead: Option<Instead>,
    /// Only this scenario; may be given several times. Results of the others stay as they are.
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// How often each contender is measured, in turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Seconds of load in each measurement.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Two rounds of one second: to see that all works, not for figures to quote.
    #[arg(long)]
    quick: bool,
    /// Only these peers, with commas between them: tollgate,nginx,haproxy,envoy,caddy,express,apollo,varnish.
    #[arg(long, value_delimiter = ',', value_parser = Peer::parse)]
    peers: Vec<Peer>,
    /// The gateway's binary.
    #[arg(long, default_value = "target/release/tollgate", value_name = "PATH")]
    pub(crate) tollgate: PathBuf,
    /// Folder of results.json.
    #[arg(long, default_value = "bench", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The page the results are written into.
    #[arg(long, default_value = "docs/performance.md", value_name = "FILE")]
    pub(crate) docs: PathBuf,
    /// Folder for the peers, their configs and logs.
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    pub(crate) scratch: PathBuf,
    /// Core of the gateway that is measured. Load and services run on other cores.
    #[arg(long, default_value_t = 0)]
    pub(crate) core: usize,
    /// Write the page anew from the stored results, without measuring.
    #[arg(long)]
    pub(crate) report: bool,
    /// Name the scenarios.
    #[arg(long)]
    pub(crate) list: bool,
}

/// What it does instead of measuring beside other gateways.
#[derive(Debug, Subcommand)]
pub(crate) enum Instead {
    /// Count instructions and allocations for each request, and compare them with their records.
    Guard(guard::Options),
}

impl Args {
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 2 } else { self.rounds }
    }

    pub(crate) fn seconds(&self) -> u32 {
        if self.quick { 1 } else { self.seconds }
    }

    /// Whether a peer takes part.
    pub(crate) fn wants(&self, peer: Peer) -> bool {
        self.peers.is_empty() || self.peers.contains(&peer)
    }

    /// The scenarios to run, in their order.
    pub(crate) fn scenarios(&self) -> Outcome<Vec<Scenario>> {
        let all = scenario::all();
        if let Some(name) = self.only.iter().find(|name| all.iter().all(|scenario| scenario.name != **name)) {
            return Err(format!("there is no scenario `{name}`; `--list` names them"));
        }
        let wanted = |scenario: &Scenario| self.only.is_empty() || self.only.iter().any(|name| name == scenario.name);
        Ok(all.into_iter().filter(wanted).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Args {
        Args::try_parse_from([&["tollgate-bench"], words].concat()).unwrap()
    }

    #[test]
    fn only_some_scenarios_run_where_some_are_named() {
        let names: Vec<_> = parsed(&["--only", "hops", "--only", "plain"]).scenarios().unwrap();
        assert_eq!(names.iter().map(|scenario| scenario.name).collect::<Vec<_>>(), ["plain", "hops"]);
        assert!(parsed(&["--only", "plane"]).scenarios().is_err());
    }

    #[test]
    fn quick_goes_before_rounds_and_seconds() {
        let args = parsed(&["--quick", "--rounds", "9"]);
        assert_eq!((args.rounds(), args.seconds()), (2, 1));
    }

    #[test]
    fn the_guard_is_no_scenario() {
        assert!(matches!(parsed(&["guard", "--record"]).instead, Some(Instead::Guard(_))));
        assert!(Args::try_parse_from(["tollgate-bench", "--quick", "guard"]).is_err());
    }

    #[test]
    fn peers_are_named_with_commas() {
        let args = parsed(&["--peers", "tollgate,nginx"]);
        assert!(args.wants(Peer::Nginx) && !args.wants(Peer::Envoy));
        assert!(Args::try_parse_from(["tollgate-bench", "--peers", "apache"]).is_err());
    }
}
