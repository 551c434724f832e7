//! Checks a plugin's `config` table against the schema from inside its component.

use serde_json::{Map, Value};

use super::document::{Document, child};
use super::error::Diagnostic;
use super::{schema_cost, validate};
use crate::plain;

/// The largest schema a plugin may have, in bytes.
pub const MAX_SCHEMA: usize = 256 << 10;

/// The deepest a plugin's schema may be nested.
const MAX_SCHEMA_DEPTH: usize = 64;

impl Document {
    /// Every error in the `config` table of a plugin, by the JSON Schema (draft 2020-12) its
    /// component came with; none if all is well, or where it is no table and has its error for that.
    /// The empty schema means: no configuration at all.
    pub fn check_plugin_config(&self, plugin: &str, schema: &str) -> Vec<Diagnostic> {
        let table = child("/plugins", plugin);
        let pointer = child(&table, "config");
        if self.is_broken(&pointer) {
            return Vec::new();
        }
        let empty = Value::Object(Map::new());
        let instance = self.root.pointer(&pointer).unwrap_or(&empty);
        let usable = parse_schema(schema).and_then(|schema| {
            schema_cost::check(&schema, instance)?;
            let validator = validate::compile(&schema)?;
            Ok((schema, validator))
        });
        let (schema, validator) = match usable {
            Ok(usable) => usable,
            Err(why) => {
                let why = plain::line(&why);
                return vec![self.value_error(&table, format!("the plugin's own schema is not usable: {why}"))];
            }
        };
        let found = validate::validate(self, &pointer, instance, &schema, &validator);
        found.into_iter().filter(|(pointer, _)| !self.is_broken(pointer)).map(|(_, error)| error).collect()
    }
}

pub(super) fn parse_schema(text: &str) -> Result<Value, String> {
    if text.len() > MAX_SCHEMA {
        return Err(format!("it is larger than {} KiB", MAX_SCHEMA >> 10));
    }
    if text.is_empty() {
        return Ok(serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false }));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if depth(&schema) > MAX_SCHEMA_DEPTH {
        return Err(format!("it is nested deeper than {MAX_SCHEMA_DEPTH} levels"));
    }
    if !schema.is_object() {
        return Err("it is not a JSON object".into());
    }
    Ok(schema)
}

/// Levels of nesting; `serde_json` itself stops at 128, so this recursion ends.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(table) => 1 + table.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As many subschemas, one leading to the next, as fit into a schema.
    #[test]
    fn a_long_way_through_a_schema_does_not_overflow_the_stack() {
        let mut defs = Map::new();
        for n in 0..7000 {
            defs.insert(format!("{n}"), json!({ "$ref": format!("#/$defs/{}", n + 1) }));
        }
        defs.insert("7000".into(), json!(true));
        for schema in [
            json!({ "$ref": "#/$defs/0", "$defs": defs }),
            json!({ "properties": { "never": { "$ref": "#/$defs/0" } }, "$defs": defs }),
        ] {
            let text = schema.to_string();
            assert!(text.len() <= MAX_SCHEMA, "{}", text.len());
            let checked = parse_schema(&text).and_then(|schema| validate::compile(&schema));
            drop(checked);
        }
    }
}
