//! What a document may ask for, counted before anything else is done with it.
//!
//! Fragments are counted where they are spread, each computed once: a document of a few lines that
//! unfolds into millions of fields costs as much to refuse as it is long. What a list of a hundred
//! items multiplies is counted in `plan/cost.rs`, where the schema is known.
//!
//! What is asked of the schema itself is known to every editor and deeper than most data: it has bounds of its
//! own. Where a selection stands decides, never the type a client names in a fragment.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, Field, FragmentDefinition, Selection};

use crate::config::Limits;
use crate::error::GraphqlError;

/// Fields that may be in a document with all fragments unfolded, for each point of complexity.
const UNFOLDED: u64 = 10;

/// Most fields within fields below `__schema` and `__type`: editors ask for 14.
const SCHEMA_DEPTH: u64 = 20;

/// Most of [`SCHEMA_LISTS`] within each other, as each multiplies the answer.
const MOST_SCHEMA_LISTS: u64 = 2;

/// Fields of the schema's schema that lead from a type to many.
const SCHEMA_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Refuses a document that asks for too much. Returns whether it asks for the schema.
pub(crate) fn check(document: &Document, limits: &Limits) -> Result<bool, GraphqlError> {
    let (count, most) = counted(document)?;
    within("a depth of", most.depth, limits.depth.into())?;
    within("a number of aliases of", count.aliases, limits.aliases.into())?;
    within("a number of fields of", most.fields, u64::from(limits.complexity) * UNFOLDED)?;
    Ok(count.introspects)
}

fn counted(document: &Document) -> Result<(Count<'_>, Size), GraphqlError> {
    let mut count = Count { fragments: HashMap::new(), done: HashMap::new(), aliases: 0, introspects: false };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            count.fragments.insert(&fragment.name, fragment);
        }
    }
    let mut most = Size::default();
    for definition in &document.definitions {
        if let Definition::OperationDefinition(operation) = definition {
            most = most.max(count.selections(&operation.selection_set, Place::Data)?);
        }
    }
    // Also those no operation spreads: they are parsed and validated too.
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition
            && !count.done.contains_key(&(Place::Schema, fragment.name.as_str()))
        {
            most = most.max(count.fragment(&fragment.name, Place::Data)?);
        }
    }
    Ok((count, most))
}

fn within(what: &str, found: u64, most: u64) -> Result<(), GraphqlError> {
    if found <= most {
        return Ok(());
    }
    let message = format!("the operation has {what} {found}, and {most} is the most");
    Err(GraphqlError::new("OPERATION_TOO_LARGE", message))
}

/// Where a selection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Data,
    /// Below `__schema` or `__type`.
    Schema,
}

/// How deep and how wide.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: u64,
    fields: u64,
    /// Of [`SCHEMA_LISTS`], those within each other.
    lists: u64,
}

impl Size {
    fn max(self, other: Self) -> Self {
        let fields = self.fields.max(other.fields);
        Self { depth: self.depth.max(other.depth), fields, lists: self.lists.max(other.lists) }
    }

    fn beside(self, other: Self) -> Self {
        Self { fields: self.fields.saturating_add(other.fields), ..self.max(other) }
    }
}

struct Count<'d> {
    fragments: HashMap<&'d str, &'d FragmentDefinition>,
    /// None while a fragment is being counted.
    done: HashMap<(Place, &'d str), Option<Size>>,
    aliases: u64,
    introspects: bool,
}

