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

/// The same plugin with other bytes in its module, so that nothing of it was seen before: a module, too, may
/// have custom sections, which mean nothing, at its end.
pub(crate) fn with_other_bytes(component: &[u8], salt: u64) -> Outcome<Vec<u8>> {
    /// A component's section that is a module.
    const MODULE: u8 = 1;
    // Behind the eight bytes of magic and version: a section's kind, its length, its content.
    let mut at = 8;
    while let Some(kind) = component.get(at) {
        let (length, from) = leb128(component, at + 1).ok_or("a section without a length")?;
        let content = component.get(from..from + length).ok_or("a section that is cut off")?;
        if *kind == MODULE {
            let module = [content, &custom_section(salt)].concat();
            let (before, after) = (&component[..=at], &component[from + length..]);
            return Ok([before, &to_leb128(module.len()), &module, after].concat());
        }
        at = from + length;
    }
    Err("a component without a module".into())
}

fn custom_section(salt: u64) -> Vec<u8> {
    // Section 0, its 13 bytes: a name of 4, and the salt.
    [&[0, 13, 4][..], b"salt", &salt.to_le_bytes()].concat()
}

/// The number at `at`, and where it ends.
fn leb128(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut number, mut shift) = (0, 0_u32);
    loop {
        let byte = *bytes.get(at)?;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        at += 1;
        if byte < 0x80 {
            return Some((number, at));
        }
        shift += 7;
    }
}

fn to_leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
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
    fn other_bytes_are_a_custom_section_at_the_end_of_the_module() {
        // A custom section, a module of 300 bytes, a custom section.
        let section = |kind: u8, content: &[u8]| [&[kind][..], &to_leb128(content.len()), content].concat();
        let component = |module: &[u8]| {
            [&b"\0asm\x0d\0\x01\0"[..], &section(0, b"name"), &section(1, module), &section(0, b"end")].concat()
        };
        let module = [7; 300];
        let salted = with_other_bytes(&component(&module), 9).unwrap();
        let salt = [0, 13, 4, b's', b'a', b'l', b't', 9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(salted, component(&[&module[..], &salt].concat()));
        assert!(with_other_bytes(b"\0asm\x0d\0\x01\0", 9).is_err());
    }
}
