//! Finds its way in JSON Schemas, and says in words what a node of one asks for.

use std::sync::LazyLock;

use serde_json::Value;

use super::document::tokens;
use super::file::File;
use super::units::{DURATION_OR_ZERO_PATTERN, DURATION_PATTERN, SIZE_PATTERN};

/// The schema of the whole config file (JSON Schema, draft 2020-12).
pub(super) static FILE_SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(File).to_value());

/// The node itself, or what its local `$ref` points at.
pub(super) fn follow<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(node)
}

/// The node that describes the value at a JSON pointer. Only through plain tables and lists;
/// `None` where the schema has alternatives.
pub(super) fn node_at<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    tokens(pointer).try_fold(root, |node, key| {
        let node = follow(root, node);
        let property = node.get("properties").and_then(|properties| properties.get(&key));
        property
            .or_else(|| node.get("items"))
            .or_else(|| node.get("additionalProperties").filter(|node| node.is_object()))
    })
}

/// The keys a table may have.
pub(super) fn keys(node: &Value) -> Vec<&str> {
    node.get("properties")
        .and_then(Value::as_object)
        .map(|p| p.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// What a node asks for, with its article: `a list of strings`.
pub(super) fn expected(root: &Value, node: &Value) -> String {
    match node.get("pattern").and_then(Value::as_str) {
        Some(DURATION_PATTERN | DURATION_OR_ZERO_PATTERN) => return "a duration (a string with a unit)".into(),
        Some(SIZE_PATTERN) => return "a size (a string with a unit)".into(),
        _ => {}
    }
    let of_type = |name: &Value| match name.as_str() {
        Some("array") => {
            match node.get("items").map(|items| follow(root, items)).and_then(|items| items.get("type")?.as_str()) {
                Some("string") => "a list of strings".to_owned(),
                Some("object") => "a list of tables".to_owned(),
                Some("integer") => "a list of whole numbers".to_owned(),
                _ => "a list".to_owned(),
            }
        }
        Some(name) => type_name(name).to_owned(),
        None => "something else".to_owned(),
    };
    match node.get("type") {
        Some(Value::Array(names)) => {
            names.iter().filter(|name| *name != "null").map(of_type).collect::<Vec<_>>().join(" or ")
        }
        Some(name) => of_type(name),
        None => "something else".into(),
    }
}

/// As [`expected`], for one of several alternatives: a fixed value as it is written, a table of one
/// key with that key.
pub(super) fn form(root: &Value, node: &Value) -> String {
    if let Some(text) = node.get("const").and_then(toml_text) {
        return format!("`{text}`");
    }
    match node.get("required").and_then(Value::as_array).map(Vec::as_slice) {
        Some([key]) => format!("`{{ {} = ... }}`", key.as_str().unwrap_or_default()),
        _ => expected(root, node),
    }
}

/// Whether a node asks for a table whose keys are names.
pub(super) fn is_table_of_names(root: &Value, node: &Value) -> bool {
    follow(root, node).get("additionalProperties").is_some_and(Value::is_object)
}

/// Whether a node asks for what TOML writes as `[[name]]`.
pub(super) fn is_list_of_tables(root: &Value, node: &Value) -> bool {
    expected(root, node) == "a list of tables"
}

/// What a value is, with its article.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// A value to show, as it is written in TOML: the schema's own example or default.
pub(super) fn example(root: &Value, node: &Value) -> Option<String> {
    let says_something = |value: &&Value| match value {
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    let default = |node: &Value| node.get("default").filter(says_something).cloned();
    let listed = |node: &Value| default(node).or_else(|| node.get("examples")?.get(0).cloned());
    toml_text(&listed(node).or_else(|| listed(follow(root, node)))?)
}

/// The first sentence of a node's description, in one line.
pub(super) fn description(root: &Value, node: &Value) -> Option<String> {
    let text = node.get("description").or_else(|| follow(root, node).get("description"))?.as_str()?;
    let paragraph = text.split("\n\n").next()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = paragraph.find(". ").and_then(|end| paragraph.get(..=end));
    Some(sentence.map(str::to_owned).unwrap_or(paragraph))
}

/// A value as it is written in one line of TOML; `None` for what TOML has no word for.
pub(super) fn toml_text(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

fn type_name(name: &str) -> &'static str {
    match name {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "object" => "a table",
        "array" => "a list",
        _ => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_through_references_tables_and_lists() {
        let drain = node_at(&FILE_SCHEMA, "/server/drain").unwrap();
        assert_eq!(expected(&FILE_SCHEMA, drain), "a duration (a string with a unit)");
        let plugins = node_at(&FILE_SCHEMA, "/routes/3/plugins").unwrap();
        assert_eq!(expected(&FILE_SCHEMA, plugins), "a list of strings");
        assert!(node_at(&FILE_SCHEMA, "/server/nonsense").is_none());
    }
}
