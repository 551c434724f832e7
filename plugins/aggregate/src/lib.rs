//! `aggregate`: answers a route with several upstream calls, made at the same time, as one JSON
//! object.
//!
//! This file is the order of things. Absent on purpose: changing what the parts answer, sending the
//! client's body to them, and any hook behind this one on the way in: the plugin answers itself.

mod compose;
mod config;
mod failure;
mod part;
mod query;
mod template;

use tollgate_plugin_sdk::{Answer, Plugin, RequestFilter, Verdict, Want, export, http_client, log};

use compose::Composition;
pub use config::{Config, Mode, PartConfig};
use failure::Failure;
use part::Part;

/// The plugin, configured.
#[derive(Debug)]
pub struct Aggregate {
    parts: Vec<Part>,
    expose_errors: bool,
}

impl Plugin for Aggregate {
    type Config = Config;
    const NAME: &'static str = "aggregate";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Answers with several upstream calls as one JSON object";
    const WANTS: &'static [Want] =
        &[Want { capability: "http-client", reason: "Calls the upstreams and origins its parts name." }];

    fn configure(config: Config) -> Result<Self, String> {
        if config.parts.is_empty() {
            return Err("parts: is empty; add at least one [[plugins.NAME.config.parts]]".to_owned());
        }
        let mut parts: Vec<Part> = Vec::with_capacity(config.parts.len());
        for part in config.parts {
            if parts.iter().any(|other| other.name == part.name) {
                return Err(format!(
                    "parts: the name `{}` is there twice; each part is a member of the answer",
                    part.name
                ));
            }
            parts.push(Part::new(part)?);
        }
        Ok(Self { parts, expose_errors: config.expose_errors })
    }
}

impl RequestFilter for Aggregate {
    fn on_request(&self) -> Verdict {
        Verdict::Respond(self.answer())
    }
}

impl Aggregate {
    /// All calls are under way before the first answer is waited for, so that the slowest part, not
    /// the sum, is what a client waits for.
    fn answer(&self) -> Answer {
        let mut calls = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            match part.call() {
                Ok(call) => calls.push(Ok(http_client::submit(&call))),
                // No mode of a part makes a request good that tries to leave the part's path.
                Err(failure @ Failure::BadRequest(_)) => return self.failed(part, &failure),
                Err(failure) => calls.push(Err(failure)),
            }
        }
        let mut composition = Composition::new();
        for (part, call) in self.parts.iter().zip(calls) {
            let body = call.and_then(|call| part::body_of(http_client::take(call)));
            match body.and_then(|body| composition.add(part, &body)) {
                Ok(()) => {}
                Err(failure) if part.is_required() => return self.failed(part, &failure),
                Err(failure) => {
                    report(part, &failure);
                    composition.make_do(part);
                }
            }
        }
        composition.answer()
    }

    /// The answer where there can be no whole one. Calls still open are cancelled by the gateway.
    fn failed(&self, part: &Part, failure: &Failure) -> Answer {
        report(part, failure);
        failure.answer(self.expose_errors.then_some(part.name.as_str()))
    }
}

/// Tells the operator what the client is not told.
fn report(part: &Part, failure: &Failure) {
    let line = format!("part `{}` of {}: {failure}", part.name, part.target_name());
    match failure {
        Failure::BadRequest(_) => log::info(&line),
        Failure::Setup(_) => log::error(&line),
        Failure::Timeout | Failure::Upstream(_) => log::warn(&line),
    }
}

export!(Aggregate: request);

#[cfg(test)]
mod tests;
