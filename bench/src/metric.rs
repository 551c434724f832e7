//! What is measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A number that a measurement gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// From the start of the process to the first right answer.
    StartMs,
    /// From writing a plugin's file to the first answer of the new version.
    ServingMs,
    RequestsPerSecond,
    /// User and system time of all the peer's processes, from /proc, for each request.
    CpuUs,
    /// CPU time by wall time: below 100 the load, not the gateway, was the limit of requests/s.
    BusyPercent,
    P50Ms,
    P90Ms,
    P99Ms,
    MaxMs,
    /// Resident memory of all the peer's processes.
    RssMib,
    /// The same after a second of load.
    LoadedRssMib,
    /// Broken connections, timeouts, and statuses above 399.
    Errors,
}

/// The numbers of one measurement.
pub(crate) type Sample = BTreeMap<Metric, f64>;

impl Metric {
    /// For the head of a table, or an axis.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::StartMs => "start, ms",
            Self::ServingMs => "written to serving, ms",
            Self::RequestsPerSecond => "requests/s",
            Self::CpuUs => "CPU per request, µs",
            Self::BusyPercent => "core busy, %",
            Self::P50Ms => "p50, ms",
            Self::P90Ms => "p90, ms",
            Self::P99Ms => "p99, ms",
            Self::MaxMs => "slowest, ms",
            Self::RssMib => "RSS, MiB",
            Self::LoadedRssMib => "RSS after load, MiB",
            Self::Errors => "errors",
        }
    }

    /// Digits after the point that mean something.
    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::RequestsPerSecond | Self::BusyPercent | Self::Errors => 0,
            Self::StartMs | Self::ServingMs | Self::CpuUs | Self::RssMib | Self::LoadedRssMib => 1,
            Self::P50Ms | Self::P90Ms | Self::P99Ms | Self::MaxMs => 2,
        }
    }
}
