//! What a process writes, line by line, as it comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::wait::until;

/// The lines a process has written so far.
#[derive(Debug, Clone, Default)]
pub struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
}

impl Output {
    /// Reads to the end, in the background.
    pub fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let output = Self::default();
        let Self { lines, is_over } = output.clone();
        tokio::spawn(async move {
            let mut read = BufReader::new(stream).lines();
            while let Ok(Some(line)) = read.next_line().await {
                lines.lock().unwrap().push(line);
            }
            is_over.store(true, Ordering::SeqCst);
        });
        output
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// All of it, once the process has ended.
    pub async fn whole(&self) -> String {
        until("the end of the output", || self.is_over.load(Ordering::SeqCst).then(|| self.text())).await
    }

    /// The first line that has `part` in it, once there is one.
    pub async fn line_with(&self, part: &str) -> String {
        until(&format!("a line with {part:?}"), || self.lines().into_iter().find(|line| line.contains(part))).await
    }

    /// The lines as JSON objects, once there are `count` for which `is_meant` holds.
    pub async fn objects(&self, count: usize, is_meant: impl Fn(&serde_json::Value) -> bool) -> Vec<serde_json::Value> {
        until(&format!("{count} lines of JSON"), || {
            let found: Vec<_> = self.lines().iter().map(|line| json(line)).filter(&is_meant).collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("not a line of JSON ({error}): {line}"))
}
