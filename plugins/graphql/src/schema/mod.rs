//! The schema: what clients see of it, and where the value of each field comes from.
//!
//! Every mistake in it is found here, when the plugin is configured, with line and column.

mod binding;
mod defaults;
mod mistakes;
mod nearest;
mod problems;
mod rest;
mod template;

use std::collections::HashMap;

use apollo_compiler::ast::Document;
use apollo_compiler::collections::HashMap as ApolloHashMap;
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

pub(crate) use binding::{FieldInfo, Guard, ListSize, Source};
use problems::Problems;
pub(crate) use rest::{Batch, NoCall, Rest};
pub(crate) use template::{Place, Values};

/// Directives that every schema may use.
const DIRECTIVES: &str = include_str!("directives.graphql");

/// Their names.
const OWN_DIRECTIVES: [&str; 6] = ["rest", "from", "cost", "listSize", "requiresScopes", "authenticated"];

/// A schema that is good.
#[derive(Debug)]
pub(crate) struct Service {
    /// Without the directives that bind it.
    pub(crate) schema: Valid<Schema>,
    pub(crate) implementers: ApolloHashMap<Name, Implementers>,
    /// By type and field.
    fields: HashMap<Name, HashMap<Name, FieldInfo>>,
}

impl Service {
    /// Reads SDL. The error has each mistake as `LINE:COLUMN: what`. With `bound`, each field of the root
    /// types must say where its value comes from; without it a service answers, and may define directives
    /// of these names as it likes.
    pub(crate) fn parse(sdl: &str, bound: bool) -> Result<Self, Vec<String>> {
        let written = Document::parse(sdl, "schema").map_err(|broken| Problems::of(&broken.errors))?;
        let directives = directives(&written, bound);
        let built = Schema::builder().add_ast(&directives).add_ast(&written).build();
        let schema = built.map_err(|broken| Problems::of(&broken.errors))?;
        let schema = schema.validate().map_err(|broken| Problems::of(&broken.errors))?;
        let mut problems = Problems::new(&schema.sources);
        let fields = binding::read(&schema, bound, &mut problems);
        defaults::check(&schema, &mut problems);
        problems.none()?;
        let implementers = schema.implementers_map();
        Ok(Self { schema: without(schema, &directives), implementers, fields })
    }

    /// Where a field of an object type comes from.
    pub(crate) fn field(&self, ty: &str, field: &str) -> Option<&FieldInfo> {
        self.fields.get(ty)?.get(field)
    }

    pub(crate) fn has_no_subscriptions(&self) -> bool {
        self.schema.schema_definition.subscription.is_none()
    }

    /// The object types a value of a type can have.
    pub(crate) fn possible_types(&self, ty: &Name) -> Vec<Name> {
        match self.schema.types.get(ty) {
            Some(ExtendedType::Object(_)) => vec![ty.clone()],
            Some(ExtendedType::Union(union)) => union.members.iter().map(|member| member.name.clone()).collect(),
            Some(ExtendedType::Interface(_)) => {
                let mut objects: Vec<Name> =
                    self.implementers.get(ty).map(|it| it.objects.iter().cloned().collect()).unwrap_or_default();
                objects.sort();
                objects
            }
            _ => Vec::new(),
        }
    }
}

/// The directives of this plugin, and their types: all, or those the schema does not define itself.
fn directives(written: &Document, all: bool) -> Document {
    // The text is a part of this crate.
    let mut own = Document::parse(DIRECTIVES, "directives").unwrap_or_else(|broken| broken.partial);
    let is_written = |name: &Name| {
        let mut names = written.definitions.iter().filter_map(|it| it.as_directive_definition()).map(|it| &it.name);
        names.any(|other| other == name)
    };
    own.definitions
        .retain(|it| it.as_directive_definition().is_none_or(|directive| all || !is_written(&directive.name)));
    own
}

/// What binds the schema to services is nobody's business but the operator's.
fn without(schema: Valid<Schema>, directives: &Document) -> Valid<Schema> {
    let mut schema = schema.into_inner();
    for definition in &directives.definitions {
        let Some(name) = definition.name() else { continue };
        if definition.as_directive_definition().is_some() {
            schema.directive_definitions.shift_remove(name);
        } else {
            schema.types.shift_remove(name);
        }
    }
    // Nothing else names what was taken out, and how directives were used is not asked again.
    Valid::assume_valid(schema)
}

#[cfg(test)]
mod tests;
