//! `aggregate`: answers a route with several upstream calls as one JSON object.
//!
//! This file is the order of things: `plan` says which part waits for which, `run` calls them,
//! `compose` puts the answer together. Absent on purpose: any hook behind this one on the way in:
//! the plugin answers itself.

mod answer;
mod body;
mod check;
mod compose;
mod condition;
mod config;
mod each;
mod failure;
mod join;
mod json;
mod part;
mod path;
mod path_template;
mod plan;
mod query;
mod run;
mod shape;
mod source;
mod template;

use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict, Want, export, log};

use config::Config;
use failure::Failure;
use json::Json;
use part::{ClientBody, Part};
use plan::Plan;
use source::Source;

/// The plugin, configured.
#[derive(Debug)]
pub struct Aggregate {
    parts: Vec<Part>,
    plan: Plan,
    reads: Reads,
    timeout_ms: u32,
    expose_errors: bool,
    partial_member: Option<String>,
}

/// What use there is for the client's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    Bytes,
    Json,
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
        let timeout_ms = check::timeout_ms(config.timeout).map_err(|error| format!("timeout: {error}"))?;
        let names: Vec<String> = config.parts.iter().map(|part| part.name.clone()).collect();
        if let Some((_, twice)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(*name)) {
            return Err(format!("parts: the name `{twice}` is there twice; give each its own, and `at` for one place"));
        }
        let parts = config
            .parts
            .into_iter()
            .map(|part| Part::new(part, &names, config.timeout))
            .collect::<Result<Vec<_>, _>>()?;
        let plan = plan::plan(&parts).map_err(|error| format!("parts: {error}"))?;
        let reads = reads(&parts);
        let Config { expose_errors, partial_member, .. } = config;
        Ok(Self { parts, plan, reads, timeout_ms, expose_errors, partial_member })
    }
}

impl RequestFilter for Aggregate {
    fn on_request(&self) -> Verdict {
        match self.reads {
            Reads::Nothing => Verdict::Respond(self.answer(&ClientBody::default())),
            // The operator's `limits.body` is the limit.
            Reads::Bytes | Reads::Json => Verdict::NeedBody(u32::MAX),
        }
    }

    fn on_request_body(&self, bytes: Vec<u8>) -> BodyVerdict {
        let mut body = ClientBody { bytes, json: None };
        if self.reads == Reads::Json && !body.bytes.is_empty() {
            let Ok(json) = Json::parse(body.bytes.clone()) else {
                log::info("the request's body is not JSON");
                return BodyVerdict::Respond(Failure::BadRequest("the body is not JSON".to_owned()).answer(None));
            };
            body.json = Some(json);
        }
        BodyVerdict::Respond(self.answer(&body))
    }
}

impl Aggregate {
    fn answer(&self, body: &ClientBody) -> Answer {
        match run::run(&self.parts, &self.plan, self.timeout_ms, body) {
            Ok(answers) => compose::compose(&self.parts, answers, self.partial_member.as_deref()),
            Err(run::Stop { part, failure }) => {
                run::report(part, &failure);
                failure.answer(self.expose_errors.then_some(part.name.as_str()))
            }
        }
    }
}

fn reads(parts: &[Part]) -> Reads {
    if parts.iter().flat_map(Part::sources).any(|source| matches!(source, Source::Body(_))) {
        Reads::Json
    } else if parts.iter().any(Part::forwards_the_body) {
        Reads::Bytes
    } else {
        Reads::Nothing
    }
}

export!(Aggregate: request);

#[cfg(test)]
mod tests;
