//! Compiles the plugins the scenarios need: with the gateway's own command, and for Envoy with cargo.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::tools::Tools;

/// The plugin that counts by one, and the version of it that counts by a thousand.
pub(crate) const HOP: &str = "hop.wasm";
pub(crate) const CHANGED_HOP: &str = "changed-hop.wasm";
pub(crate) const CHANGED_STEP: u32 = 1000;
pub(crate) const ENVOY_HOP: &str = "envoy_hop.wasm";

/// Puts Tollgate's plugins into the folder of guests.
pub(crate) fn build_hops(tools: &Tools) -> Outcome<()> {
    for (name, step) in [(CHANGED_HOP, CHANGED_STEP), (HOP, 1)] {
        let made = tools.guests.join("made");
        let mut command = Command::new(&tools.tollgate);
        command.args(["plugin", "build"]).arg(source("hop")).arg("--out").arg(&made);
        run(command.env("HOP_STEP", step.to_string()))?;
        copy(&made.join(HOP), &tools.guests.join(name))?;
    }
    Ok(())
}

pub(crate) fn build_envoy_hop(tools: &Tools) -> Outcome<()> {
    let target = tools.guests.join("envoy");
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet", "--release", "--target", "wasm32-unknown-unknown", "--target-dir"]).arg(&target);
    run(command.current_dir(source("envoy-hop")))?;
    copy(&target.join("wasm32-unknown-unknown/release").join(ENVOY_HOP), &tools.guests.join(ENVOY_HOP))
}

/// The same plugin as a file with other bytes, so that nothing of it was seen before: a component may
/// have custom sections, which mean nothing, at its end.
pub(crate) fn with_other_bytes(component: &[u8], salt: u64) -> Vec<u8> {
    let name = b"salt";
    let mut content = vec![u8::try_from(name.len()).unwrap_or(0)];
    content.extend_from_slice(name);
    content.extend_from_slice(&salt.to_le_bytes());
    let mut bytes = component.to_vec();
    // Section 0 and its length, which is one byte of LEB128 below 128.
    bytes.extend_from_slice(&[0, u8::try_from(content.len()).unwrap_or(0)]);
    bytes.extend_from_slice(&content);
    bytes
}

fn source(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(guest)
}

fn run(command: &mut Command) -> Outcome<()> {
    // Of the cargo that runs the benchmark, the inner one must know nothing.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name == "CARGO" || name.starts_with("CARGO_TARGET") || name.starts_with("CARGO_MANIFEST")
        }) {
            command.env_remove(name);
        }
    }
    let told = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{told}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{told}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_are_a_custom_section_behind_the_rest() {
        let salted = with_other_bytes(b"component", 7);
        assert_eq!(&salted[..9], b"component");
        assert_eq!(&salted[9..], [0, 13, 4, b's', b'a', b'l', b't', 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_ne!(salted, with_other_bytes(b"component", 8));
    }
}
