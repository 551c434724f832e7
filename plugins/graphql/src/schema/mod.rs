//! The schema: what clients see of it, and where the value of each field comes from.
//!
//! Every mistake in it is found here, when the plugin is configured, with line and column.

mod binding;
mod problems;
mod rest;
mod template;

use std::collections::HashMap;

use apollo_compiler::collections::HashMap as ApolloHashMap;
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

pub(crate) use binding::{FieldInfo, Guard, ListSize, Source};
use problems::Problems;
pub(crate) use rest::{Batch, NoCall, Rest};
pub(crate) use template::Values;

/// Where a file of directives that every schema may use stands in errors.
const DIRECTIVES: &str = include_str!("directives.graphql");

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
    /// Reads SDL. The error names each mistake as `NAME:LINE:COLUMN: what`, one a line. With `bound`,
    /// each field of the root types must say where its value comes from.
    pub(crate) fn parse(sdl: &str, name: &str, bound: bool) -> Result<Self, String> {
        let built = Schema::builder().parse(DIRECTIVES, "directives").parse(sdl, name).build();
        let schema = built.map_err(|broken| Problems::of(&broken.errors, name))?;
        let schema = schema.validate().map_err(|broken| Problems::of(&broken.errors, name))?;
        let mut problems = Problems::new(name, &schema.sources);
        let fields = binding::read(&schema, bound, &mut problems);
        problems.none()?;
        let implementers = schema.implementers_map();
        Ok(Self { schema: without_directives(schema), implementers, fields })
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

/// What binds the schema to services is nobody's business but the operator's.
fn without_directives(schema: Valid<Schema>) -> Valid<Schema> {
    let mut schema = schema.into_inner();
    for name in ["rest", "from", "cost", "listSize", "requiresScopes", "authenticated"] {
        schema.directive_definitions.shift_remove(name);
    }
    for name in ["TollgateHeader", "TollgateBatch"] {
        schema.types.shift_remove(name);
    }
    // Nothing else names what was taken out, and how directives were used is not asked again.
    Valid::assume_valid(schema)
}

#[cfg(test)]
mod tests;
