//! Defaults of input objects that lead back to themselves: no value would ever be whole.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Schema};

use super::problems::Problems;

pub(super) fn check(schema: &Schema, problems: &mut Problems<'_>) {
    for ty in schema.types.values() {
        let ExtendedType::InputObject(object) = ty else { continue };
        for (name, field) in &object.fields {
            let Some(default) = &field.default_value else { continue };
            let mut open = vec![(&object.name, name)];
            if leads_back(schema, &field.ty, default, &mut open) {
                let what = format!("the default of `{}.{name}` leads back to itself", object.name);
                problems.add(default.location(), what);
            }
        }
    }
}

/// Whether making this value takes a default that is already being made.
fn leads_back<'s>(schema: &'s Schema, ty: &Type, value: &'s Value, open: &mut Vec<(&'s Name, &'s Name)>) -> bool {
    match (value, schema.types.get(ty.inner_named_type())) {
        (Value::List(items), _) => items.iter().any(|item| leads_back(schema, ty, item, open)),
        (Value::Object(given), Some(ExtendedType::InputObject(object))) => {
            object.fields.keys().any(|name| member_leads_back(schema, object, name, given_as(given, name), open))
        }
        _ => false,
    }
}

fn member_leads_back<'s>(
    schema: &'s Schema,
    object: &'s InputObjectType,
    name: &'s Name,
    given: Option<&'s Value>,
    open: &mut Vec<(&'s Name, &'s Name)>,
) -> bool {
    let Some(field) = object.fields.get(name) else { return false };
    if let Some(given) = given {
        return leads_back(schema, &field.ty, given, open);
    }
    let Some(default) = &field.default_value else { return false };
    let default_of = (&object.name, name);
    if open.contains(&default_of) {
        return true;
    }
    open.push(default_of);
    let leads_back = leads_back(schema, &field.ty, default, open);
    open.pop();
    leads_back
}

fn given_as<'s>(given: &'s [(Name, apollo_compiler::Node<Value>)], name: &Name) -> Option<&'s Value> {
    given.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
}
