//! From one operation that was sent to a plan that may be run, or to the errors that say why not.
//!
//! Nothing is called on this way: whatever is refused costs no service anything.

use std::collections::HashMap;
use std::rc::Rc;

use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::Operation;
use apollo_compiler::request::{RequestError, coerce_variable_values};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, introspection};

use tollgate_plugin_sdk::{attributes, log};

use crate::GraphQl;
use crate::documents::Prepared;
use crate::error::GraphqlError;
use crate::forward::Known;
use crate::http::{Refused, Request};
use crate::plan::{self, Plan};
use crate::schema::Service;

/// The attribute that tells caches that a request is somebody's.
const AUTHENTICATED: &str = "authenticated";

/// What is to be done for an operation that is good.
#[derive(Debug)]
pub(crate) enum Next {
    Run(Ready),
    /// The route's upstream answers it.
    Forward(Known),
}

/// All that running an operation takes.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) plan: Rc<Plan>,
    pub(crate) variables: Valid<JsonMap>,
    /// Answers to `__schema` and `__type`, by their name in the answer.
    pub(crate) introspected: HashMap<String, String>,
}

impl GraphQl {
    /// What an operation comes to.
    pub(crate) fn next(&self, mut request: Request, is_get: bool) -> Result<Next, Refused> {
        let found = self.persisted.document(request.query.take(), request.persisted_query())?;
        let found = found.ok_or_else(|| Refused::Request("the parameter `query` is missing".to_owned()))?;
        let variables = request.variables().map_err(Refused::Request)?;
        // As in a query.
        let operation = request.operation.filter(|name| !name.is_empty());
        let ready = self.check(&found.text, operation.as_deref(), &variables, is_get)?;
        self.persisted.keep(&found);
        Ok(ready.map_or_else(|| Next::Forward(Known { text: found.text, operation, variables }), Next::Run))
    }

    /// Refuses what may not be run; none if the route's upstream is to run it.
    fn check(
        &self,
        text: &str,
        operation: Option<&str>,
        variables: &JsonMap,
        is_get: bool,
    ) -> Result<Option<Ready>, Refused> {
        let prepared = self.documents.get(text, self.service.as_ref(), &self.config.limits);
        let prepared = prepared.map_err(Refused::Operation)?;
        let kind = prepared.kind(operation);
        match kind {
            Some(OperationType::Mutation) if is_get => return Err(Refused::Method),
            Some(OperationType::Subscription) => return Err(GraphqlError::subscription().into()),
            _ => {}
        }
        if prepared.introspects && !self.config.introspection {
            return Err(GraphqlError::new("INTROSPECTION_DISABLED", "introspection is off").into());
        }
        match (&self.service, &prepared.document) {
            (Some(service), Some(document)) => {
                let operation = document.operations.get(operation).map_err(|error| {
                    GraphqlError::of_request("OPERATION_RESOLUTION_FAILURE", &error, &document.sources)
                })?;
                let check = Check { plugin: self, service, prepared: &prepared, document, operation };
                check.run(variables)
            }
            _ if kind.is_none() => {
                Err(GraphqlError::new("OPERATION_RESOLUTION_FAILURE", "there is no such operation").into())
            }
            _ => Ok(None),
        }
    }
}

/// One operation of a valid document.
struct Check<'r> {
    plugin: &'r GraphQl,
    service: &'r Service,
    prepared: &'r Prepared,
    document: &'r Valid<ExecutableDocument>,
    operation: &'r Operation,
}

impl Check<'_> {
    fn run(&self, given: &JsonMap) -> Result<Option<Ready>, Refused> {
        let limits = &self.plugin.config.limits;
        let too_large = |message: String| Refused::from(GraphqlError::new("OPERATION_TOO_LARGE", message));
        let variables = self.variables(given)?;
        let plan = self.prepared.plan(self.service, self.document, self.operation, &variables);
        let plan = plan.ok_or_else(|| too_large("the operation has too many fields".to_owned()))?;
        let cost = plan.cost(&self.service.schema, &variables, limits.list_size);
        if cost > u64::from(limits.complexity) {
            return Err(too_large(format!("the operation costs {cost}, and {} is the most", limits.complexity)));
        }
        if self.plugin.config.forward {
            return self.guarded(&plan).map(|()| None);
        }
        let introspected = self.introspected(&plan, &variables)?;
        Ok(Some(Ready { plan, variables, introspected }))
    }

    fn variables(&self, given: &JsonMap) -> Result<Valid<JsonMap>, Refused> {
        let coerced = coerce_variable_values(&self.service.schema, self.operation, given);
        let mut variables = coerced.map_err(|error| self.bad_input(&error))?.into_inner();
        plan::complete(&self.service.schema, self.operation, &mut variables)
            .map_err(|message| GraphqlError::new("BAD_USER_INPUT", message))?;
        Ok(Valid::assume_valid(variables))
    }

    /// A service would answer fields that are not for everyone, so who may not see one is not let on.
    fn guarded(&self, plan: &Plan) -> Result<(), Refused> {
        let forbidden = if plan.is_guarded { self.plugin.access().forbidden(&plan.fields) } else { Vec::new() };
        if !forbidden.is_empty() {
            return Err(Refused::Operation(forbidden));
        }
        // The service does not say so, and a cache before this plugin would give its answer to anyone.
        if plan.is_guarded {
            attributes::set(AUTHENTICATED, "true").map_err(|error| {
                log::error(&format!("the attribute `{AUTHENTICATED}` could not be set: {error}"));
                GraphqlError::new("INTERNAL_SERVER_ERROR", "the operation could not be passed on")
            })?;
        }
        Ok(())
    }

    /// What `__schema` and `__type` answer, by name.
    fn introspected(&self, plan: &Plan, variables: &Valid<JsonMap>) -> Result<HashMap<String, String>, Refused> {
        if !plan.introspects {
            return Ok(HashMap::new());
        }
        let answer = introspection::partial_execute(
            &self.service.schema,
            &self.service.implementers,
            self.document,
            self.operation,
            variables,
        );
        let data = answer.map_err(|error| self.bad_input(&error))?.data.unwrap_or_default();
        Ok(data
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), serde_json::to_string(value).unwrap_or_default()))
            .collect())
    }

    fn bad_input(&self, error: &RequestError) -> Refused {
        GraphqlError::of_request("BAD_USER_INPUT", error, &self.document.sources).into()
    }
}
