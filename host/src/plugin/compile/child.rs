//! The process that compiles: `tollgate compile-component`, which the gateway starts.
//!
//! It reads a component from standard input, leaves the compiled code in the cache, and says with
//! its exit code how that went. It serves nothing and reads no config.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::process::{Resource, Rlimit, Signal};

use super::super::guest::Source;
use super::super::load::MAX_FILE;
use super::super::{code_cache, engine};
use super::Priority;
use super::functions::Functions;
use crate::unchecked::schedule;

/// The component is not one; standard error says why.
pub const INVALID: i32 = 10;
/// `--memory` was not enough.
pub const OUT_OF_MEMORY: i32 = 11;
/// Compiled, but the cache could not be written.
pub const NOT_KEPT: i32 = 12;

/// CPU time in which a child is no nicer than the gateway that serves: enough for most plugins, which serve at
/// once then, also on a machine that is slow for the moment. What is missing then has a tenth of a busy core, and takes
/// a second: with 100 ms a small plugin served after 0.2 s in a quiet hour, and after 1.7 in a bad one.
const PROMPT: Duration = Duration::from_millis(250);
/// How often it looks whether that is over.
const LOOK: Duration = Duration::from_millis(10);
/// How much nicer it is from then on: it gets a tenth of a core that a worker keeps busy, which is little enough to
/// be unseen by requests and enough to come to an end.
const NICE: i32 = 10;
/// Bytes of an error's text.
const MAX_SAID: usize = 4096;

/// Compiles what standard input holds, and returns the exit code.
pub fn run(folder: &Path, plugin: &str, memory: u64, priority: Priority) -> i32 {
    be_modest(memory, priority);
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes) {
        return if error.kind() == std::io::ErrorKind::OutOfMemory { OUT_OF_MEMORY } else { said(INVALID, &error) };
    }
    let functions = Arc::new(Functions::of(folder, plugin));
    let compiled = engine::compiler(folder, Some(Arc::clone(&functions))).and_then(|engine| {
        let source = Source::of(&bytes)?;
        let compiled = source.bytes().to_vec();
        source.compile(&engine)?;
        Ok(code_cache::has(folder, &engine, &compiled))
    });
    match compiled {
        Ok(true) => {
            // Without them the next version takes longer, and nothing else.
            let _ = functions.keep();
            code_cache::prune(folder);
            0
        }
        Ok(false) => said(NOT_KEPT, &format_args!("is there room in {}?", folder.display())),
        Err(error) if is_out_of_memory(&error) => OUT_OF_MEMORY,
        Err(error) => said(INVALID, &format_args!("{error:#}")),
    }
}

/// Whatever is refused here makes the process less modest, not wrong.
fn be_modest(memory: u64, priority: Priority) {
    let limit = |of: Resource, to: u64| {
        let _ = rustix::process::setrlimit(of, Rlimit { current: Some(to), maximum: Some(to) });
    };
    if priority == Priority::Background {
        let _ = schedule::batch();
        be_nice_after(PROMPT);
    }
    // Memory that can be written to. Address space would count what is only reserved.
    limit(Resource::Data, memory);
    // Out of memory ends in an abort, which nobody wants to debug.
    limit(Resource::Core, 0);
    // A gateway that is gone needs no code; and short of memory, the kernel takes this process first.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Makes all threads of the process nice once they have used that much CPU time.
fn be_nice_after(prompt: Duration) {
    // The kernel knows niceness of a thread, or of all in a group of processes, which then is to be this one's own.
    let _ = rustix::process::setpgid(None, None);
    let be_nice = || rustix::process::setpriority_pgrp(None, NICE);
    let wait = move || {
        let used = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(prompt, Duration::from);
        while used() < prompt {
            std::thread::sleep(LOOK);
        }
        let _ = be_nice();
    };
    if std::thread::Builder::new().name("nice".into()).spawn(wait).is_err() {
        let _ = be_nice();
    }
}

fn said(code: i32, text: &dyn std::fmt::Display) -> i32 {
    let text: String = text.to_string().chars().take(MAX_SAID).collect();
    eprintln!("{text}");
    code
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    let no_memory = rustix::io::Errno::NOMEM.raw_os_error();
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.raw_os_error() == Some(no_memory))
            || cause.downcast_ref::<rustix::io::Errno>().is_some_and(|error| error.raw_os_error() == no_memory)
    })
}
