//! One JSON Schema for the whole config, plugins' own `config` tables included: for editors.
//!
//! The gateway itself checks a plugin's table against the schema from that plugin alone, which needs
//! none of this. Absent on purpose: names of upstreams, routes and secrets, which JSON Schema
//! cannot look up.

use serde_json::{Map, Value, json};

use super::plugin_config::parse_schema;
use super::schema::FILE_SCHEMA;

/// A plugin whose `config` table is to be described.
#[derive(Debug, Clone)]
pub struct Described {
    names: Vec<String>,
    config_schema: Value,
}

impl Described {
    /// `names` are what `use` may say to mean it: a built-in's name, or a file's name with and
    /// without `.wasm`. `config_schema` is the text from its component, empty for a plugin that takes
    /// no config. An error tells why that schema cannot be used.
    pub fn new(names: Vec<String>, config_schema: &str) -> Result<Self, String> {
        let config_schema =
            parse_schema(config_schema).map_err(|why| format!("the plugin's own schema is not usable: {why}"))?;
        Ok(Self { names, config_schema })
    }
}

/// The JSON Schema (draft 2020-12) of a config that may use these plugins. Where two of them go by
/// one name the first one has it.
pub fn editor_schema(plugins: &[Described]) -> Value {
    let mut whole = FILE_SCHEMA.clone();
    let mut chosen_by_use = Vec::new();
    let mut chosen_by_table = Map::new();
    for (position, plugin) in plugins.iter().enumerate() {
        let free = |name: &&String| !plugins[..position].iter().any(|earlier| earlier.names.contains(name));
        let names: Vec<&String> = plugin.names.iter().filter(free).collect();
        if names.is_empty() {
            continue;
        }
        let place = format!("config-of-plugin-{position}");
        let then = json!({ "properties": { "config": { "$ref": format!("#/$defs/{place}") } } });
        whole["$defs"][place.as_str()] = moved(plugin.config_schema.clone(), &format!("#/$defs/{place}"));
        let used = json!({ "properties": { "use": { "enum": names } }, "required": ["use"] });
        chosen_by_use.push(json!({ "if": used, "then": then.clone() }));
        for name in names {
            // Where there is no `use`, the table's name is the plugin's.
            let unused = json!({ "if": { "not": { "required": ["use"] } }, "then": then.clone() });
            chosen_by_table.insert(name.clone(), json!({ "$ref": "#/$defs/Plugin", "allOf": [unused] }));
        }
    }
    whole["$defs"]["Plugin"]["allOf"] = Value::Array(chosen_by_use);
    whole["properties"]["plugins"]["properties"] = Value::Object(chosen_by_table);
    whole
}

/// A schema that stands inside another: its references to itself are led to its new place.
fn moved(mut schema: Value, place: &str) -> Value {
    if let Some(root) = schema.as_object_mut() {
        // Its own name and dialect would make it a document of its own, which many editors do not follow.
        root.remove("$id");
        root.remove("$schema");
    }
    lead(&mut schema, place);
    schema
}

fn lead(node: &mut Value, place: &str) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(|item| lead(item, place)),
        Value::Object(keys) => {
            for (key, value) in keys {
                match (key.as_str(), value) {
                    // These hold values, in which a `$ref` is text like any other.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    ("$ref", Value::String(reference)) => {
                        if let Some(inside) = reference.strip_prefix('#') {
                            *reference = format!("{place}{inside}");
                        }
                    }
                    (_, value) => lead(value, place),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::validate;

    fn described(names: &[&str], schema: &Value) -> Described {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Described::new(names, &schema.to_string()).unwrap()
    }

    /// Two plugins: one wants a number `limit`, the other a tree of `kids` and nothing else.
    fn whole() -> Value {
        let limit = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": { "limit": { "$ref": "#/$defs/Limit" } },
            "$defs": { "Limit": { "type": "integer" } }
        });
        let tree = json!({
            "$id": "https://tree.example/",
            "type": "object",
            "properties": { "kids": { "type": "array", "items": { "$ref": "#" } } },
            "additionalProperties": false
        });
        editor_schema(&[described(&["limit"], &limit), described(&["tree.wasm", "tree"], &tree)])
    }

    fn is_good(config: &str) -> bool {
        let config: Value = toml::from_str(config).unwrap();
        validate::compile(&whole()).unwrap().is_valid(&config)
    }

    #[test]
    fn a_plugins_table_is_checked_by_the_schema_of_the_plugin_that_use_names() {
        assert!(is_good("[plugins.a]\nuse = 'limit'\nconfig = { limit = 3 }"));
        assert!(!is_good("[plugins.a]\nuse = 'limit'\nconfig = { limit = 'three' }"));
        assert!(is_good("[plugins.a]\nuse = 'tree.wasm'\nconfig = { kids = [{ kids = [] }] }"));
        assert!(!is_good("[plugins.a]\nuse = 'tree.wasm'\nconfig = { kids = [{ leaf = 1 }] }"));
        assert!(!is_good("[plugins.a]\nuse = 'tree'\nconfig = { limit = 3 }"));
    }

    #[test]
    fn without_use_the_tables_name_decides() {
        assert!(!is_good("[plugins.limit]\nconfig = { limit = 'three' }"));
        assert!(!is_good("[plugins.tree]\nconfig = { limit = 3 }"));
        assert!(is_good("[plugins.tree]\nuse = 'limit'\nconfig = { limit = 3 }"));
    }

    #[test]
    fn the_rest_of_the_config_is_still_checked() {
        assert!(!is_good("[plugins.limit]\nusee = 'limit'"));
        assert!(!is_good("[server]\nlisten = 1"));
    }

    #[test]
    fn a_name_is_the_first_plugins_that_has_it() {
        let text = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        let number = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
        let schema = editor_schema(&[described(&["p"], &text), described(&["p.wasm", "p"], &number)]);
        let validator = validate::compile(&schema).unwrap();
        let a_is = |plugin: &str, value: Value| {
            validator.is_valid(&json!({ "plugins": { "x": { "use": plugin, "config": { "a": value } } } }))
        };
        assert!(a_is("p", json!("text")) && !a_is("p", json!(1)));
        assert!(a_is("p.wasm", json!(1)) && !a_is("p.wasm", json!("text")));
    }

    #[test]
    fn a_plugin_without_config_takes_none_and_a_broken_schema_is_refused() {
        let schema = editor_schema(&[Described::new(vec!["none".into()], "").unwrap()]);
        let validator = validate::compile(&schema).unwrap();
        assert!(!validator.is_valid(&json!({ "plugins": { "none": { "config": { "a": 1 } } } })));
        assert!(Described::new(vec!["bad.wasm".into()], "{").unwrap_err().contains("not JSON"));
    }
}
