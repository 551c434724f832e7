//! Finds a compiler that can make WebAssembly.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TARGET;

/// Where Debian's packages put their compiler, beside which rustup's may come first in `PATH`.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A cargo and a rustc that can compile for [`TARGET`].
#[derive(Debug, Clone)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// For a compiler that comes with the standard library's source instead of the library: the
    /// linker for WebAssembly. The library is compiled along with the plugins then.
    build_std_with: Option<PathBuf>,
}

impl Toolchain {
    /// Takes the toolchain in use if it has the target installed (rustup), else Debian's if that
    /// has the standard library's source.
    pub fn find() -> Result<Self, NotFound> {
        Self::with_target_installed().or_else(Self::with_library_source).ok_or(NotFound)
    }

    /// What was found, for people.
    pub fn describe(&self) -> String {
        let how = if self.build_std_with.is_some() { ", compiling the standard library from source" } else { "" };
        format!("{} for {TARGET}{how}", self.rustc.display())
    }

    /// A `cargo build` for the target, with nothing left of an outer cargo in its environment.
    pub(crate) fn build_command(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_outer_cargos) {
                command.env_remove(name);
            }
        }
        command.env("RUSTC", &self.rustc).args(["build", "--target", TARGET]);
        if let Some(linker) = &self.build_std_with {
            // The source of the released compiler's own library is what RUSTC_BOOTSTRAP is made for.
            command.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            // An outer cargo puts its own compiler's libraries here.
            command.env_remove("LD_LIBRARY_PATH");
        }
        command
    }

    fn with_target_installed() -> Option<Self> {
        // Cargo names itself and its compiler to build scripts.
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let libraries = print(Path::new(&rustc), &["target-libdir", "--target", TARGET])?;
        let has_core = libraries.read_dir().ok()?.flatten().any(|file| {
            let name = file.file_name();
            name.to_str().is_some_and(|name| name.starts_with("libcore-"))
        });
        has_core.then(|| Self { cargo: cargo.into(), rustc: rustc.into(), build_std_with: None })
    }

    fn with_library_source() -> Option<Self> {
        let rustc = PathBuf::from(DEBIAN_RUSTC);
        let cargo = PathBuf::from(DEBIAN_CARGO);
        let sysroot = print(&rustc, &["sysroot"])?;
        let has_source = sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists();
        if !has_source || !cargo.exists() {
            return None;
        }
        let linker = wasm_linker(&sysroot)?;
        Some(Self { cargo, rustc, build_std_with: Some(linker) })
    }
}

/// There is no toolchain. Its text says what to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no Rust compiler on this machine can make WebAssembly ({TARGET}).\n\
             In a Tollgate checkout `make setup` installs what is missing. By hand:\n  \
             with rustup:  rustup target add {TARGET}\n  \
             on Debian:    apt-get install rustc-web cargo-web rust-web-src rust-web-llvm, and the\n                \
             lld that /usr/bin/rust-lld is a link to (lld-22, say)"
        )
    }
}

impl std::error::Error for NotFound {}

/// Debian's package has one; the compiler in use may have another.
fn wasm_linker(sysroot: &Path) -> Option<PathBuf> {
    let in_use = print(Path::new("rustc"), &["sysroot"]);
    let beside_the_compiler = [Some(sysroot.to_owned()), in_use]
        .into_iter()
        .flatten()
        .map(|sysroot| sysroot.join("lib/rustlib").join(host_triple()).join("bin/rust-lld"));
    beside_the_compiler.chain([PathBuf::from("/usr/bin/rust-lld")]).find(|linker| linker.exists())
}

fn host_triple() -> String {
    format!("{}-unknown-linux-gnu", env::consts::ARCH)
}

/// The path a `rustc --print` answers with; none if there is no such compiler or it knows no such thing.
fn print(rustc: &Path, what: &[&str]) -> Option<PathBuf> {
    let output = Command::new(rustc).arg("--print").args(what).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

/// Whether a variable is what cargo tells build scripts and tests, and would change what an inner
/// cargo does. What people set for cargo (its home, network, registries, colours) stays.
fn is_outer_cargos(name: &str) -> bool {
    const OUTERS: [&str; 6] = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "MAKEFLAGS", "MFLAGS"];
    const PEOPLES: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
    ];
    let begins_like = |prefix: &&str| name.starts_with(*prefix);
    OUTERS.iter().any(begins_like) && !PEOPLES.iter().any(begins_like)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_cargo_does_not_inherit_what_the_outer_one_was_told() {
        for name in [
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_MAKEFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "CARGO_TARGET_DIR",
        ] {
            assert!(is_outer_cargos(name), "{name}");
        }
    }

    #[test]
    fn what_people_set_stays() {
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_CRATES_IO_INDEX",
            "RUSTUP_TOOLCHAIN",
            "PATH",
            "TARGET_CC",
            "HTTPS_PROXY",
        ] {
            assert!(!is_outer_cargos(name), "{name}");
        }
    }

    #[test]
    fn a_machine_without_a_toolchain_is_told_what_to_install() {
        let text = NotFound.to_string();
        assert!(text.contains("rustup target add wasm32-unknown-unknown"), "{text}");
        assert!(text.contains("apt-get install"), "{text}");
    }
}
