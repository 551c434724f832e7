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
mod kept;
mod level;
mod part;
mod path;
mod path_template;
mod places;
mod plan;
mod query;
mod run;
mod shape;
mod source;
mod template;

use tollgate_plugin_sdk::mistakes::{At, Mistakes};
use tollgate_plugin_sdk::size::Size;
use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict, Want, export, log};

use compose::Composing;
use config::Config;
use failure::Failure;
use json::Json;
use kept::Kept;
use part::{ClientBody, Part, Whole};
use plan::Plan;
use source::Source;

/// The plugin, configured.
#[derive(Debug)]
pub struct Aggregate {
    parts: Vec<Part>,
    plan: Plan,
    reads: Reads,
    kept: Kept,
    timeout_ms: u32,
    max_size: Size,
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
        let mistakes = Mistakes::default();
        let aggregate = Self::new(config, &mistakes.whole());
        mistakes.or(aggregate)
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
    fn new(config: Config, mistakes: &At<'_>) -> Option<Self> {
        let Config { parts, timeout, max_size, expose_errors, partial_member } = config;
        let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
        let names_differ = check::names(&names, &mistakes.of("parts"));
        let timeout = timeout.unwrap_or_else(|| check::usual_whole(&parts));
        let timeout_ms = mistakes.of("timeout").take(check::timeout_ms(timeout));
        let max_size = mistakes.of("max_size").take(check::max_size(max_size));
        let whole = Whole { names: &names, timeout };
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(index, part)| Part::new(part, &whole, &mistakes.of("parts").at(index)));
        let parts: Vec<Option<Part>> = parts.collect();
        let plan = mistakes.of("parts").take(plan::plan(&names, &parts));
        let parts = parts.into_iter().collect::<Option<Vec<Part>>>();
        // Where a part would go that could not be read is not known.
        let parts = parts?;
        let places = places::check(&parts, partial_member.as_deref(), mistakes);
        names_differ.and(places)?;
        let (plan, timeout_ms, max_size) = (plan?, timeout_ms?, max_size?);
        let (reads, kept) = (reads(&parts), Kept::of(&parts));
        Some(Self { parts, plan, reads, kept, timeout_ms, max_size, expose_errors, partial_member })
    }

    fn answer(&self, body: &ClientBody) -> Answer {
        let composing = Composing {
            parts: &self.parts,
            max_size: self.max_size,
            partial_member: self.partial_member.as_deref(),
            kept: &self.kept,
        };
        let answers = run::run(&self.parts, &self.plan, self.timeout_ms, body);
        match answers.and_then(|answers| composing.compose(answers)) {
            Ok(answer) => answer,
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
