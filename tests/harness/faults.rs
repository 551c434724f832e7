//! Guests that misbehave, one file each: `tests/guests/faults/NAME.wat`.
//!
//! A file is either a whole `(component ..)` or `(module ..)`, or only the definitions of a core module
//! that are out of the ordinary: what a plugin must have and the file has not is put behind them
//! ([`ORDINARY`]), and the whole is made a component of [`WORLD`]. Lines at its top change what it
//! says of itself: `;; name: ..`, `;; version: ..`, `;; schema: ..`, and `;; world: ..` what it exports; `;; wit: ..`
//! is a package for that.
//! `NAME.bin` is taken as it is.

use std::path::PathBuf;

use tollgate_plugin_builder::componentize;
use wit_parser::Resolve;

use crate::binary;

/// What a fault's component is, unless its file says otherwise.
const WORLD: &str = "include tollgate:plugin/request-plugin@0.1.0;";

/// Each is left out where the file has an export of this name. Memory from 0 to 8 KiB is theirs: 128
/// has a verdict, `next`, which is also what `configure` returns where all is well.
const ORDINARY: &[(&str, &str)] = &[
    ("memory", r#"(memory $memory (export "memory") 1)"#),
    (
        "cabi_realloc",
        r#"(global $free (mut i32) (i32.const 8192))
        (func $realloc (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
          (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
          (global.set $free (i32.add (local.get $at) (local.get $size)))
          (loop $grow
            (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
              (then
                (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
                (br $grow))))
          (local.get $at))"#,
    ),
    (
        "tollgate:plugin/lifecycle@0.1.0#describe",
        r#"(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32) (i32.const 64))"#,
    ),
    (
        "tollgate:plugin/lifecycle@0.1.0#configure",
        r#"(func (export "tollgate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32) (i32.const 128))"#,
    ),
    (
        "tollgate:plugin/request-filter@0.1.0#on-request",
        r#"(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32) (i32.const 128))"#,
    ),
    (
        "tollgate:plugin/request-filter@0.1.0#on-request-body",
        r#"(func (export "tollgate:plugin/request-filter@0.1.0#on-request-body") (param i32 i32) (result i32) (i32.const 128))"#,
    ),
    (
        "tollgate:plugin/response-filter@0.1.0#on-response-body",
        r#"(func (export "tollgate:plugin/response-filter@0.1.0#on-response-body") (param i32 i32) (result i32) (i32.const 128))"#,
    ),
];

/// The component of this name, or the file that is none.
pub fn fault(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.bin"));
    if path.exists() {
        return std::fs::read(path).unwrap();
    }
    let path = folder().join(format!("{name}.wat"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_whole = text.lines().any(|line| line.starts_with("(component") || line.starts_with("(module"));
    if is_whole { assemble(name, &text) } else { component(name, &text) }
}

/// The same component with one more export, a type, which no plain one has: the gateway then calls it the
/// general way, through wasmtime's component layer.
pub fn in_general(component: &[u8]) -> Vec<u8> {
    // Section 11, exports: one, of this name, sort 3 (type), index 0, without another type.
    [component, &[11, 13, 1, 0, 7], b"general", &[3, 0, 0]].concat()
}

/// The names of all of them.
pub fn all_faults() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    binary::workspace().join("tests/guests/faults")
}

fn assemble(name: &str, text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{name}.wat: {error}"))
}

fn component(name: &str, text: &str) -> Vec<u8> {
    let said = |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!(";; {key}: ")));
    let mut module = format!("(module\n{text}\n");
    for (export, definition) in ORDINARY {
        if !text.contains(&format!("\"{export}\"")) {
            module.push_str(definition);
        }
    }
    module.push_str(&descriptor(
        said("name").unwrap_or("fault"),
        said("version").unwrap_or("0.1.0"),
        said("schema").unwrap_or(""),
    ));
    let mut core = assemble(name, &(module + ")"));

    let mut resolve = Resolve::default();
    resolve.push_dir(binary::workspace().join("wit")).unwrap();
    let world = format!("package tests:faults;\nworld fault {{ {} }}", said("world").unwrap_or(WORLD));
    let world = world + said("wit").unwrap_or_default();
    let package = resolve.push_str("fault.wit", &world).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let world = resolve.select_world(&[package], None).unwrap();
    wit_component::embed_component_metadata(&mut core, &resolve, world, wit_component::StringEncoding::UTF8).unwrap();
    componentize(&core).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What `describe` returns, at 64, and the texts it points at, from 1024 on.
fn descriptor(name: &str, version: &str, schema: &str) -> String {
    let (mut record, mut texts) = (Vec::new(), Vec::new());
    for text in [name, version, "Misbehaves", schema] {
        record.extend(u32::try_from(1024 + texts.len()).unwrap().to_le_bytes());
        record.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        texts.extend(text.as_bytes());
    }
    // No wants.
    record.extend([0; 8]);
    assert!(texts.len() < 4096, "the texts are too long");
    let data = |at: u32, bytes: &[u8]| {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {at}) \"{escaped}\")\n")
    };
    data(64, &record) + &data(1024, &texts)
}
