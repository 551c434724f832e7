//! The machine, in the words of the report.

use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::tools::output;

/// What figures depend on besides the programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) system: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let of = |text: &str, key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("unknown").to_owned();
            line.trim_start_matches(['\t', ' ', ':', '=']).trim_matches('"').to_owned()
        };
        let memory = of(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0_u64);
        Self {
            cpu: of(&read("/proc/cpuinfo"), "model name"),
            cores: available_parallelism().map_or(1, usize::from),
            memory_gib: memory.div_ceil(1024 * 1024),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: of(&read("/etc/os-release"), "PRETTY_NAME"),
        }
    }
}

/// The commit that was measured, if this is a checkout.
pub(crate) fn commit() -> Option<String> {
    output("git", &["rev-parse", "--short", "HEAD"]).ok().map(|text| text.trim().to_owned())
}

/// Today, for people.
pub(crate) fn today() -> String {
    output("date", &["--utc", "+%Y-%m-%d"]).map(|text| text.trim().to_owned()).unwrap_or_default()
}
