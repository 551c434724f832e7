//! Has the linker put the functions that every request runs beside each other, in a release build.
//!
//! A release has 29 MB of code, of which a request runs half a megabyte. Left to the linker that lies all over the
//! place, so that a processor's caches hold little of it. Which functions those are was counted, not guessed:
//! CONTRIBUTING.md says how.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Their sections, in the language of linkers. A name that no longer is one's costs nothing.
const SCRIPT: &str = "build/hot.ld";

/// # Errors
///
/// Of a build script without the environment that cargo gives it.
pub(crate) fn gather() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SCRIPT}");
    if env::var("PROFILE")? != "release" {
        return Ok(());
    }
    let script = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(SCRIPT);
    let argument = format!("-Wl,-T,{}", script.display());
    // Not every linker knows such scripts (macOS has none that does), and without one all is well but slower.
    if links(&argument)? {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    Ok(())
}

/// Whether a program can be linked with this argument.
fn links(argument: &str) -> Result<bool, Box<dyn Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("linked");
    fs::create_dir_all(&folder)?;
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["-", "--crate-name=linked", "--target", &env::var("TARGET")?]);
    rustc.arg(format!("-Clink-arg={argument}")).arg("--out-dir").arg(folder);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    let mut compiler = rustc.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if let Some(mut source) = compiler.stdin.take() {
        source.write_all(b"fn main() {}")?;
    }
    Ok(compiler.wait()?.success())
}
