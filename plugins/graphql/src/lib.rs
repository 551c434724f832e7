//! `graphql`: a GraphQL API over services that know nothing of it.
//!
//! This file is the order of things: from a request to a document, a plan and an answer. Absent on
//! purpose: subscriptions, several operations in one request, and uploads.

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
mod limits;
mod persisted;
mod plan;
mod schema;

use std::collections::HashMap;

use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::Operation;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, introspection, request::coerce_variable_values};
use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict, Want, export, request};

use access::Access;
pub use config::{Config, Limits, PersistedConfig, PersistedMode};
use documents::{Documents, Prepared};
use error::GraphqlError;
use execute::{Input, Live};
use http::{Media, Refused, Request};
use persisted::Persisted;
use plan::Plan;
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

/// What becomes of a request.
enum Outcome {
    Answer(Answer),
    /// The route's upstream answers it.
    Forward,
}

impl Plugin for GraphQl {
    type Config = Config;
    const NAME: &'static str = "graphql";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Answers GraphQL over services that know nothing of it, or guards one that does";
    const WANTS: &'static [Want] =
        &[Want { capability: "http-client", reason: "Calls the upstreams and origins its schema names." }];

    fn configure(mut config: Config) -> Result<Self, String> {
        let sdl = config.schema.take();
        if sdl.is_none() && !config.forward {
            return Err("schema: is missing; without `forward = true` the plugin answers by a schema".to_owned());
        }
        let service = sdl.map(|sdl| Service::parse(&sdl, &config.schema_name, !config.forward)).transpose();
        Ok(Self {
            service: service.map_err(|problems| format!("schema: is not valid\n{problems}"))?,
            persisted: Persisted::new(&config.persisted)?,
            documents: Documents::default(),
            config,
        })
    }
}

impl RequestFilter for GraphQl {
    fn on_request(&self) -> Verdict {
        match request::method().as_str() {
            "GET" if self.config.graphiql && graphiql::is_wanted() => Verdict::Respond(graphiql::page()),
            "GET" => {
                let query = request::query().unwrap_or_default();
                match self.respond(Request::from_query(&query), true) {
                    Outcome::Answer(answer) => Verdict::Respond(answer),
                    Outcome::Forward => Verdict::Next,
                }
            }
            "POST" if http::is_json(&request::header("content-type").unwrap_or_default()) => {
                Verdict::NeedBody(self.config.limits.body)
            }
            "POST" => Verdict::Respond(Answer::new(415).text("the body must be application/json in UTF-8\n")),
            _ => Verdict::Respond(Answer::new(405).header("allow", "GET, POST").text("GET and POST are answered\n")),
        }
    }

    fn on_request_body(&self, body: Vec<u8>) -> BodyVerdict {
        match self.respond(Request::from_body(&body), false) {
            Outcome::Answer(answer) => BodyVerdict::Respond(answer),
            Outcome::Forward => BodyVerdict::Next,
        }
    }
}

impl GraphQl {
    fn respond(&self, request: Result<Request, String>, is_get: bool) -> Outcome {
        let Some(media) = Media::accepted(&request::header_values("accept")) else {
            let text = "application/graphql-response+json and application/json are what there is\n";
            return Outcome::Answer(Answer::new(406).text(text));
        };
        match request.map_err(Refused::Request).and_then(|request| self.serve(request, is_get)) {
            Ok(Some(body)) => Outcome::Answer(http::answer(media, body)),
            Ok(None) => Outcome::Forward,
            Err(refused) => Outcome::Answer(http::refusal(media, refused)),
        }
    }

