//! What a document may ask for, counted before anything else is done with it.
//!
//! Fragments are counted where they are spread, each computed once: a document of a few lines that
//! unfolds into millions of fields costs as much to refuse as it is long. What a list of a hundred
//! items multiplies is counted in `plan/cost.rs`, where the schema is known.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};

use crate::config::Limits;
use crate::error::GraphqlError;

/// Fields that may be in a document with all fragments unfolded, for each point of complexity.
const UNFOLDED: u64 = 10;

/// Refuses a document that asks for too much. Returns whether it asks for the schema.
pub(crate) fn check(document: &Document, limits: &Limits) -> Result<bool, GraphqlError> {
    let mut count = Count { fragments: HashMap::new(), done: HashMap::new(), aliases: 0, introspects: false };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            count.fragments.insert(&fragment.name, fragment);
        }
    }
    let mut most = Size::default();
    for definition in &document.definitions {
        let size = match definition {
            Definition::OperationDefinition(operation) => count.selections(&operation.selection_set)?,
            // Also those no operation spreads: they are parsed and validated too.
            Definition::FragmentDefinition(fragment) => count.fragment(&fragment.name)?,
            _ => continue,
        };
        most = Size { depth: most.depth.max(size.depth), fields: most.fields.max(size.fields) };
    }
    let too_much = |what: &str, found: u64, limit: u64| {
        GraphqlError::new("OPERATION_TOO_LARGE", format!("the operation has {what} {found}, and {limit} is the most"))
    };
    if most.depth > u64::from(limits.depth) {
        return Err(too_much("a depth of", most.depth, limits.depth.into()));
    }
    if count.aliases > u64::from(limits.aliases) {
        return Err(too_much("a number of aliases of", count.aliases, limits.aliases.into()));
    }
    let unfolded = u64::from(limits.complexity) * UNFOLDED;
    if most.fields > unfolded {
        return Err(too_much("a number of fields of", most.fields, unfolded));
    }
    Ok(count.introspects)
}

/// How deep and how wide.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: u64,
    fields: u64,
}

struct Count<'d> {
    fragments: HashMap<&'d str, &'d FragmentDefinition>,
    /// None while a fragment is being counted.
    done: HashMap<&'d str, Option<Size>>,
    aliases: u64,
    introspects: bool,
}

impl<'d> Count<'d> {
    fn selections(&mut self, selections: &'d [Selection]) -> Result<Size, GraphqlError> {
        let mut whole = Size::default();
        for selection in selections {
            let size = match selection {
                Selection::Field(field) => {
                    if field.alias.is_some() {
                        self.aliases += 1;
                    }
                    // The schema's own fields have a limit of their own, in the library.
                    if field.name.starts_with("__") {
                        self.introspects |= field.name != "__typename";
                        Size { depth: 1, fields: 1 }
                    } else {
                        let inner = self.selections(&field.selection_set)?;
                        Size { depth: inner.depth + 1, fields: inner.fields.saturating_add(1) }
                    }
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name)?,
            };
            whole = Size { depth: whole.depth.max(size.depth), fields: whole.fields.saturating_add(size.fields) };
        }
        Ok(whole)
    }

    fn fragment(&mut self, name: &str) -> Result<Size, GraphqlError> {
        match self.done.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("fragment `{name}` spreads itself");
                return Err(GraphqlError::new("GRAPHQL_VALIDATION_FAILED", message));
            }
            None => {}
        }
        // One that does not exist is told of by the validator.
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(Size::default()) };
        self.done.insert(&fragment.name, None);
        let size = self.selections(&fragment.selection_set)?;
        self.done.insert(&fragment.name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<bool, GraphqlError> {
        let limits = Limits { depth: 3, complexity: 1, aliases: 2, ..Limits::default() };
        check(&Document::parse(text, "q").unwrap(), &limits)
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        assert!(checked("{ a { b { c } } }").is_ok());
        assert!(checked("{ a { b { c { d } } } }").unwrap_err().message.contains("depth of 4"));
        assert!(checked("{ a { ...F } } fragment F on T { b { ... { c { d } } } }").is_err());
        assert!(checked("{ __schema { types { fields { type { name } } } } }").is_ok());
    }

    #[test]
    fn aliases_are_counted_once_each() {
        assert!(checked("{ x: a y: a }").is_ok());
        assert!(checked("{ x: a y: a z: a }").unwrap_err().message.contains("aliases of 3"));
    }

    #[test]
    fn a_document_that_unfolds_is_counted_unfolded_and_at_once() {
        let mut text = String::from("{ ...F0 }");
        for n in 0..60 {
            text.push_str(&format!(" fragment F{n} on T {{ ...F{m} ...F{m} }}", m = n + 1));
        }
        text.push_str(" fragment F60 on T { a }");
        assert!(checked(&text).unwrap_err().message.contains("number of fields"));
    }

    #[test]
    fn fragments_that_go_round_are_refused() {
        assert!(checked("{ ...A } fragment A on T { ...B } fragment B on T { ...A }").is_err());
        assert!(checked("{ a } fragment A on T { ...A }").is_err());
    }
}
