//! Programs that tests need and that a machine may not have.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The program in `PATH`, or where Debian keeps those of administrators, which `PATH` often lacks.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// As [`find`], for a test that ends here where there is none; see [`skipped`].
pub fn need(name: &str, installer: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skipped(&format!("no {name}: {installer} installs it"));
    }
    found
}

/// Says that this test does not run, and why; with `CI=true` that is a failure.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {} ({why})", thread.name().unwrap_or("a test"));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
    // Not `println!`, which is heard only when a test fails.
    #[allow(clippy::explicit_write, reason = "`eprintln!` would be swallowed by the test runner")]
    writeln!(std::io::stderr(), "{line}").unwrap();
}

/// Whether a tool is under `folder`, or anywhere [`find`] looks.
pub(crate) fn is_there(folder: &Path, tool: &str) -> bool {
    folder.join(tool).exists() || find(tool).is_some()
}
