//! A failed call in words, for operators: wasmtime's, the guest's stack among them, and the limit it ran into.
//!
//! What functions and files of a stack are called is up to the guest. So a stack is cut, and names that would
//! look like lines of their own are escaped.

use std::fmt::{self, Write};

use wasmtime::{FrameInfo, WasmBacktrace};

use crate::plain;

/// Longest text of a stack, and of each thing that went wrong, in bytes; the rest is cut.
const MAX_SAID: usize = 4096;
/// Longest name in a stack, in bytes.
const MAX_NAME: usize = 1024;

/// What wasmtime's words of a stack begin with.
const STACK: &str = "error while executing at wasm backtrace:";

/// wasmtime's words, and the limit where it does not know that there is one.
pub(super) fn explained(error: &wasmtime::Error) -> String {
    let stack = error.downcast_ref::<WasmBacktrace>();
    let mut text = String::new();
    for cause in error.chain() {
        if !text.is_empty() {
            text.push_str(": ");
        }
        let said = Cut::of(|said| write!(said, "{cause}"));
        match stack.filter(|_| said.starts_with(STACK)) {
            Some(stack) if !stack.frames().iter().all(has_plain_names) => {
                text.push_str(&Cut::of(|said| {
                    stack.frames().iter().enumerate().try_for_each(|at| write_frame(said, at))
                }));
            }
            _ => text.push_str(&plain::lines(&said)),
        }
    }
    let limits = [
        ("fuel allocated for hostcalls", "limits.host_call"),
        ("exceeds memory limits", "limits.memory"),
        ("exceeds table limits", "limits.table_elements"),
    ];
    match limits.iter().find(|(words, _)| text.contains(words)) {
        Some((_, limit)) => format!("{text} ({limit})"),
        None => text,
    }
}

fn has_plain_names(frame: &FrameInfo) -> bool {
    let symbols = frame.symbols().iter().flat_map(|symbol| [symbol.name(), symbol.file()]);
    let mut names = symbols.chain([frame.func_name(), frame.module().name()]).flatten();
    names.all(|name| name.len() <= MAX_NAME && plain::is_plain(name))
}

/// As wasmtime writes it, but for the names.
fn write_frame(said: &mut Cut, (at, frame): (usize, &FrameInfo)) -> fmt::Result {
    if at == 0 {
        said.write_str(STACK)?;
    }
    write!(said, "\n  {at:>3}: ")?;
    if let Some(offset) = frame.module_offset() {
        write!(said, "{offset:#8x} - ")?;
    }
    write!(said, "{}!", name(frame.module().name().unwrap_or("<unknown>")))?;
    match frame.func_name() {
        Some(function) => said.write_str(&name(function)),
        None => write!(said, "<wasm function {}>", frame.func_index()),
    }
}

fn name(name: &str) -> String {
    plain::line(&name[..name.floor_char_boundary(MAX_NAME)]).into_owned()
}

/// The beginning of a text. What would be cut is not even made.
struct Cut(String);

impl Cut {
    fn of(write: impl FnOnce(&mut Self) -> fmt::Result) -> String {
        let mut said = Self(String::new());
        // An error says that there is no more room.
        let _ = write(&mut said);
        said.0
    }
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_SAID.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push('…');
        Err(fmt::Error)
    }
}
