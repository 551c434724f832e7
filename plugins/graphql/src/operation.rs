//! From one operation that was sent to a plan that may be run, or to the errors that say why not.
//!
//! Nothing is called on this way: whatever is refused costs no service anything.

use std::collections::HashMap;
use std::rc::Rc;

use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::Operation;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, introspection, request::coerce_variable_values};

use crate::GraphQl;
use crate::documents::Prepared;
use crate::error::GraphqlError;
use crate::forward::Known;
use crate::http::{Refused, Request};
use crate::plan::Plan;
use crate::schema::Service;

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
        let was_sent = request.query.is_some();
        let text = self.persisted.document(request.query.take(), request.persisted_query())?;
        let text = text.ok_or_else(|| Refused::Request("the parameter `query` is missing".to_owned()))?;
        let prepared = self.documents.get(&text, self.service.as_ref(), &self.config.limits);
        let prepared = prepared.map_err(Refused::Operation)?;
        let kind = prepared.kind(request.operation.as_deref());
        match kind {
            Some(OperationType::Mutation) if is_get => return Err(Refused::Method),
            Some(OperationType::Subscription) => return Err(GraphqlError::subscription().into()),
            _ => {}
        }
        let variables = request.variables().map_err(Refused::Request)?;
        match (&self.service, &prepared.document) {
            (Some(service), Some(document)) => {
                let operation = document.operations.get(request.operation.as_deref()).map_err(|error| {
                    GraphqlError::of_request("OPERATION_RESOLUTION_FAILURE", &error, &document.sources)
                })?;
                let ready =
                    Check { plugin: self, service, prepared: &prepared, document, operation }.run(&variables)?;
                if !self.config.forward {
                    return Ok(Next::Run(ready));
                }
            }
            _ if kind.is_none() => {
                return Err(GraphqlError::new("OPERATION_RESOLUTION_FAILURE", "there is no such operation").into());
            }
            _ => {}
        }
        Ok(Next::Forward(Known { text, operation: request.operation, variables, was_sent }))
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
    fn run(&self, given: &JsonMap) -> Result<Ready, Refused> {
        let limits = &self.plugin.config.limits;
        let too_large = |message: String| Refused::from(GraphqlError::new("OPERATION_TOO_LARGE", message));
        let variables = coerce_variable_values(&self.service.schema, self.operation, given)
            .map_err(|error| GraphqlError::of_request("BAD_USER_INPUT", &error, &self.document.sources))?;
        let plan = self.prepared.plan(self.service, self.document, self.operation, &variables);
        let plan = plan.ok_or_else(|| too_large("the operation has too many fields".to_owned()))?;
        let cost = plan.cost(&self.service.schema, &variables, limits.list_size);
        if cost > u64::from(limits.complexity) {
            return Err(too_large(format!("the operation costs {cost}, and {} is the most", limits.complexity)));
        }
        let introspected = self.introspected(&plan, &variables)?;
        Ok(Ready { plan, variables, introspected })
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
