//! Documents that were parsed, checked and planned, kept in the instance.
//!
//! What is kept follows from the document's text and the config alone, so it is good for any request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use apollo_compiler::ast::{Definition, Document, OperationType};
use apollo_compiler::executable::Operation;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name};

use crate::config::Limits;
use crate::error::GraphqlError;
use crate::limits;
use crate::plan::{self, Plan};
use crate::schema::Service;
use crate::values;

/// Most documents of each of two generations.
const MOST_DOCUMENTS: usize = 128;
/// A longer document is not kept: it is read anew each time.
const LONGEST_KEPT: usize = 16 * 1024;
/// Most plans of a document: operations, times values of conditions.
const MOST_PLANS: usize = 16;
/// Objects, lists and selections within each other, for the parser.
const MOST_NESTING: usize = 200;

/// A document that may be run.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Names and kinds of its operations.
    operations: Vec<(Option<String>, OperationType)>,
    /// None where there is no schema to read it by.
    pub(crate) document: Option<Valid<ExecutableDocument>>,
    /// Whether one of its operations asks for the schema.
    pub(crate) introspects: bool,
    conditions: Vec<Name>,
    plans: RefCell<Vec<(PlanKey, Rc<Plan>)>>,
}

/// What a plan depends on.
#[derive(Debug, PartialEq, Eq)]
struct PlanKey {
    operation: Option<Name>,
    conditions: Vec<Option<bool>>,
}

impl Prepared {
    fn new(text: &str, service: Option<&Service>, limits: &Limits) -> Result<Self, Vec<GraphqlError>> {
        let tokens = usize::try_from(limits.tokens).unwrap_or(usize::MAX);
        let mut parser = apollo_compiler::parser::Parser::new().token_limit(tokens).recursion_limit(MOST_NESTING);
        let document = parser
            .parse_ast(text, "query")
            .map_err(|broken| GraphqlError::of_diagnostics("GRAPHQL_PARSE_FAILED", &broken.errors))?;
        let introspects = limits::check(&document, limits).map_err(|error| vec![error])?;
        let operations = operations(&document);
        let subscribes = |(_, kind): &(_, OperationType)| *kind == OperationType::Subscription;
        // The validator would say that the schema has no such type.
        if service.is_some_and(Service::has_no_subscriptions) && operations.iter().any(subscribes) {
            return Err(vec![GraphqlError::subscription()]);
        }
        let invalid = |errors: &_| GraphqlError::of_diagnostics("GRAPHQL_VALIDATION_FAILED", errors);
        let executable = if let Some(service) = service {
            let valid = document.to_executable_validate(&service.schema);
            Some(valid.map_err(|broken| invalid(&broken.errors))?)
        } else {
            document.validate_standalone_executable().map_err(|errors| invalid(&errors))?;
            None
        };
        values::check(&document)?;
        Ok(Self {
            operations,
            conditions: executable.as_ref().map(|document| plan::conditions(document)).unwrap_or_default(),
            document: executable,
            introspects,
            plans: RefCell::default(),
        })
    }

    /// The kind of the operation that is asked for; none if there is no such operation.
    pub(crate) fn kind(&self, name: Option<&str>) -> Option<OperationType> {
        match (name, self.operations.as_slice()) {
            (None, [(_, only)]) => Some(*only),
            (None, _) => None,
            (Some(name), all) => all.iter().find(|(other, _)| other.as_deref() == Some(name)).map(|(_, kind)| *kind),
        }
    }

    /// The plan of one of its operations; none if it would be too large.
    pub(crate) fn plan(
        &self,
        service: &Service,
        document: &ExecutableDocument,
        operation: &Operation,
        variables: &JsonMap,
    ) -> Option<Rc<Plan>> {
        let conditions = self.conditions.iter().map(|name| variables.get(name.as_str())?.as_bool()).collect();
        let key = PlanKey { operation: operation.name.clone(), conditions };
        let mut plans = self.plans.borrow_mut();
        if let Some((_, plan)) = plans.iter().find(|(other, _)| *other == key) {
            return Some(Rc::clone(plan));
        }
        let plan = Rc::new(plan::build(service, document, operation, variables).ok()?);
        if plans.len() >= MOST_PLANS {
            plans.clear();
        }
        plans.push((key, Rc::clone(&plan)));
        Some(plan)
    }
}

fn operations(document: &Document) -> Vec<(Option<String>, OperationType)> {
    let operations = document.definitions.iter().filter_map(|definition| match definition {
        Definition::OperationDefinition(operation) => {
            Some((operation.name.as_ref().map(|name| name.as_str().to_owned()), operation.operation_type))
        }
        _ => None,
    });
    operations.collect()
}

/// Documents by their text, in two generations: when the young one is full it becomes the old one.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    young: RefCell<HashMap<String, Rc<Prepared>>>,
    old: RefCell<HashMap<String, Rc<Prepared>>>,
}

impl Documents {
    pub(crate) fn get(
        &self,
        text: &str,
        service: Option<&Service>,
        limits: &Limits,
    ) -> Result<Rc<Prepared>, Vec<GraphqlError>> {
        if let Some(known) = self.young.borrow().get(text) {
            return Ok(Rc::clone(known));
        }
        let known = self.old.borrow_mut().remove(text);
        let prepared = match known {
            Some(known) => known,
            None => Rc::new(Prepared::new(text, service, limits)?),
        };
        if text.len() <= LONGEST_KEPT {
            let mut young = self.young.borrow_mut();
            if young.len() >= MOST_DOCUMENTS {
                *self.old.borrow_mut() = std::mem::take(&mut *young);
            }
            young.insert(text.to_owned(), Rc::clone(&prepared));
        }
        Ok(prepared)
    }
}
