//! `tollgate init`: a first config, with comments.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use super::{DEFAULT_CONFIG, Failed};
use crate::config;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file to write; it must not exist
    #[arg(default_value = DEFAULT_CONFIG)]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let file = arguments.file.display();
    // `create_new`: an operator's config is never overwritten.
    let mut created =
        OpenOptions::new().write(true).create_new(true).open(&arguments.file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failed(format!("error: {file} is there already; name another file")),
            _ => Failed(format!("error: cannot write {file}: {error}")),
        })?;
    created.write_all(config::init_text().as_bytes())?;
    say!("wrote {file}; next: tollgate check --config {file}, then tollgate run --config {file}");
    Ok(())
}