impl<'d> Count<'d> {
    fn selections(&mut self, selections: &'d [Selection], place: Place) -> Result<Size, GraphqlError> {
        selections.iter().try_fold(Size::default(), |whole, selection| {
            let size = match selection {
                Selection::Field(field) => self.field(field, place)?,
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set, place)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, place)?,
            };
            Ok(whole.beside(size))
        })
    }

    fn field(&mut self, field: &'d Field, place: Place) -> Result<Size, GraphqlError> {
        self.aliases += u64::from(field.alias.is_some());
        if place == Place::Data && matches!(field.name.as_str(), "__schema" | "__type") {
            self.introspects = true;
            let inner = self.selections(&field.selection_set, Place::Schema)?;
            within("introspection with a depth of", inner.depth, SCHEMA_DEPTH)?;
            within("introspection with lists within lists of", inner.lists, MOST_SCHEMA_LISTS)?;
            return Ok(Size { depth: 1, fields: inner.fields.saturating_add(1), lists: 0 });
        }
        let inner = self.selections(&field.selection_set, place)?;
        let is_list = place == Place::Schema && SCHEMA_LISTS.contains(&field.name.as_str());
        let fields = inner.fields.saturating_add(1);
        Ok(Size { depth: inner.depth + 1, fields, lists: inner.lists + u64::from(is_list) })
    }

    fn fragment(&mut self, name: &str, place: Place) -> Result<Size, GraphqlError> {
        // One that does not exist is told of by the validator.
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(Size::default()) };
        let key = (place, fragment.name.as_str());
        match self.done.get(&key) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("fragment `{name}` spreads itself");
                return Err(GraphqlError::new("GRAPHQL_VALIDATION_FAILED", message));
            }
            None => {}
        }
        self.done.insert(key, None);
        let size = self.selections(&fragment.selection_set, place)?;
        self.done.insert(key, Some(size));
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

    #[test]
    fn what_asks_for_the_schema_has_bounds_of_its_own() {
        let allowed =
            |text: &str| check(&Document::parse(text, "q").unwrap(), &Limits { depth: 3, ..Limits::default() });
        let nested = |field: &str, levels: usize| {
            format!("{}name{}", format!("{field} {{ ").repeat(levels), " }".repeat(levels))
        };
        assert_eq!(allowed("{ __typename a }").ok(), Some(false));
        assert_eq!(allowed(&format!("{{ __type(name: \"A\") {{ {} }} }}", nested("ofType", 19))).ok(), Some(true));
        assert!(
            allowed("{ __schema { ...F } } fragment F on __Schema { types { fields { type { fields { name } } } } }")
                .is_ok()
        );
        for (text, says) in [
            (format!("{{ __type(name: \"A\") {{ {} }} }}", nested("ofType", 20)), "a depth of 21"),
            (format!("{{ __schema {{ types {{ {} }} }} }}", nested("fields { type", 3).replace('}', "} }")), "lists of 3"),
            (
                "{ ...R } fragment R on Query { __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }
                 fragment B on __Type { interfaces { ...C } } fragment C on __Type { possibleTypes { name } }"
                    .to_owned(),
                "lists of 3",
            ),
            // Neither a type that starts with `__` nor the name of a list of the schema makes data the schema.
            ("{ ...F } fragment F on __Type { a { b { c { d } } } }".to_owned(), "depth of 4"),
            ("{ a { ... on __Type { fields { fields { d } } } } }".to_owned(), "depth of 4"),
            ("{ __schema: a { b { c { d } } } }".to_owned(), "depth of 4"),
            ("{ __other { b { c { d } } } }".to_owned(), "depth of 4"),
            // Spread in both places it is counted in both.
            ("{ __schema { ...F } ...F } fragment F on T { a { b { c { d } } } }".to_owned(), "depth of 4"),
            // Nobody spreads it.
            ("{ a } fragment F on __Type { a { b { c { d } } } }".to_owned(), "depth of 4"),
        ] {
            let error = allowed(&text).unwrap_err();
            assert!(error.message.contains(says), "{text}: {}", error.message);
        }
    }

    #[test]
    fn the_schema_cannot_be_asked_for_many_times_over() {
        let mut text = String::from("{ __type(name: \"A\") { ...F0 } }");
        for n in 0..15 {
            text.push_str(&format!(
                " fragment F{n} on __Type {{ ofType {{ ...F{m} }} ofType {{ ...F{m} }} }}",
                m = n + 1
            ));
        }
        text.push_str(" fragment F15 on __Type { name }");
        assert!(checked(&text).unwrap_err().message.contains("number of fields"));
        assert!(checked("{ __schema { a: types { name } b: types { name } c: types { name } } }").is_err());
        assert!(checked("{ __type(name: \"A\") { ...A } } fragment A on __Type { ofType { ...A } }").is_err());
    }
}
