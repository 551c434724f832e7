//! A plugin for tests: it filters bodies as they pass, by a script for each side. Each step of it is
//! taken with each chunk, in order, until one gives a verdict:
//!
//! ```toml
//! [plugins.p.config]
//! response = ["upper", "wrap a"]
//! ```

use std::cell::Cell;

use tollgate_plugin_sdk::hooks::{self, Hook};
use tollgate_plugin_sdk::schemars::JsonSchema;
use tollgate_plugin_sdk::serde::Deserialize;
use tollgate_plugin_sdk::{BodyFilter, ChunkVerdict, Plugin, attributes, export, log, request, response};

/// The script of each side. A side without one is skipped.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(crate = "tollgate_plugin_sdk::serde", deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
struct Config {
    request: Vec<String>,
    response: Vec<String>,
}

struct Filtering {
    config: Config,
    seen: Seen,
}

/// What was seen of the body at hand. An instance has one at a time.
#[derive(Default)]
struct Seen {
    chunks: Cell<u32>,
    bytes: Cell<usize>,
}

impl Plugin for Filtering {
    type Config = Config;
    const NAME: &'static str = "filtering";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Filters bodies as its configuration says";

    fn configure(config: Config) -> Result<Self, String> {
        if config.request.is_empty() {
            hooks::skip(Hook::OnRequestChunk);
        }
        if config.response.is_empty() {
            hooks::skip(Hook::OnResponseChunk);
        }
        Ok(Self { config, seen: Seen::default() })
    }
}

impl BodyFilter for Filtering {
    fn on_request_chunk(&self, chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        self.run(&self.config.request, chunk, last)
    }

    fn on_response_chunk(&self, chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        self.run(&self.config.response, chunk, last)
    }
}

impl Filtering {
    fn run(&self, script: &[String], chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        self.seen.chunks.set(self.seen.chunks.get() + 1);
        self.seen.bytes.set(self.seen.bytes.get() + chunk.len());
        let verdict = self.verdict(script, chunk, last);
        if last || matches!(verdict, ChunkVerdict::Done | ChunkVerdict::Fail(_)) {
            self.seen.chunks.set(0);
            self.seen.bytes.set(0);
        }
        verdict
    }

    fn verdict(&self, script: &[String], mut chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        let before = chunk.clone();
        for step in script {
            if let Some(verdict) = self.take(step, &mut chunk, last) {
                return verdict;
            }
        }
        if chunk == before { ChunkVerdict::Pass } else { ChunkVerdict::Replace(chunk) }
    }

    /// Takes one step. `…-at N` is about the Nth chunk of the body.
    fn take(&self, step: &str, chunk: &mut Vec<u8>, last: bool) -> Option<ChunkVerdict> {
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        let is_at = || rest.parse() == Ok(self.seen.chunks.get());
        match word {
            "upper" => chunk.make_ascii_uppercase(),
            "wrap" if chunk.is_empty() => {}
            "wrap" => *chunk = [rest.as_bytes(), b"[", chunk, b"]"].concat(),
            "end" if last => chunk.extend_from_slice(rest.as_bytes()),
            "drop" => chunk.clear(),
            "note" => drop(attributes::set(rest, &format!("{} bytes", self.seen.bytes.get()))),
            "show" => log::warn(&format!("{rest} is {:?}", attributes::get(rest))),
            "log" => log::warn(&format!("chunk of {} bytes{}", chunk.len(), if last { ", the last" } else { "" })),
            "done-at" if is_at() => return Some(ChunkVerdict::Done),
            "fail-at" if is_at() => return Some(ChunkVerdict::Fail("as the script says".to_owned())),
            #[allow(clippy::panic, reason = "a script may ask for exactly this")]
            "trap-at" if is_at() => panic!("as the script says"),
            "spin-at" if is_at() => loop {
                std::hint::black_box(());
            },
            "end" | "done-at" | "fail-at" | "trap-at" | "spin-at" => {}
            "read-request" => drop(request::path()),
            "change-response" => drop(response::set_header("x-late", "1")),
            unknown => return Some(ChunkVerdict::Fail(format!("no such step: {unknown}"))),
        }
        None
    }
}

export!(Filtering: body);
