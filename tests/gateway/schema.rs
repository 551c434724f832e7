//! `tollgate schema`, as an operator runs it for an editor.

use std::process::{Command, Output};

use serde_json::Value;
use tollgate_tests::{binary, guests};

fn schema_of(plugins: &std::path::Path) -> Output {
    let mut command = Command::new(binary::path());
    command.arg("schema").arg("--plugins-dir").arg(plugins).output().unwrap()
}

#[test]
fn built_in_and_dropped_in_plugins_are_in_it_and_a_bad_file_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.wasm"), guests::scripted()).unwrap();
    std::fs::write(folder.path().join("bad.wasm"), "not Wasm").unwrap();
    let output = schema_of(folder.path());
    assert!(output.status.success(), "{output:?}");

    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("left out") && said.contains("bad.wasm") && said.contains("not a WebAssembly file"),
        "{said}"
    );

    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let chosen_by = |name: &str| {
        let named = &schema["properties"]["plugins"]["properties"][name]["allOf"][0];
        let place = named["then"]["properties"]["config"]["$ref"].as_str()?;
        schema.pointer(place.strip_prefix('#')?)
    };
    assert!(chosen_by("jwt-auth").unwrap()["properties"]["issuer"].is_object());
    assert!(chosen_by("mine").unwrap()["properties"]["request"].is_object());
    assert!(chosen_by("bad").is_none());
}

#[test]
fn without_a_plugins_folder_the_built_ins_are_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = schema_of(&folder.path().join("none"));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["plugins"]["properties"]["rate-limit"].is_object());
}
