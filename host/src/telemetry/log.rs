//! The operator's log: JSON lines on standard error, or readable text where that is a terminal.
//!
//! Lines are written by a thread of their own. Where it cannot keep up they are dropped, for a
//! full pipe must not stop a worker. Absent on purpose: files and rotation, which are the service
//! manager's.

use std::io::IsTerminal;

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Lines that may wait for the writing thread.
const QUEUE_LINES: usize = 8192;

/// Keeps the writing thread. Dropping it writes what is left.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    _writer: WorkerGuard,
}

/// Starts the log for the whole process.
///
/// # Errors
/// When the process has a log already.
pub fn start(level: Level) -> Result<LogGuard, TryInitError> {
    let stderr = std::io::stderr();
    let terminal = stderr.is_terminal();
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUE_LINES).lossy(true).thread_name("log").finish(stderr);
    if terminal {
        let text = tracing_subscriber::fmt::layer().with_target(false).with_writer(writer);
        tracing_subscriber::registry().with(filter(level)).with(text).try_init()?;
    } else {
        tracing_subscriber::registry().with(filter(level)).with(json(writer)).try_init()?;
    }
    Ok(LogGuard { _writer: guard })
}

/// One flat JSON object a line: `timestamp`, `level`, `message`, `target` and the event's fields.
fn json<S, W>(writer: W) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer)
}

/// The gateway's own lines from `level` on; of its libraries only warnings and errors, which keeps
/// `debug` about the gateway and not about every byte hyper reads.
fn filter(level: Level) -> Targets {
    Targets::new().with_default(level.min(Level::WARN)).with_target("tollgate", level)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, events: impl FnOnce()) -> Vec<serde_json::Value> {
        let buffer = Buffer::default();
        let target = buffer.clone();
        let subscriber = tracing_subscriber::registry().with(filter(level)).with(json(move || target.clone()));
        tracing::subscriber::with_default(subscriber, events);
        let bytes = buffer.0.lock().unwrap().clone();
        bytes.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_flat_json_object() {
        let lines = logged(Level::INFO, || {
            tracing::info!(target: "tollgate::reload", plugin = "jwt", "a \"quoted\"\nmessage");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "a \"quoted\"\nmessage");
        assert_eq!(lines[0]["plugin"], "jwt");
        assert_eq!(lines[0]["level"], "INFO");
    }

    #[test]
    fn libraries_are_heard_from_warnings_on_only() {
        let lines = logged(Level::DEBUG, || {
            tracing::debug!(target: "hyper::proto", "chatter");
            tracing::warn!(target: "wasmtime", "trouble");
            tracing::debug!(target: "tollgate", "detail");
        });
        let messages: Vec<_> = lines.iter().map(|l| l["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["trouble", "detail"]);
    }

    #[test]
    fn with_level_error_a_warning_of_a_library_is_left_out() {
        let lines = logged(Level::ERROR, || {
            tracing::warn!(target: "wasmtime", "trouble");
            tracing::warn!(target: "tollgate", "trouble");
            tracing::error!(target: "tollgate", "worse");
        });
        assert_eq!(lines.len(), 1);
    }
}
