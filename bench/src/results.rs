//! What was measured, as it is kept: one file, one entry for each scenario.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::machine::Machine;
use crate::metric::{Metric, Sample};
use crate::scenario::{Comparison, Formula};
use crate::stats::{Spread, pairwise, spread};

/// All scenarios that were ever run, each as it was the last time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    scenarios: BTreeMap<String, Measured>,
}

/// One scenario's numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) date: String,
    pub(crate) commit: Option<String>,
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    /// Of the peers that took part.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) contenders: Vec<Row>,
}

/// One contender's numbers, a sample for each round; none for a round that failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) label: String,
    /// Why there are no numbers, or not all.
    pub(crate) reason: Option<String>,
    pub(crate) rounds: Vec<Option<Sample>>,
}

impl Results {
    /// Nothing, where there is no file yet.
    pub(crate) fn load(folder: &Path) -> Outcome<Self> {
        let file = file(folder);
        match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    pub(crate) fn store(&self, folder: &Path) -> Outcome<()> {
        let file = file(folder);
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text + "\n"))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    pub(crate) fn put(&mut self, scenario: &str, measured: Measured) {
        self.scenarios.insert(scenario.to_owned(), measured);
    }

    pub(crate) fn get(&self, scenario: &str) -> Option<&Measured> {
        self.scenarios.get(scenario)
    }
}

impl Measured {
    /// A contender's numbers over all rounds.
    pub(crate) fn value(&self, label: &str, metric: Metric) -> Option<Spread> {
        let values: Vec<f64> = self.column(label, metric)?.into_iter().flatten().collect();
        spread(&values)
    }

    pub(crate) fn compare(&self, comparison: &Comparison) -> Option<Spread> {
        let ours = self.column(&comparison.ours, comparison.of)?;
        let theirs = self.column(&comparison.theirs, comparison.of)?;
        #[expect(clippy::cast_precision_loss, reason = "16 steps at the most")]
        pairwise(&ours, &theirs, |ours, theirs| match comparison.formula {
            Formula::Ratio => ours / theirs,
            Formula::EachOf(steps) => (ours - theirs) / steps as f64,
        })
    }

    fn column(&self, label: &str, metric: Metric) -> Option<Vec<Option<f64>>> {
        let row = self.contenders.iter().find(|row| row.label == label)?;
        Some(row.rounds.iter().map(|sample| sample.as_ref()?.get(&metric).copied()).collect())
    }
}

pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("results.json")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two contenders with two rounds, and one that could not take part.
    pub(crate) fn measured() -> Measured {
        let row = |label: &str, values: [f64; 2]| Row {
            label: label.to_owned(),
            reason: None,
            rounds: values.map(|value| Some(Sample::from([(Metric::CpuUs, value)]))).into(),
        };
        let nobody = Row { label: "caddy".to_owned(), reason: Some("not installed".to_owned()), rounds: Vec::new() };
        Measured {
            date: "2026-01-01".to_owned(),
            commit: None,
            machine: Machine::here(),
            rounds: 2,
            seconds: 1,
            versions: BTreeMap::new(),
            contenders: vec![row("tollgate", [9.0, 18.0]), row("nginx", [10.0, 20.0]), nobody],
        }
    }

    fn comparison(formula: Formula) -> Comparison {
        let (ours, theirs) = ("tollgate".to_owned(), "nginx".to_owned());
        Comparison { title: String::new(), ours, theirs, of: Metric::CpuUs, formula }
    }

    #[test]
    fn contenders_are_compared_within_a_round() {
        let ratio = measured().compare(&comparison(Formula::Ratio)).unwrap();
        assert_eq!((ratio.min, ratio.max), (0.9, 0.9));
        let step = measured().compare(&comparison(Formula::EachOf(2))).unwrap();
        assert_eq!((step.min, step.max), (-1.0, -0.5));
    }

    #[test]
    fn a_scenario_measured_again_replaces_itself_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("tollgate-bench-results-{}", std::process::id()));
        let mut results = Results::default();
        results.put("plain", measured());
        results.put("hops", measured());
        results.store(&folder).unwrap();
        let mut results = Results::load(&folder).unwrap();
        results.put("hops", Measured { rounds: 7, ..measured() });
        results.store(&folder).unwrap();
        let results = Results::load(&folder).unwrap();
        assert_eq!(results.get("plain").unwrap().rounds, 2);
        assert_eq!(results.get("hops").unwrap().rounds, 7);
        assert_eq!(results.get("plain").unwrap().value("nginx", Metric::CpuUs).unwrap().median, 15.0);
        fs::remove_dir_all(folder).unwrap();
    }
}
