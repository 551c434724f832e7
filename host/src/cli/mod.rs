//! The command line: one file for each command.
//!
//! Exit codes: 0 all is well; 1 it is not, and standard error says why; 2 the command line itself is
//! wrong.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::lock::Mode;

/// Prints a line; [`said::all`] tells whether all lines could be written.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::said::line(format_args!($($text)*)) };
}

mod check;
mod compile;
mod demo;
mod explain;
mod grants;
mod init;
mod lock;
mod look;
mod plugin;
mod run;
mod said;
mod schema;

/// Where the config is looked for when nothing else is said.
const DEFAULT_CONFIG: &str = "tollgate.toml";

/// An API gateway whose every policy is a sandboxed WebAssembly plugin.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
#[command(after_help = "Start with `tollgate demo`, or with `tollgate init` and `tollgate run`.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the gateway and serve until TERM or INT
    Run(Served),
    /// Check the config and every plugin it names, without listening
    Check(Served),
    /// Pin the plugins of the config as they are now, for `--locked`
    Lock(Config),
    /// Show which route, chain and upstream a request would take, and why
    Explain(explain::Arguments),
    /// Look at plugins, and make new ones
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Print one JSON Schema of the whole config, plugins included, for editors
    Schema(schema::Arguments),
    /// Write a first config with comments
    Init(init::Arguments),
    /// Start three small services and a gateway in front of them, to try things out
    Demo(demo::Arguments),
    /// Compile the component on standard input into the code cache: what the gateway starts itself for
    #[command(hide = true)]
    CompileComponent(compile::Arguments),
}

#[derive(Debug, Args)]
struct Config {
    /// The config: a TOML file, or a folder of them
    #[arg(short, long, value_name = "PATH", default_value = DEFAULT_CONFIG, env = "TOLLGATE_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct Served {
    #[command(flatten)]
    config: Config,
    /// Load no plugin but those that `tollgate lock` has pinned
    #[arg(long)]
    locked: bool,
}

impl Served {
    fn lock(&self) -> Mode {
        if self.locked { Mode::Enforce } else { Mode::Warn }
    }
}

/// Runs the command the process was started with.
pub fn main() -> ExitCode {
    // Prints help (code 0) or what is wrong (code 2) by itself.
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run(served) => run::run(&served.config.config, served.lock()),
        Command::Check(served) => check::run(&served.config.config, served.lock()),
        Command::Lock(config) => lock::run(&config.config),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Plugin(command) => plugin::run(command),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::CompileComponent(arguments) => std::process::exit(compile::run(&arguments)),
    };
    match done.and_then(|()| said::all()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(text)) => {
            eprint!("{text}{}", if text.is_empty() || text.ends_with('\n') { "" } else { "\n" });
            ExitCode::FAILURE
        }
    }
}

/// Writes a file beside its place and renames it: a running gateway must never see half of one.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(new, file)
}

/// A command that ends with code 1, and what standard error says. Empty where all is said already.
#[derive(Debug)]
struct Failed(String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
