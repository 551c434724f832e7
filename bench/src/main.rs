//! Tollgate beside other gateways: same machine, same run, same work, one core each.
//!
//! `make bench` installs the peers and runs this. Each scenario starts every peer, checks that its
//! answers are right, and then measures them in turns. Results go into `bench/results.json`, and
//! from there into `docs/performance.md`. `make guard` runs its subcommand [`guard`], which counts
//! where the rest measures. Absent on purpose: any part of the gateway; it is measured
//! as the binary that users run.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "the numbers in tests are computed the same way on both sides"))]

mod args;
mod bench;
mod budget;
mod check;
mod guard;
mod guests;
mod http;
mod idle;
mod job;
mod load;
mod machine;
mod measure;
mod metric;
mod peer;
mod process;
mod procfs;
mod report;
mod results;
mod round;
mod scenario;
mod services;
mod stats;
mod tools;

use std::process::ExitCode;

use args::{Args, Instead};
use bench::Bench;
use clap::Parser;
use results::Results;

/// What went wrong, for people: it is printed, or stands in the report as the reason.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if let Some(Instead::Guard(options)) = &args.instead {
        guard::run(options)
    } else if args.list {
        list();
        Ok(())
    } else if args.report {
        Results::load(&args.out).and_then(|results| report::write(&results, &args.docs))
    } else {
        run(&args)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for scenario in scenario::all() {
        println!("{:12} {}", scenario.name, scenario.title);
    }
}

/// One scenario after the other; each is stored when it is done, so that a run can be broken off.
fn run(args: &Args) -> Outcome<()> {
    let scenarios = args.scenarios()?;
    let bench = Bench::start(args)?;
    let mut results = Results::load(&args.out)?;
    for scenario in &scenarios {
        println!("== {}: {}", scenario.name, scenario.title);
        let result = round::run(scenario, &bench);
        print!("{}", report::table(scenario, &result));
        results.put(scenario.name, result);
        results.store(&args.out)?;
        report::write(&results, &args.docs)?;
    }
    println!("Results: {}, {}", results::file(&args.out).display(), args.docs.display());
    Ok(())
}
