//! Rules of the specification for values in a document that the library leaves out: a field of an input object is
//! there once (section 5.6.3), and a variable is defined wherever it is used, within a custom scalar too (5.8.3).

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Definition, DirectiveList, Document, OperationDefinition, Selection, Value};
use apollo_compiler::{Name, Node};

use crate::error::{self, GraphqlError};

/// The errors of a document that is valid otherwise.
pub(crate) fn check(document: &Document) -> Result<(), Vec<GraphqlError>> {
    let mut errors = Errors { document, found: Vec::new() };
    let mut fragments: HashMap<&Name, Uses<'_>> = HashMap::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        let mut uses = Uses::default();
        match definition {
            Definition::OperationDefinition(operation) => {
                uses.add_operation(operation);
                operations.push((operation, uses));
            }
            Definition::FragmentDefinition(fragment) => {
                uses.add_directives(&fragment.directives);
                uses.add_selections(&fragment.selection_set);
                fragments.insert(&fragment.name, uses);
            }
            _ => {}
        }
    }
    let all = operations.iter().map(|(_, uses)| uses).chain(fragments.values());
    all.flat_map(|uses| &uses.values).for_each(|value| errors.add_twins(value));
    for (operation, uses) in &operations {
        errors.add_undefined(operation, uses, &fragments);
    }
    if errors.found.is_empty() { Ok(()) } else { Err(errors.found) }
}

/// What an operation or a fragment has in it.
#[derive(Default)]
struct Uses<'d> {
    values: Vec<&'d Node<Value>>,
    /// Fragments it spreads.
    spreads: Vec<&'d Name>,
}

impl<'d> Uses<'d> {
    fn add_operation(&mut self, operation: &'d OperationDefinition) {
        self.add_directives(&operation.directives);
        for variable in &operation.variables {
            self.add_directives(&variable.directives);
            self.values.extend(&variable.default_value);
        }
        self.add_selections(&operation.selection_set);
    }

    fn add_selections(&mut self, selections: &'d [Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.values.extend(field.arguments.iter().map(|argument| &argument.value));
                    self.add_directives(&field.directives);
                    self.add_selections(&field.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.add_directives(&spread.directives);
                    self.spreads.push(&spread.fragment_name);
                }
                Selection::InlineFragment(fragment) => {
                    self.add_directives(&fragment.directives);
                    self.add_selections(&fragment.selection_set);
                }
            }
        }
    }

    fn add_directives(&mut self, directives: &'d DirectiveList) {
        let arguments = directives.iter().flat_map(|directive| &directive.arguments);
        self.values.extend(arguments.map(|argument| &argument.value));
    }
}

struct Errors<'d> {
    document: &'d Document,
    found: Vec<GraphqlError>,
}

impl<'d> Errors<'d> {
    fn add(&mut self, at: &Name, message: String) {
        if self.found.len() < error::MOST {
            let place = at.location().and_then(|span| span.line_column(&self.document.sources));
            let locations = place.map(|place| (place.line, place.column)).into_iter().collect();
            self.found.push(GraphqlError { locations, ..GraphqlError::new("GRAPHQL_VALIDATION_FAILED", message) });
        }
    }

    /// Fields that an object has more than once.
    fn add_twins(&mut self, value: &'d Value) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.add_twins(item)),
            Value::Object(members) => {
                let mut names = HashSet::with_capacity(members.len());
                for (name, value) in members {
                    if !names.insert(name) {
                        self.add(name, format!("the input field `{name}` is there more than once"));
                    }
                    self.add_twins(value);
                }
            }
            _ => {}
        }
    }

    /// Variables of the operation and of all it spreads that it does not define.
    fn add_undefined(
        &mut self,
        operation: &'d OperationDefinition,
        uses: &Uses<'d>,
        fragments: &HashMap<&'d Name, Uses<'d>>,
    ) {
        let defined: HashSet<&Name> = operation.variables.iter().map(|variable| &variable.name).collect();
        let mut seen: HashSet<&Name> = HashSet::new();
        let mut open = vec![uses];
        while let Some(uses) = open.pop() {
            uses.values.iter().for_each(|value| self.add_undefined_in(value, &defined));
            let spreads = uses.spreads.iter().filter(|name| seen.insert(name));
            open.extend(spreads.filter_map(|name| fragments.get(name)));
        }
    }

    fn add_undefined_in(&mut self, value: &Value, defined: &HashSet<&Name>) {
        match value {
            Value::Variable(name) if !defined.contains(name) => {
                self.add(name, format!("the variable `${name}` is not defined"));
            }
            Value::List(items) => items.iter().for_each(|item| self.add_undefined_in(item, defined)),
            Value::Object(members) => members.iter().for_each(|(_, value)| self.add_undefined_in(value, defined)),
            _ => {}
        }
    }
}
