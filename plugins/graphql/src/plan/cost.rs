//! What an operation costs: its fields, those within a list once for each item.

use apollo_compiler::Schema;
use apollo_compiler::response::JsonMap;

use super::{Children, PlanField, coerce};

/// The cost of fields and all within them.
pub(crate) fn cost(schema: &Schema, fields: &[PlanField], variables: &JsonMap, list_size: u32) -> u64 {
    fields.iter().fold(0, |sum, field| {
        let within = match &field.children {
            Children::Leaf(_) => 0,
            Children::Objects(types) => {
                let costs = types.iter().map(|(_, fields)| cost(schema, fields, variables, list_size));
                costs.max().unwrap_or(0)
            }
        };
        let items = if field.ty().is_list() { items(schema, field, variables, list_size) } else { 1 };
        u64::from(field.weight).saturating_add(within.saturating_mul(items)).saturating_add(sum)
    })
}

/// How many items a list is taken to have.
fn items(schema: &Schema, field: &PlanField, variables: &JsonMap, otherwise: u32) -> u64 {
    let Some(size) = &field.list_size else { return u64::from(otherwise) };
    if let Some(assumed) = size.assumed {
        return u64::from(assumed);
    }
    let arguments = coerce(schema, &field.definition.arguments, &field.arguments, variables).unwrap_or_default();
    let sliced = size.slicing.iter().filter_map(|name| arguments.get(name.as_str())?.as_u64()).max();
    sliced.unwrap_or(u64::from(otherwise))
}
