//! `graphql`: a GraphQL API over services that know nothing of it.
//!
//! This file is what a request is answered with; [`operation`] is the way from one operation to a plan
//! that may be run. Absent on purpose: subscriptions and uploads.

mod access;
mod config;
mod documents;
#[cfg(target_family = "wasm")]
mod entropy;
mod error;
mod execute;
mod forward;
mod graphiql;
mod http;
mod json;
mod kept;
mod limits;
mod operation;
mod persisted;
mod plan;
mod schema;
mod values;

use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict, Want, export, request};

use access::Access;
pub use config::{Config, Limits, PersistedConfig, PersistedMode};
use documents::Documents;
use execute::{Answered, Input, Live};
use http::{Media, Refused, Request, Sent};
use kept::Kept;
use operation::{Next, Ready};
use persisted::Persisted;
use schema::Service;

/// The plugin, configured.
#[derive(Debug)]
pub struct GraphQl {
    /// None where a service behind the gateway knows its schema, and the plugin does not.
    service: Option<Service>,
    persisted: Persisted,
    documents: Documents,
    config: Config,
}

impl Plugin for GraphQl {
    type Config = Config;
    const NAME: &'static str = "graphql";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Answers GraphQL over services that know nothing of it, or guards one that does";
    const WANTS: &'static [Want] =
        &[Want { capability: "http-client", reason: "Calls the upstreams and origins its schema names." }];

    fn configure(mut config: Config) -> Result<Self, String> {
        // Each mistake is a line.
        match (service(&mut config), Persisted::new(&config.persisted)) {
            (Ok(service), Ok(persisted)) => Ok(Self { service, persisted, documents: Documents::default(), config }),
            (Err(schema), Err(persisted)) => Err(format!("{schema}\n{persisted}")),
            (Err(mistakes), _) | (_, Err(mistakes)) => Err(mistakes),
        }
    }
}

/// What the schema says, if there is one.
fn service(config: &mut Config) -> Result<Option<Service>, String> {
    let Some(sdl) = config.schema.take() else {
        if config.forward {
            return Ok(None);
        }
        return Err("schema: is missing; without `forward = true` the plugin answers by a schema".to_owned());
    };
    if is_file_name(&sdl) {
        return Err(format!("schema: is the name of a file; its text is `\"${{file.{}}}\"`", sdl.trim()));
    }
    let file = config.schema_name.as_ref().map(|name| format!("{name}:")).unwrap_or_default();
    let told = |mistakes: Vec<String>| {
        let lines: Vec<String> = mistakes.iter().map(|mistake| format!("schema: {file}{mistake}")).collect();
        lines.join("\n")
    };
    Service::parse(&sdl, !config.forward).map(Some).map_err(told)
}

/// Whether this is where a schema is, and not one: a schema has braces and spaces.
fn is_file_name(text: &str) -> bool {
    let text = text.trim();
    let is_one_word = !text.contains(|c: char| c.is_whitespace() || "{}\"#@".contains(c));
    is_one_word && [".graphql", ".graphqls", ".gql"].iter().any(|end| text.ends_with(end))
}

impl RequestFilter for GraphQl {
    fn on_request(&self) -> Verdict {
        match request::method().as_str() {
            "GET" | "HEAD" if self.config.graphiql && graphiql::is_wanted() => Verdict::Respond(graphiql::page()),
            "GET" | "HEAD" => {
                let request = Request::from_query(&request::query().unwrap_or_default());
                match self.respond(request.map(Sent::One), true) {
                    Some(answer) => Verdict::Respond(answer),
                    None => Verdict::Next,
                }
            }
            "POST" if http::is_json(&request::header("content-type").unwrap_or_default()) => {
                Verdict::NeedBody(self.config.limits.body)
            }
            "POST" => Verdict::Respond(http::no_answer(415, "the body must be application/json in UTF-8\n")),
            _ => {
                let answer = http::no_answer(405, "GET, HEAD and POST are answered\n");
                Verdict::Respond(answer.header("allow", "GET, HEAD, POST"))
            }
        }
    }

    fn on_request_body(&self, body: Vec<u8>) -> BodyVerdict {
        match self.respond(Sent::from_body(&body, self.config.limits.operations), false) {
            Some(answer) => BodyVerdict::Respond(answer),
            None => BodyVerdict::Next,
        }
    }
}

impl GraphQl {
    /// None if the route's upstream is to answer.
    fn respond(&self, sent: Result<Sent, String>, is_get: bool) -> Option<Answer> {
        let Some(media) = Media::accepted(&request::header_values("accept")) else {
            let text = "application/graphql-response+json and application/json are what there is\n";
            return Some(http::no_answer(406, text));
        };
        let answered = match sent.map_err(Refused::Request) {
            Ok(Sent::One(request)) => self.one(request, is_get),
            Ok(Sent::Many(requests)) => self.several(requests),
            Err(refused) => Err(refused),
        };
        match answered {
            Ok(Some(answered)) => Some(http::answer(media, answered)),
            Ok(None) => None,
            Err(refused) => Some(http::refusal(media, refused)),
        }
    }

    /// The answer to one operation; none if the upstream is to give it.
    fn one(&self, request: Request, is_get: bool) -> Result<Option<Answered>, Refused> {
        match self.next(request, is_get)? {
            Next::Run(ready) => Ok(self.run(&[ready]).pop()),
            Next::Forward(known) => {
                forward::one(&known, is_get)?;
                Ok(None)
            }
        }
    }

    /// The list of the answers to several; none if the upstream is to give it. One that is refused leaves
    /// the others alone, unless it is the upstream that would see them all.
    fn several(&self, requests: Vec<Request>) -> Result<Option<Answered>, Refused> {
        let (mut ready, mut known, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (place, request) in requests.into_iter().enumerate() {
            match self.next(request, false) {
                Ok(Next::Run(one)) => ready.push(one),
                Ok(Next::Forward(one)) => known.push(one),
                Err(error) if self.config.forward => return Err(error),
                Err(error) => refused.push((place, http::refused(error))),
            }
        }
        if self.config.forward {
            forward::several(&known)?;
            return Ok(None);
        }
        let mut answers = self.run(&ready);
        // In rising order, so that each finds its place.
        for (place, body) in refused {
            answers.insert(place, Answered { body, is_whole: false, kept: Kept::default() });
        }
        let is_whole = answers.iter().all(|answered| answered.is_whole);
        let mut kept = Kept::default();
        for answered in &answers {
            kept.add(&answered.kept);
        }
        let bodies: Vec<Vec<u8>> = answers.into_iter().map(|answered| answered.body).collect();
        let mut body = b"[".to_vec();
        body.extend_from_slice(&bodies.join(&b','));
        body.push(b']');
        Ok(Some(Answered { body, is_whole, kept }))
    }

    /// Runs operations beside each other.
    fn run(&self, ready: &[Ready]) -> Vec<Answered> {
        let Some(service) = &self.service else { return Vec::new() };
        let access = self.access();
        let input = |ready| Input::new(service, ready, &access, self.config.timeout.as_millis());
        execute::run(&ready.iter().map(input).collect::<Vec<_>>(), &Live)
    }

    fn access(&self) -> Access<'_> {
        Access::new(&self.config.scopes_attribute, &self.config.user_attribute)
    }
}

export!(GraphQl: request);

#[cfg(test)]
mod tests;
