//! Compiles every plugin in `plugins/` to a component and embeds it; makes the bindings of `wit/`; tells the linker
//! which functions belong together.
//!
//! A new built-in is one new folder: it is found here, by name, and nowhere else in the host.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tollgate_plugin_builder::{Toolchain, build_crates};

#[path = "build/abi.rs"]
mod abi;
#[path = "build/hot.rs"]
mod hot;

fn main() {
    if let Err(error) = write_bindings() {
        eprintln!("\nno bindings could be made of wit/: {error}");
        std::process::exit(1);
    }
    if let Err(error) = embed_plugins() {
        // Returned from `main` the error would be printed as Rust sees it.
        eprintln!("\nthe built-in plugins were not built: {error}");
        std::process::exit(1);
    }
    if let Err(error) = hot::gather() {
        eprintln!("\nthe linker was not asked: {error}");
        std::process::exit(1);
    }
}

fn write_bindings() -> Result<(), Box<dyn Error>> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("abi.rs"), abi::bindings(&wit)?)?;
    Ok(())
}

fn embed_plugins() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    for input in ["plugins", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // The fuzz targets run no plugin.
    let fuzzing = env::var_os("CARGO_CFG_FUZZING").is_some();
    let built = if fuzzing {
        Vec::new()
    } else {
        let names = plugins(&workspace.join("plugins"))?;
        let target = target_dir(&out).ok_or("no target directory above OUT_DIR")?.join("plugins");
        build_crates(&Toolchain::find()?, &workspace, &names, &target, "plugin")?
    };

    let mut list =
        String::from("/// Name and component of each built-in plugin.\npub static BUILT_INS: &[(&str, &[u8])] = &[\n");
    for plugin in built {
        let file = out.join(format!("{}.wasm", plugin.name));
        fs::write(&file, plugin.wasm)?;
        writeln!(list, "    ({:?}, include_bytes!({:?})),", plugin.name, file.display().to_string())?;
    }
    fs::write(out.join("built_ins.rs"), list + "];\n")?;
    Ok(())
}

/// The names of the folders, which are the names of the crates.
fn plugins(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?);
        }
    }
    names.sort();
    Ok(names)
}

/// `target/debug/build/tollgate-HASH/out` and its like: the folder that is shared by all profiles, so
/// that plugins are compiled once for all of them.
fn target_dir(out: &Path) -> Option<PathBuf> {
    let build = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"))?;
    build.parent()?.parent().map(Path::to_owned)
}
