//! What commands print, and whether it could be written.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;

use super::Failed;

/// The first reason why something could not be.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Prints a line.
pub(super) fn line(line: fmt::Arguments<'_>) {
    match writeln!(io::stdout(), "{line}") {
        // A reader that has gone (`| head`) is no error of ours.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(UNSAID.set(error)),
        _ => {}
    }
}

/// Whether all that was printed was written.
pub(super) fn all() -> Result<(), Failed> {
    let unwritten = |error| Failed(format!("error: standard output cannot be written: {error}"));
    UNSAID.get().map_or(Ok(()), |error| Err(unwritten(error)))
}
