//! The guard: what a request costs in instructions and allocations, against what is recorded.
//!
//! Time says little on a busy machine; these two numbers are the same there, within a fraction of a
//! percent. The gateway runs under valgrind, which counts them. Absent on purpose: what counting
//! cannot see, such as the kernel's work, waiting, and misses of the processor's caches; `make
//! bench` measures those.

mod callgrind;
mod case;
mod gateway;
mod hot;
mod record;
mod table;
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::tools::{absolute, output};
use case::Case;
use gateway::{Gateway, Names};
use hot::Hot;
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
    /// Instead of comparing, write which functions the requests ran to a script for the linker: host/build/hot.ld.
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    hot: Option<PathBuf>,
    /// The records.
    #[arg(long, default_value = "bench/guard.json", value_name = "FILE")]
    records: PathBuf,
    /// Folder for configs, logs and compiled plugins.
    #[arg(long, default_value = "target/bench/guard", value_name = "DIR")]
    scratch: PathBuf,
}

/// Counts all cases. The error says which of them costs more than is recorded.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    if let Some(script) = &options.hot {
        return gather(options, script);
    }
    let recorded = Records::load(&options.records)?;
    let mut now = Records::new(Versions::here()?);
    for case in cases(options)? {
        let (count, _) = count(&case, options, Names::ForPeople)?;
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

/// Writes what all cases run.
fn gather(options: &Options, script: &Path) -> Outcome<()> {
    let mut hot = Hot::default();
    for case in cases(options)? {
        println!("{}: {}", case.name, case.title);
        let (_, profile) = count(&case, options, Names::OfLinker)?;
        hot.add(&profile);
    }
    let symbols = output("nm", &["--format=posix", &options.tollgate.display().to_string()])?;
    fs::write(script, hot.script(&symbols)).map_err(|error| format!("{}: {error}", script.display()))
}

/// What one request costs the worker in the cheapest round, and the profile of the last one.
fn count(case: &Case, options: &Options, names: Names) -> Outcome<(Count, String)> {
    let counted = || {
        let upstream = Upstream::start()?;
        let (binary, scratch) = (absolute(&options.tollgate)?, absolute(&options.scratch)?);
        let mut gateway = Gateway::start(case, upstream.ports, &binary, &scratch, names)?;
        case.check.run(gateway.port)?;
        gateway.count(&case.request, WARM_UP, case.clients)?;
        let rounds =
            (0..ROUNDS).map(|_| gateway.count(&case.request, REQUESTS, case.clients)).collect::<Outcome<Vec<_>>>()?;
        Ok((rounds.into_iter().fold(Count::MOST, Count::least), gateway.profile()?))
    };
    counted().map_err(|error: String| format!("{}: {error}", case.name))
}
