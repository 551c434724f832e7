//! What is recorded of each case, and what may not be exceeded.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::callgrind::Profile;
use crate::Outcome;
use crate::tools::output;

/// How much more than recorded a request may cost, in percent.
pub(super) const TOLERANCE: f64 = 5.0;

/// What one request costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
}

/// Programs that the counts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Versions {
    rustc: String,
    valgrind: String,
    glibc: String,
}

/// All cases, with what they were counted with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Records {
    pub(super) versions: Option<Versions>,
    pub(super) cases: BTreeMap<String, Count>,
}

/// How a count stands to its record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Nothing is recorded.
    New,
    /// Percent; negative is less.
    By(f64),
}

impl Count {
    /// More than any.
    pub(super) const MOST: Self = Self { instructions: f64::INFINITY, allocations: f64::INFINITY };

    #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 instructions")]
    pub(super) fn of(profile: Profile, requests: u32) -> Self {
        let each = |all: u64| all as f64 / f64::from(requests);
        // To the hundredth: what is behind it is chance, and no diff is to show it.
        let allocations = (each(profile.allocations) * 100.0).round() / 100.0;
        Self { instructions: each(profile.instructions).round(), allocations }
    }

    pub(super) fn least(self, other: Self) -> Self {
        Self {
            instructions: self.instructions.min(other.instructions),
            allocations: self.allocations.min(other.allocations),
        }
    }

    /// What is counted, by name.
    pub(super) fn values(self) -> [(&'static str, f64); 2] {
        [("instructions", self.instructions), ("allocations", self.allocations)]
    }
}

impl Versions {
    pub(super) fn here() -> Outcome<Self> {
        let version = |program: &str, argument: &str| output(program, &[argument]).map(|text| text.trim().to_owned());
        Ok(Self {
            rustc: version("rustc", "--version")?,
            valgrind: version("valgrind", "--version")?,
            glibc: version("getconf", "GNU_LIBC_VERSION")?,
        })
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}, {}", self.rustc, self.valgrind, self.glibc)
    }
}

impl Records {
    pub(super) fn new(versions: Versions) -> Self {
        Self { versions: Some(versions), cases: BTreeMap::new() }
    }

    /// Nothing, where there is no file yet.
    pub(super) fn load(file: &Path) -> Outcome<Self> {
        match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { versions: None, cases: BTreeMap::new() }),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    pub(super) fn store(&self, file: &Path) -> Outcome<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))
    }

    pub(super) fn put(&mut self, case: &str, count: Count) {
        self.cases.insert(case.to_owned(), count);
    }

    /// Each value of each case: case, what, now, and how it changed from `recorded`.
    pub(super) fn changes(&self, recorded: &Self) -> Vec<(&str, &'static str, f64, Change)> {
        let mut changes = Vec::new();
        for (case, now) in &self.cases {
            let before = recorded.cases.get(case).map(|count| count.values());
            for (at, (what, value)) in now.values().into_iter().enumerate() {
                let change = before.map_or(Change::New, |before| Change::from(before[at].1, value));
                changes.push((case.as_str(), what, value, change));
            }
        }
        changes
    }

    /// The error names all values that are more than [`TOLERANCE`] above their record, or have none.
    pub(super) fn must_not_exceed(&self, recorded: &Self) -> Outcome<()> {
        let changes = self.changes(recorded);
        let over: Vec<String> = changes
            .iter()
            .filter(|(_, _, _, change)| change.is_too_much())
            .map(|(case, what, _, _)| format!("{what} of {case}"))
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        Err(format!(
            "More than {TOLERANCE} % above the record, or without one: {}.\n\
             Where that is meant, record it: `make guard ARGS=--record`, and say why in the commit.",
            over.join(", ")
        ))
    }
}

impl Change {
    fn from(before: f64, now: f64) -> Self {
        if before > 0.0 { Self::By((now - before) / before * 100.0) } else { Self::New }
    }

    pub(super) fn is_too_much(self) -> bool {
        match self {
            Self::New => true,
            Self::By(percent) => percent > TOLERANCE,
        }
    }

    pub(super) fn is_much_less(self) -> bool {
        matches!(self, Self::By(percent) if percent < -TOLERANCE)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn records(instructions: f64, allocations: f64) -> Records {
        let cases = BTreeMap::from([("plain".to_owned(), Count { instructions, allocations })]);
        Records { versions: None, cases }
    }

    #[test]
    fn five_percent_more_passes_and_a_little_above_fails() {
        let recorded = records(1000.0, 20.0);
        assert_eq!(records(1050.0, 21.0).must_not_exceed(&recorded), Ok(()));
        let error = records(1051.0, 20.0).must_not_exceed(&recorded).unwrap_err();
        assert!(error.contains("instructions of plain") && !error.contains("allocations of"), "{error}");
        let error = records(1000.0, 21.1).must_not_exceed(&recorded).unwrap_err();
        assert!(error.contains("allocations of plain") && !error.contains("instructions of"), "{error}");
    }

    #[test]
    fn less_passes_however_much_it_is() {
        assert_eq!(records(10.0, 1.0).must_not_exceed(&records(1000.0, 20.0)), Ok(()));
        assert!(Change::from(100.0, 94.0).is_much_less() && !Change::from(100.0, 95.0).is_much_less());
    }

    #[test]
    fn a_case_without_a_record_fails() {
        let nothing = Records { versions: None, cases: BTreeMap::new() };
        assert!(records(1.0, 1.0).must_not_exceed(&nothing).is_err());
    }

    #[test]
    fn counts_are_for_one_request_and_the_least_of_all_rounds() {
        let first = Count::of(Profile { instructions: 4000, allocations: 81 }, 4);
        assert_eq!(first, Count { instructions: 1000.0, allocations: 20.25 });
        let second = Count { instructions: 1001.0, allocations: 20.0 };
        assert_eq!(Count::MOST.least(first).least(second), Count { instructions: 1000.0, allocations: 20.0 });
    }

    #[test]
    fn records_are_read_as_they_were_stored() {
        let file = std::env::temp_dir().join(format!("tollgate-bench-guard-{}", std::process::id()));
        assert!(Records::load(&file).unwrap().cases.is_empty());
        records(35_673.0, 19.01).store(&file).unwrap();
        assert_eq!(Records::load(&file), Ok(records(35_673.0, 19.01)));
        fs::write(&file, "{}").unwrap();
        assert!(Records::load(&file).is_err());
        fs::remove_file(file).unwrap();
    }
}
