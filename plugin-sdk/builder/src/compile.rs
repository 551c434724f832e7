//! From crates to components, with one run of cargo.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::{NotFound, Toolchain, componentize};

/// A plugin that was compiled.
#[derive(Debug, Clone)]
pub struct BuiltPlugin {
    /// The crate's name.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
}

/// Compiles the crate in a folder, with its release profile, into the folder's `target`.
pub fn build_one(folder: &Path) -> Result<BuiltPlugin, BuildError> {
    let folder = folder.canonicalize().map_err(|error| BuildError::io(folder, error))?;
    let modules = modules(&Toolchain::find()?, &folder, &[], &folder.join("target"), "release")?;
    let manifest = folder.join("Cargo.toml");
    let module = modules.into_iter().find(|module| module.manifest == manifest);
    finish(module.ok_or_else(|| BuildError::NoPlugin(folder.display().to_string()))?)
}

/// Compiles packages of a workspace with one run of cargo and returns them in the order asked for.
///
/// `target_dir` must not be one a running cargo holds. Cargo's progress goes to stderr.
pub fn build_crates(
    toolchain: &Toolchain,
    workspace: &Path,
    packages: &[String],
    target_dir: &Path,
    profile: &str,
) -> Result<Vec<BuiltPlugin>, BuildError> {
    // Without `-p` cargo would build the workspace's default members.
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let mut modules = modules(toolchain, workspace, packages, target_dir, profile)?;
    let take = |package: &String| {
        let place = modules.iter().position(|module| module.name == *package);
        place.map(|place| modules.swap_remove(place)).ok_or_else(|| BuildError::NoPlugin(package.clone()))
    };
    let modules: Vec<Module> = packages.iter().map(take).collect::<Result<_, _>>()?;
    modules.into_iter().map(finish).collect()
}

/// Why there is no component. Cargo's own errors went to stderr.
#[derive(Debug)]
pub enum BuildError {
    /// No compiler for WebAssembly.
    NotFound(NotFound),
    /// Cargo said no.
    Cargo,
    /// The crate has no library of type `cdylib`.
    NoPlugin(String),
    /// The module of this crate does not make a component.
    Component(String, String),
    /// A file or a program could not be used.
    Io(String, io::Error),
}

impl BuildError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io(path.display().to_string(), error)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(error) => error.fmt(f),
            Self::Cargo => f.write_str("the plugin does not compile; cargo's errors are above"),
            Self::NoPlugin(name) => write!(
                f,
                "{name} made no WebAssembly module: its Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`"
            ),
            Self::Component(name, reason) => {
                write!(f, "{name} compiles, but does not make a component (is there an `export!`?): {reason}")
            }
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<NotFound> for BuildError {
    fn from(error: NotFound) -> Self {
        Self::NotFound(error)
    }
}

/// A core module cargo wrote.
struct Module {
    /// The package's name.
    name: String,
    manifest: PathBuf,
    file: PathBuf,
}

fn modules(
    toolchain: &Toolchain,
    folder: &Path,
    packages: &[String],
    target_dir: &Path,
    profile: &str,
) -> Result<Vec<Module>, BuildError> {
    let mut command = toolchain.build_command();
    command.current_dir(folder).args(["--profile", profile, "--lib"]);
    command.arg("--message-format=json-render-diagnostics").arg("--target-dir").arg(target_dir);
    for package in packages {
        command.args(["-p", package]);
    }
    command.stderr(Stdio::inherit());
    let output = command.output().map_err(|error| BuildError::io(Path::new(command.get_program()), error))?;
    if !output.status.success() {
        return Err(BuildError::Cargo);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(module).collect())
}

/// The module a line of cargo's messages tells of, if it tells of one.
fn module(line: &str) -> Option<Module> {
    let message: Value = serde_json::from_str(line).ok()?;
    let files = message.get("filenames")?.as_array()?;
    let file =
        files.iter().filter_map(Value::as_str).find(|file| Path::new(file).extension().is_some_and(|e| e == "wasm"))?;
    Some(Module {
        name: package_name(message.get("package_id")?.as_str()?)?,
        manifest: message.get("manifest_path")?.as_str()?.into(),
        file: file.into(),
    })
}

/// The name in a package id: `path+file:///plugins/headers#0.1.0`, or `...#my-name@0.1.0` where it is
/// not the folder's name.
fn package_name(id: &str) -> Option<String> {
    let (path, fragment) = id.rsplit_once('#')?;
    let name = match fragment.split_once('@') {
        Some((name, _version)) => name,
        None => path.rsplit_once('/')?.1,
    };
    Some(name.to_owned())
}

fn finish(module: Module) -> Result<BuiltPlugin, BuildError> {
    let core = fs::read(&module.file).map_err(|error| BuildError::io(&module.file, error))?;
    match componentize(&core) {
        Ok(wasm) => Ok(BuiltPlugin { name: module.name, wasm }),
        Err(reason) => Err(BuildError::Component(module.name, reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_by_its_id_whatever_its_folder() {
        assert_eq!(package_name("path+file:///t/plugins/rate-limit#0.1.0").as_deref(), Some("rate-limit"));
        assert_eq!(package_name("path+file:///t/folder#my-plugin@0.1.0").as_deref(), Some("my-plugin"));
    }

    #[test]
    fn messages_that_are_not_about_a_module_are_passed_over() {
        assert!(module("not json").is_none());
        assert!(module(r#"{"reason":"build-finished","success":true}"#).is_none());
        let rlib =
            r#"{"package_id":"path+file:///a#0.1.0","manifest_path":"/a/Cargo.toml","filenames":["/t/liba.rlib"]}"#;
        assert!(module(rlib).is_none());
        let found = module(&rlib.replace("liba.rlib", "a.wasm")).unwrap();
        assert_eq!(found.name, "a");
        assert_eq!(found.file, Path::new("/t/a.wasm"));
    }
}
