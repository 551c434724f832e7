//! The guard: what a request costs in instructions and allocations, against what is recorded.
//!
//! Time says little on a busy machine; these two numbers are the same there, within a fraction of a
//! percent. The gateway runs under valgrind, which counts them. Absent on purpose: what counting
//! cannot see, such as the kernel's work, waiting, and misses of the processor's caches; `make
//! bench` measures those.

mod callgrind;
mod case;
mod gateway;
mod record;
mod table;
mod upstream;

use std::path::PathBuf;

use crate::Outcome;
use crate::tools::absolute;
use case::Case;
use gateway::Gateway;
use record::{Count, Records, Versions};
use upstream::Upstream;

/// Requests before anything is counted: connections, caches and buffers are there afterwards.
const WARM_UP: u32 = 300;
/// Requests in a round.
const REQUESTS: u32 = 400;
/// Rounds; the cheapest counts. What disturbs one, such as an answer in two pieces, only adds to it.
const ROUNDS: u32 = 5;

/// The guard's command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The gateway's binary, built with `--release`, not stripped.
    #[arg(long, default_value = "target/release/tollgate", value_name = "PATH")]
    tollgate: PathBuf,
    /// Store what is counted as the new records, instead of failing where it is more.
    #[arg(long)]
    record: bool,
    /// Only this case.
    #[arg(long, value_name = "CASE", conflicts_with = "record")]
    only: Option<String>,
    /// The records.
    #[arg(long, default_value = "bench/guard.json", value_name = "FILE")]
    records: PathBuf,
    /// Folder for configs, logs and compiled plugins.
    #[arg(long, default_value = "target/bench/guard", value_name = "DIR")]
    scratch: PathBuf,
}

/// Counts all cases. The error says which of them costs more than is recorded.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    let recorded = Records::load(&options.records)?;
    let mut now = Records::new(Versions::here()?);
    for case in cases(options)? {
        let count = count(&case, options).map_err(|error| format!("{}: {error}", case.name))?;
        println!("{}: {}", case.name, case.title);
        now.put(case.name, count);
    }
    print!("\n{}", table::of(&recorded, &now));
    if options.record {
        now.store(&options.records)?;
        println!("Recorded in {}.", options.records.display());
        return Ok(());
    }
    now.must_not_exceed(&recorded)
}

fn cases(options: &Options) -> Outcome<Vec<Case>> {
    let mut cases = case::all();
    if let Some(only) = &options.only {
        cases.retain(|case| case.name == only);
        if cases.is_empty() {
            return Err(format!("there is no case `{only}`"));
        }
    }
    Ok(cases)
}

/// What one request costs the worker, in the cheapest round.
fn count(case: &Case, options: &Options) -> Outcome<Count> {
    let upstream = Upstream::start()?;
    let mut gateway =
        Gateway::start(case, upstream.ports, &absolute(&options.tollgate)?, &absolute(&options.scratch)?)?;
    case.check.run(gateway.port)?;
    gateway.count(&case.request, WARM_UP)?;
    let rounds = (0..ROUNDS).map(|_| gateway.count(&case.request, REQUESTS)).collect::<Outcome<Vec<_>>>()?;
    Ok(rounds.into_iter().fold(Count::MOST, Count::least))
}
