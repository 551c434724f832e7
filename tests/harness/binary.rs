//! Finding the gateway's binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The gateway under test: `$TOLLGATE_BIN`, or the one built into the same target folder as this
/// test, which is built first if it is not there.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("TOLLGATE_BIN").map_or_else(beside_the_tests, PathBuf::from))
}

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder cargo builds into, for example `target`.
pub fn target_folder() -> PathBuf {
    profile_folder().parent().unwrap().to_owned()
}

/// Built once per run even if it is there: cargo knows whether it is current, and a test of an old
/// binary is worse than none.
fn beside_the_tests() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build
        .current_dir(workspace())
        .args(["build", "--quiet", "--package", "tollgate", "--target-dir"])
        .arg(target_folder());
    if profile_folder().ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "the gateway does not build");
    profile_folder().join("tollgate")
}

/// Tests run from `target/PROFILE/deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}
