//! The values of a field's arguments (section 6.4.1 of the specification).
//!
//! The document is valid; what is left are literals, defaults, and variables as they were coerced.

use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use apollo_compiler::executable::{Argument, Operation};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Node, Schema};

/// The arguments by name. The error is for the client.
pub(crate) fn coerce(
    schema: &Schema,
    definitions: &[Node<InputValueDefinition>],
    given: &[Node<Argument>],
    variables: &JsonMap,
) -> Result<JsonMap, String> {
    let mut values = JsonMap::new();
    for definition in definitions {
        let argument = given.iter().find(|argument| argument.name == definition.name);
        let value = argument.map(|argument| literal(schema, &definition.ty, &argument.value, variables)).transpose()?;
        let value = match value.flatten().or_else(|| default(schema, definition)) {
            Some(JsonValue::Null) | None if definition.ty.is_non_null() => {
                return Err(format!("the argument `{}` must not be null", definition.name));
            }
            Some(value) => value,
            None => continue,
        };
        values.insert(definition.name.as_str(), value);
    }
    Ok(values)
}

/// Makes variables the library coerced what literals of the same values are. It leaves out defaults within
/// defaults, leaves the number of an ID a number, and a default that stands for the list of it alone. The
/// error is for the client.
pub(crate) fn complete(schema: &Schema, operation: &Operation, variables: &mut JsonMap) -> Result<(), String> {
    for definition in &operation.variables {
        if let Some(value) = variables.get_mut(definition.name.as_str()) {
            complete_value(schema, &definition.ty, value)?;
        }
    }
    Ok(())
}

fn complete_value(schema: &Schema, ty: &Type, value: &mut JsonValue) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    if ty.is_list() {
        if !value.is_array() {
            *value = JsonValue::Array(vec![std::mem::take(value)]);
        }
        let mut items = value.as_array_mut().into_iter().flatten();
        return items.try_for_each(|item| complete_value(schema, ty.item_type(), item));
    }
    match (schema.types.get(ty.inner_named_type()), &mut *value) {
        (Some(ExtendedType::InputObject(definition)), JsonValue::Object(members)) => {
            complete_object(schema, definition, members)
        }
        (_, JsonValue::Number(number)) if ty.inner_named_type() == "ID" => {
            *value = number.to_string().into();
            Ok(())
        }
        _ => Ok(()),
    }
}

fn complete_object(schema: &Schema, definition: &InputObjectType, members: &mut JsonMap) -> Result<(), String> {
    for (name, field) in &definition.fields {
        if let Some(value) = members.get_mut(name.as_str()) {
            complete_value(schema, &field.ty, value)?;
        } else if let Some(value) = default(schema, field) {
            members.insert(name.as_str(), value);
        } else if field.ty.is_non_null() {
            return Err(must_not_be_null(name, definition));
        }
    }
    Ok(())
}

fn default(schema: &Schema, definition: &InputValueDefinition) -> Option<JsonValue> {
    let value = definition.default_value.as_ref()?;
    literal(schema, &definition.ty, value, &JsonMap::new()).ok().flatten()
}

/// None for a variable that was not given.
fn literal(schema: &Schema, ty: &Type, value: &Value, variables: &JsonMap) -> Result<Option<JsonValue>, String> {
    Ok(Some(match value {
        Value::Variable(name) => return Ok(variables.get(name.as_str()).cloned()),
        Value::Null => JsonValue::Null,
        Value::List(items) => {
            let item_type = if ty.is_list() { ty.item_type() } else { ty };
            let items = items.iter().map(|item| {
                let value = literal(schema, item_type, item, variables)?.unwrap_or(JsonValue::Null);
                if value.is_null() && item_type.is_non_null() && ty.is_list() {
                    return Err("an item of a list must not be null".to_owned());
                }
                Ok(value)
            });
            JsonValue::Array(items.collect::<Result<_, _>>()?)
        }
        // A value stands for the list of it.
        other if ty.is_list() => {
            let item = literal(schema, ty.item_type(), other, variables)?.unwrap_or(JsonValue::Null);
            JsonValue::Array(vec![item])
        }
        Value::Enum(name) => name.as_str().into(),
        Value::String(text) => text.as_str().into(),
        Value::Boolean(value) => (*value).into(),
        Value::Int(number) if ty.inner_named_type() == "ID" => number.as_str().into(),
        Value::Int(number) => JsonValue::Number(number.as_str().parse().map_err(|_| out_of_range(number.as_str()))?),
        Value::Float(number) => JsonValue::Number(number.as_str().parse().map_err(|_| out_of_range(number.as_str()))?),
        Value::Object(members) => object(schema, ty, members, variables)?,
    }))
}

fn object(
    schema: &Schema,
    ty: &Type,
    members: &[(Name, Node<Value>)],
    variables: &JsonMap,
) -> Result<JsonValue, String> {
    let mut object = JsonMap::new();
    let Some(ExtendedType::InputObject(definition)) = schema.types.get(ty.inner_named_type()) else {
        // A custom scalar, whose members have no types.
        let any = Type::Named(ty.inner_named_type().clone());
        for (name, value) in members {
            if let Some(value) = literal(schema, &any, value, variables)? {
                object.insert(name.as_str(), value);
            }
        }
        return Ok(JsonValue::Object(object));
    };
    for (name, field) in &definition.fields {
        let given = members.iter().find(|(member, _)| member == name);
        let value = given.map(|(_, value)| literal(schema, &field.ty, value, variables)).transpose()?.flatten();
        match value.or_else(|| default(schema, field)) {
            Some(JsonValue::Null) | None if field.ty.is_non_null() => {
                return Err(must_not_be_null(name, definition));
            }
            Some(value) => drop(object.insert(name.as_str(), value)),
            None => {}
        }
    }
    Ok(JsonValue::Object(object))
}

fn must_not_be_null(field: &Name, ty: &InputObjectType) -> String {
    format!("the field `{field}` of `{}` must not be null", ty.name)
}

fn out_of_range(number: &str) -> String {
    format!("the number {number} is too large")
}