    /// The body of the answer; none if the upstream is to give it.
    fn serve(&self, mut request: Request, is_get: bool) -> Result<Option<Vec<u8>>, Refused> {
        let was_sent = request.query.is_some();
        let text = self.persisted.document(request.query.take(), request.persisted_query())?;
        let text = text.ok_or_else(|| Refused::Request("the parameter `query` is missing".to_owned()))?;
        let prepared = self.documents.get(&text, self.service.as_ref(), &self.config.limits);
        let prepared = prepared.map_err(Refused::Operation)?;
        let kind = prepared.kind(request.operation.as_deref());
        match kind {
            Some(OperationType::Mutation) if is_get => return Err(Refused::Method),
            Some(OperationType::Subscription) => {
                return Err(GraphqlError::new("BAD_REQUEST", "subscriptions are not supported").into());
            }
            _ => {}
        }
        let variables = request.variables.take().unwrap_or_default();
        let body = match (&self.service, &prepared.document) {
            (Some(service), Some(document)) => {
                let operation = document.operations.get(request.operation.as_deref()).map_err(|error| {
                    GraphqlError::of_request("OPERATION_RESOLUTION_FAILURE", &error, &document.sources)
                })?;
                let run = Run { plugin: self, service, prepared: &prepared, document, operation };
                run.answer(&variables)?
            }
            _ if kind.is_none() => {
                return Err(GraphqlError::new("OPERATION_RESOLUTION_FAILURE", "there is no such operation").into());
            }
            _ => None,
        };
        if body.is_none() && !was_sent {
            forward::with_document(&text, request.operation.as_deref(), &variables, is_get)
                .map_err(|error| GraphqlError::new("INTERNAL_SERVER_ERROR", error))?;
        }
        Ok(body)
    }
}

/// One operation of a valid document.
struct Run<'r> {
    plugin: &'r GraphQl,
    service: &'r Service,
    prepared: &'r Prepared,
    document: &'r Valid<ExecutableDocument>,
    operation: &'r Operation,
}

impl Run<'_> {
    fn answer(&self, given: &JsonMap) -> Result<Option<Vec<u8>>, Refused> {
        let config = &self.plugin.config;
        let too_large = |message: String| Refused::from(GraphqlError::new("OPERATION_TOO_LARGE", message));
        let variables = coerce_variable_values(&self.service.schema, self.operation, given)
            .map_err(|error| GraphqlError::of_request("BAD_USER_INPUT", &error, &self.document.sources))?;
        let plan = self.prepared.plan(self.service, self.document, self.operation, &variables);
        let plan = plan.ok_or_else(|| too_large("the operation has too many fields".to_owned()))?;
        let cost = plan::cost(&self.service.schema, &plan.fields, &variables, config.limits.list_size);
        if cost > u64::from(config.limits.complexity) {
            return Err(too_large(format!("the operation costs {cost}, and {} is the most", config.limits.complexity)));
        }
        let introspected = self.introspected(&plan, &variables)?;
        if config.forward {
            return Ok(None);
        }
        let access = Access::new(&config.scopes_attribute, &config.user_attribute);
        Ok(Some(execute::run(Input {
            service: self.service,
            plan: &plan,
            variables: &variables,
            access: &access,
            introspected: &introspected,
            services: &Live,
            timeout_ms: config.timeout.as_millis(),
        })))
    }

    /// What `__schema` and `__type` answer, by name.
    fn introspected(&self, plan: &Plan, variables: &Valid<JsonMap>) -> Result<HashMap<String, String>, Refused> {
        if !plan.introspects {
            return Ok(HashMap::new());
        }
        if !self.plugin.config.introspection {
            return Err(GraphqlError::new("INTROSPECTION_DISABLED", "introspection is off").into());
        }
        let wrong = |error| GraphqlError::of_request("BAD_USER_INPUT", &error, &self.document.sources);
        introspection::check_max_depth(self.document, self.operation).map_err(wrong)?;
        if self.plugin.config.forward {
            return Ok(HashMap::new());
        }
        let answer = introspection::partial_execute(
            &self.service.schema,
            &self.service.implementers,
            self.document,
            self.operation,
            variables,
        );
        let data = answer.map_err(wrong)?.data.unwrap_or_default();
        Ok(data
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), serde_json::to_string(value).unwrap_or_default()))
            .collect())
    }
}

export!(GraphQl: request);

#[cfg(test)]
mod tests;
