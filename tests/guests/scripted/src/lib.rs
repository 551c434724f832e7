//! A plugin for tests: each hook follows a script from the configuration, step by step, until one
//! gives a verdict. A step is a word and what it needs, with spaces between:
//!
//! ```toml
//! [plugins.p.config]
//! request = ["set x-a 1", "respond 200 hello"]
//! ```
//!
//! A step that fails is answered with 500 and the error's text, so that no test passes by accident.

mod steps;
mod tell;

use tollgate_plugin_sdk::hooks::{self, Hook};
use tollgate_plugin_sdk::schemars::JsonSchema;
use tollgate_plugin_sdk::serde::Deserialize;
use tollgate_plugin_sdk::{
    Answer, BodyVerdict, Plugin, RequestFilter, ResponseBodyVerdict, ResponseFilter, ResponseVerdict, Verdict, export,
};

use steps::{Side, Step};

/// The script of each hook.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(crate = "tollgate_plugin_sdk::serde", deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
struct Config {
    /// What `configure` answers, where it is to fail.
    refuse: Option<String>,
    /// Hooks `configure` says it has no use for.
    skip: Vec<String>,
    /// What `configure` asks, to be said by the step `tell configured`.
    ask: Option<String>,
    request: Vec<String>,
    body: Vec<String>,
    response: Vec<String>,
    response_body: Vec<String>,
}

struct Scripted(Config);

impl Plugin for Scripted {
    type Config = Config;
    const NAME: &'static str = "scripted";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Does what its configuration says";

    fn configure(config: Config) -> Result<Self, String> {
        for hook in &config.skip {
            hooks::skip(if hook == "on-request" { Hook::OnRequest } else { Hook::OnResponse });
        }
        if let Some(question) = &config.ask {
            tell::in_configure(question)?;
        }
        match config.refuse {
            Some(reason) => Err(reason),
            None => Ok(Self(config)),
        }
    }
}

impl RequestFilter for Scripted {
    fn on_request(&self) -> Verdict {
        match run(&self.0.request, Side::Request, None) {
            Some(Step::NeedBody(most)) => Verdict::NeedBody(most),
            Some(Step::Answer(answer)) => Verdict::Respond(answer),
            None => Verdict::Next,
        }
    }

    fn on_request_body(&self, body: Vec<u8>) -> BodyVerdict {
        match run(&self.0.body, Side::Request, Some(&body)) {
            Some(Step::NeedBody(_)) => BodyVerdict::Respond(failed("there is a body already")),
            Some(Step::Answer(answer)) => BodyVerdict::Respond(answer),
            None => BodyVerdict::Next,
        }
    }
}

impl ResponseFilter for Scripted {
    fn on_response(&self) -> ResponseVerdict {
        match run(&self.0.response, Side::Response, None) {
            Some(Step::NeedBody(most)) => ResponseVerdict::NeedBody(most),
            Some(Step::Answer(answer)) => ResponseVerdict::Replace(answer),
            None => ResponseVerdict::Next,
        }
    }

    fn on_response_body(&self, body: Vec<u8>) -> ResponseBodyVerdict {
        match run(&self.0.response_body, Side::Response, Some(&body)) {
            Some(Step::NeedBody(_)) => ResponseBodyVerdict::Replace(failed("there is a body already")),
            Some(Step::Answer(answer)) => ResponseBodyVerdict::Replace(answer),
            None => ResponseBodyVerdict::Next,
        }
    }
}

/// Follows a script to its end, or to the first step that gives a verdict.
fn run(script: &[String], side: Side, body: Option<&[u8]>) -> Option<Step> {
    script.iter().find_map(|step| match steps::take(step, side, body) {
        Ok(verdict) => verdict,
        Err(error) => Some(Step::Answer(failed(&format!("{step}: {error}")))),
    })
}

fn failed(error: &str) -> Answer {
    Answer::new(500).text(error)
}

export!(Scripted: request, response);
