//! Plugins the tests bring along: `tests/guests`, compiled when first asked for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tollgate_plugin_builder::{Toolchain, build_crates, componentize};

use crate::{binary, tools};

/// Does what its configuration says: `tests/guests/scripted`.
pub fn scripted() -> &'static [u8] {
    &rust()[0]
}

/// Has no hook but `on-response`.
pub fn response_only() -> &'static [u8] {
    &rust()[1]
}

/// Tells what it is told when nobody waits: `tests/guests/witness`.
pub fn witness() -> &'static [u8] {
    &rust()[2]
}

/// Filters bodies as they pass, as its configuration says: `tests/guests/filtering`.
pub fn filtering() -> &'static [u8] {
    &rust()[3]
}

/// Answers by `wasi:http` 0.2, and knows nothing of this gateway: `tests/guests/answering`.
pub fn answering() -> &'static [u8] {
    &rust()[4]
}

/// All with one run of cargo, which knows whether they have changed; in the folder where the built-in
/// plugins are compiled, for the standard library is there already.
fn rust() -> &'static [Vec<u8>] {
    static COMPONENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    COMPONENTS.get_or_init(|| {
        let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
        let packages = ["guest-scripted", "guest-response-only", "guest-witness", "guest-filtering", "guest-answering"]
            .map(str::to_owned);
        let folder = binary::target_folder().join("plugins");
        let built = build_crates(&toolchain, binary::workspace(), &packages, &folder, "plugin");
        built.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|plugin| plugin.wasm).collect()
    })
}

/// The guest in `tests/guests/NAME`, compiled by its script `build` unless that was done before with
/// the same files. `needs` are the tools under `target/guest-tools`, or in `PATH`, that it takes.
///
/// `None` where a tool is missing, which is said; with `CI=true` it is a failure.
pub fn in_language(name: &str, needs: &[&str]) -> Option<Vec<u8>> {
    let folder_of_tools = binary::target_folder().join("guest-tools");
    if let Some(missing) = needs.iter().find(|tool| !tools::is_there(&folder_of_tools, tool)) {
        tools::skipped(&format!("no {missing}: scripts/setup-guests installs it"));
        return None;
    }
    let folder = binary::workspace().join("tests/guests").join(name);
    let output = binary::target_folder().join(format!("guests/{name}-{:016x}.wasm", fingerprint(&folder)));
    if !output.exists() {
        build(&folder, &folder_of_tools, &output);
    }
    let wasm = std::fs::read(output).unwrap();
    // A core module has version 1 and layer 0, a component has layer 1.
    Some(if wasm[6..8] == [0, 0] {
        componentize(&wasm).unwrap_or_else(|error| panic!("{name}: {error}"))
    } else {
        wasm
    })
}

/// Builds beside the output, which is there only when it is whole: two tests may both need it first.
fn build(folder: &Path, tools: &Path, output: &Path) {
    std::fs::create_dir_all(output.parent().unwrap()).unwrap();
    let unfinished = output.with_extension(format!("{}.{:?}.part", std::process::id(), std::thread::current().id()));
    let done = Command::new(folder.join("build")).arg(tools).arg(&unfinished).output().unwrap();
    assert!(done.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&done.stderr));
    std::fs::rename(unfinished, output).unwrap();
}

/// Of all that the component is made of.
fn fingerprint(folder: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for folder in [folder, &binary::workspace().join("wit")] {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.is_file());
        files.sort();
        for file in files {
            (file.file_name(), std::fs::read(&file).unwrap()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
