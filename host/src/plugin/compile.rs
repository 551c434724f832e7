//! From bytes to compiled code, in a process of its own.
//!
//! Compiling a JavaScript or Python engine takes seconds of both cores and hundreds of megabytes,
//! which the gateway would never give back to the system in one piece. So it starts itself as a
//! child with limits, and at a reload of low priority ([`child`]), which only fills the code cache; the
//! gateway then loads from there as it would at any other start. Code that is in the cache starts no
//! child.
//!
//! Where there is no cache to fill, or no child to be had, the gateway compiles by itself.

pub(crate) mod bulk;
pub mod child;
pub(in crate::plugin) mod functions;

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use wasmtime::Engine;

use super::code_cache;
use super::fault::LoadError;
use super::guest::{Code, Source};
use crate::config::model::CompileLimits;

/// Bytes of what the child says that are read.
const MAX_SAID: u64 = 16 << 10;
/// This very program, also where its file was replaced by a newer one since it was started.
const SELF: &str = "/proc/self/exe";

/// How much a child that compiles may be in the way of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it, and nothing is served meanwhile: at a start.
    Waited,
    /// Requests are served meanwhile.
    Background,
}

/// Compiles components for one engine.
#[derive(Debug)]
pub struct Compiler {
    /// The private folder of compiled code: the engine's cache.
    cache: Option<PathBuf>,
}

impl Compiler {
    /// `cache` is the one the engine was made with.
    pub fn new(cache: Option<&Path>) -> Self {
        Self { cache: cache.map(Path::to_owned) }
    }

    /// The compiled component: from the cache, which is filled first where it has it not. What was compiled
    /// for `plugin`, a name, before is not compiled again.
    pub(crate) async fn compile<'a>(
        &self,
        engine: &Engine,
        bytes: &'a [u8],
        plugin: &str,
        limits: CompileLimits,
        priority: Priority,
    ) -> Result<Code<'a>, LoadError> {
        // The first eight bytes tell a module (version 1, layer 0) from a component (layer 1).
        match bytes.get(..8) {
            Some([0, b'a', b's', b'm', _, _, 1, 0]) => {}
            Some([0, b'a', b's', b'm', ..]) => return Err(LoadError::CoreModule),
            _ => return Err(LoadError::NotWasm),
        }
        let invalid = |error| LoadError::Invalid(format!("{error:#}"));
        let source = Source::of(bytes).map_err(invalid)?;
        let is_missing = |folder: &&Path| !code_cache::has(folder, engine, source.bytes());
        if let Some(folder) = self.cache.as_deref().filter(is_missing) {
            fill(folder, bytes, plugin, limits, priority).await?;
        }
        source.compile(engine).map_err(invalid)
    }
}

/// Has a child compile into the cache. An error is the component's fault or a limit's; what is the
/// machine's fault is warned of, and the caller then compiles by itself.
async fn fill(
    folder: &Path,
    bytes: &[u8],
    plugin: &str,
    limits: CompileLimits,
    priority: Priority,
) -> Result<(), LoadError> {
    let started = Instant::now();
    let mut child = match command(folder, plugin, limits, priority).spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(%error, "no process to compile a plugin in; the gateway compiles it by itself");
            return Ok(());
        }
    };
    let (status, said) = match tokio::time::timeout(limits.timeout, feed(&mut child, bytes)).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(LoadError::Compile(format!("its compiler was lost: {error}"))),
        Err(_) => {
            // Ended before anything else is done, so that nothing of it is left.
            let _ = child.kill().await;
            return Err(LoadError::Compile(format!(
                "it took longer than compile.timeout ({:?}) allows; raise it, or make the component smaller",
                limits.timeout
            )));
        }
    };
    judge(status, said.trim(), limits)?;
    tracing::info!(bytes = bytes.len(), took_ms = started.elapsed().as_millis(), "compiled a component");
    Ok(())
}

fn command(folder: &Path, plugin: &str, limits: CompileLimits, priority: Priority) -> Command {
    let mut command = Command::new(SELF);
    command
        .arg0("tollgate")
        .arg("compile-component")
        .arg("--cache")
        .arg(folder)
        .args(["--memory", &limits.memory.to_string()])
        .args(["--plugin", plugin])
        .args((priority == Priority::Background).then_some("--background"))
        // The environment may hold secrets, and compiling needs nothing of it.
        .env_clear()
        // The allocator would take a gigabyte at once, used or not, and the limit on memory count it.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Hands the component over, and waits for the end.
async fn feed(child: &mut Child, bytes: &[u8]) -> std::io::Result<(ExitStatus, String)> {
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ended early has a reason, which is in its status.
        let _ = stdin.write_all(bytes).await;
    }
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(MAX_SAID).read_to_end(&mut said).await?;
    }
    Ok((child.wait().await?, String::from_utf8_lossy(&said).into_owned()))
}

fn judge(status: ExitStatus, said: &str, limits: CompileLimits) -> Result<(), LoadError> {
    use std::os::unix::process::ExitStatusExt as _;
    let memory = || {
        LoadError::Compile(format!(
            "it needs more memory than compile.memory ({} MiB) allows; raise it, or make the component smaller",
            limits.memory >> 20
        ))
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(child::INVALID), _) => Err(LoadError::Invalid(said.to_owned())),
        (Some(child::OUT_OF_MEMORY), _) => Err(memory()),
        // What Rust says when it cannot go on without memory; then it aborts.
        (None, Some(_)) if said.contains("memory allocation of") => Err(memory()),
        (Some(child::NOT_KEPT), _) => {
            tracing::warn!("compiled code could not be kept ({said}); the gateway compiles by itself");
            Ok(())
        }
        (None, Some(9)) => Err(LoadError::Compile(
            "its compiler was killed, mostly by a kernel that is short of memory: give the machine or container more"
                .into(),
        )),
        // Threads, too, are not to be had without memory.
        _ => Err(LoadError::Compile(format!(
            "its compiler failed ({status}: {}); is compile.memory ({} MiB) enough?",
            reason(said),
            limits.memory >> 20
        ))),
    }
}

/// The last line of what was said that is not a hint of Rust's.
fn reason(said: &str) -> &str {
    said.lines().rfind(|line| !line.starts_with("note: ")).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use super::*;

    const LIMITS: CompileLimits = CompileLimits { memory: 64 << 20, timeout: Duration::from_secs(1) };

    fn told(wait_status: i32, said: &str) -> String {
        judge(ExitStatus::from_raw(wait_status), said, LIMITS).map_or_else(|error| error.to_string(), |()| "ok".into())
    }

    #[test]
    fn how_a_compiler_ended_is_told_with_what_to_do() {
        assert_eq!(told(0, ""), "ok");
        assert!(told(child::INVALID << 8, "no such type").contains("not a valid component: no such type"));
        let out_of_memory = [told(child::OUT_OF_MEMORY << 8, ""), told(6, "memory allocation of 99 bytes failed")];
        assert!(out_of_memory.iter().all(|told| told.contains("compile.memory (64 MiB)")), "{out_of_memory:?}");
        assert!(told(9, "").contains("was killed"));
        let failed = told(101 << 8, "thread 'main' panicked\nno thread\nnote: run with `RUST_BACKTRACE=1`");
        assert!(failed.contains("101: no thread); is compile.memory (64 MiB) enough?"), "{failed}");
    }

    #[test]
    fn code_that_cannot_be_kept_is_compiled_by_the_gateway() {
        assert_eq!(told(child::NOT_KEPT << 8, "disk full"), "ok");
    }
}
