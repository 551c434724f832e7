//! The values of a field's arguments (section 6.4.1 of the specification).
//!
//! The document is valid and variables are coerced; what is left are literals, defaults and variables
//! nobody gave.

use apollo_compiler::Node;
use apollo_compiler::Schema;
use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use apollo_compiler::executable::Argument;
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::ExtendedType;

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
    members: &[(apollo_compiler::Name, Node<Value>)],
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
                return Err(format!("the field `{name}` of `{}` must not be null", definition.name));
            }
            Some(value) => drop(object.insert(name.as_str(), value)),
            None => {}
        }
    }
    Ok(JsonValue::Object(object))
}

fn out_of_range(number: &str) -> String {
    format!("the number {number} is too large")
}
