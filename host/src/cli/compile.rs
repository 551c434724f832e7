//! `tollgate compile-component`: the gateway's own child, which compiles one component.

use std::path::PathBuf;

use crate::plugin::compile::{Priority, child};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The private folder of compiled code
    #[arg(long, value_name = "FOLDER")]
    cache: PathBuf,
    /// Bytes of memory it may take
    #[arg(long, value_name = "BYTES")]
    memory: u64,
    /// Whose component it is: what was compiled for that name before is not compiled again
    #[arg(long, value_name = "NAME", default_value = "")]
    plugin: String,
    /// Give way to others
    #[arg(long)]
    background: bool,
}

/// Returns the exit code, which tells the gateway more than success and failure.
pub(super) fn run(arguments: &Arguments) -> i32 {
    let priority = if arguments.background { Priority::Background } else { Priority::Waited };
    child::run(&arguments.cache, &arguments.plugin, arguments.memory, priority)
}
