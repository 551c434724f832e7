//! What checking a value against a plugin's schema costs, before anything is checked.
//!
//! A few lines of JSON Schema can ask for more work than there is time: subschemas that refer to each
//! other double it with every level, of the schema or of the value. So the steps are counted first,
//! each pair of subschema and value once, and a schema that asks for too many is refused. The count
//! follows the validator's way: it looks whether a value is valid, then looks again for what is
//! wrong with it, and again for what `unevaluatedProperties` may leave over. Absent on purpose: what
//! the keywords mean. Every one that could apply counts as one that does.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Most steps of one check; about a second.
const MAX_STEPS: u64 = 4_000_000;
/// Most pairs of subschema and value that are counted: the counting itself has to end as well.
const MAX_PAIRS: usize = 200_000;
/// The deepest subschemas may lead to each other, through references and the value's own nesting.
const MAX_DEPTH: usize = 512;

/// Stands for any key of a table.
static NAME: Value = Value::String(String::new());

/// A subschema that applies to the value itself.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
/// Several of them. There are those of `dependentSchemas` as well, one for each key.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Subschemas that other places stand in for.
const REFERENCES: [&str; 2] = ["$ref", "$dynamicRef"];
/// Subschemas that apply to the values of a table, beside `properties` and `additionalProperties`.
const INSIDE_TABLES: [&str; 2] = ["patternProperties", "unevaluatedProperties"];
/// Subschemas that apply to the items of a list.
const INSIDE_LISTS: [&str; 4] = ["prefixItems", "items", "contains", "unevaluatedItems"];
/// What looks once more at all that applies to the value itself.
const LOOKS_AGAIN: [&str; 2] = ["unevaluatedProperties", "unevaluatedItems"];

/// Refuses a schema that would take too long to check this value. The error completes the sentence
/// "the schema is not usable: ".
pub(super) fn check(schema: &Value, instance: &Value) -> Result<(), String> {
    let mut counter = Counter { root: schema, anchors: HashMap::new(), known: HashMap::new() };
    anchors(schema, &mut counter.anchors);
    let steps = counter.count(schema, instance, 0)?;
    if steps.errors > MAX_STEPS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> String {
    format!(
        "checking this config against it would take more than {MAX_STEPS} steps; its subschemas refer to each other too often"
    )
}

/// Steps of one subschema on one value.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    /// To find out whether the value is valid.
    valid: u64,
    /// To find out what is wrong with it.
    errors: u64,
    /// To find out what of it was looked at.
    looked_at: u64,
}

struct Counter<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, &'a Value>,
    /// By the addresses of subschema and value. `None` while it is being counted.
    known: HashMap<(*const Value, *const Value), Option<Steps>>,
}

impl<'a> Counter<'a> {
    fn count(&mut self, schema: &'a Value, instance: &Value, depth: usize) -> Result<Steps, String> {
        let Value::Object(keywords) = schema else { return Ok(Steps { valid: 1, errors: 1, looked_at: 1 }) };
        let pair = (std::ptr::from_ref(schema), std::ptr::from_ref(instance));
        match self.known.get(&pair) {
            Some(Some(steps)) => return Ok(*steps),
            Some(None) => return Err("it is defined as itself: a `$ref` leads back to where it stands".into()),
            None => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("its subschemas lead to each other more than {MAX_DEPTH} levels deep"));
        }
        if depth > 0 && keywords.get("$id").is_some_and(Value::is_string) {
            return Err("a subschema has an `$id` of its own; refer to it with `#/$defs/NAME` instead".into());
        }
        if self.known.len() >= MAX_PAIRS {
            return Err(too_many());
        }
        self.known.insert(pair, None);
        let steps = self.sum(keywords, instance, depth)?;
        self.known.insert(pair, Some(steps));
        Ok(steps)
    }

    fn sum(&mut self, keywords: &'a Map<String, Value>, instance: &Value, depth: usize) -> Result<Steps, String> {
        // A keyword costs a step, and one that has a list of values a step for each.
        let own = keywords.values().map(|value| 1 + value.as_array().map_or(0, Vec::len) as u64).sum();
        let mut all = Steps { valid: own, errors: own, looked_at: own };
        let references = REFERENCES.iter().filter_map(|keyword| keywords.get(*keyword)?.as_str());
        let targets: Vec<&Value> = references
            .map(|reference| self.target(reference))
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        for subschema in targets.into_iter().chain(in_place(keywords)) {
            let steps = self.count(subschema, instance, depth + 1)?;
            all.valid = all.valid.saturating_add(steps.valid);
            all.errors = all.errors.saturating_add(steps.errors);
            all.looked_at = all.looked_at.saturating_add(steps.valid).saturating_add(steps.looked_at);
        }
        for (subschema, inner) in inside(keywords, instance) {
            let steps = self.count(subschema, inner, depth + 1)?;
            all.valid = all.valid.saturating_add(steps.valid);
            all.errors = all.errors.saturating_add(steps.errors);
        }
        if LOOKS_AGAIN.iter().any(|keyword| keywords.contains_key(*keyword)) {
            all.valid = all.valid.saturating_add(all.looked_at);
        }
        all.errors = all.errors.saturating_add(all.valid);
        Ok(all)
    }

    /// What a reference leads to; `None` where it leads nowhere, which the validator says better.
    fn target(&self, reference: &str) -> Result<Option<&'a Value>, String> {
        let own = self.root.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#')).unwrap_or_default();
        let Some(fragment) = reference.strip_prefix(own).unwrap_or(reference).strip_prefix('#') else {
            if reference == own {
                return Ok(Some(self.root));
            }
            return Err(format!("`$ref` to `{reference}`: a schema may refer to itself only, as in `#/$defs/NAME`"));
        };
        if fragment.contains('%') {
            return Err(format!("`$ref` to `{reference}`: write it without `%`"));
        }
        Ok(if fragment.is_empty() || fragment.starts_with('/') {
            self.root.pointer(fragment)
        } else {
            self.anchors.get(fragment).copied()
        })
    }
}

/// Subschemas by the names that references may use for them.
fn anchors<'a>(node: &'a Value, found: &mut HashMap<&'a str, &'a Value>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| anchors(item, found)),
        Value::Object(table) => {
            for name in ["$anchor", "$dynamicAnchor"].iter().filter_map(|keyword| table.get(*keyword)?.as_str()) {
                found.insert(name, node);
            }
            table.values().for_each(|value| anchors(value, found));
        }
        _ => {}
    }
}

/// The subschemas that apply to the same value.
fn in_place(keywords: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let single = IN_PLACE.iter().filter_map(|keyword| keywords.get(*keyword));
    let listed = IN_PLACE_LISTS.iter().filter_map(|keyword| keywords.get(*keyword)?.as_array()).flatten();
    let dependent = keywords.get("dependentSchemas").and_then(Value::as_object);
    single.chain(listed).chain(dependent.into_iter().flat_map(Map::values))
}

/// The subschemas that apply to what is inside the value, with what they apply to.
fn inside<'a, 'v>(keywords: &'a Map<String, Value>, instance: &'v Value) -> Vec<(&'a Value, &'v Value)> {
    let each = |keyword: &str| -> Vec<&'a Value> {
        match keywords.get(keyword) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(table)) if keyword == "patternProperties" => table.values().collect(),
            one => one.into_iter().collect(),
        }
    };
    match instance {
        Value::Array(items) => {
            let subschemas: Vec<_> = INSIDE_LISTS.iter().flat_map(|keyword| each(keyword)).collect();
            items.iter().flat_map(|item| subschemas.iter().map(move |subschema| (*subschema, item))).collect()
        }
        Value::Object(table) => {
            let named = keywords.get("properties").and_then(Value::as_object);
            let subschemas: Vec<_> = INSIDE_TABLES.iter().flat_map(|keyword| each(keyword)).collect();
            let (for_keys, additional) = (each("propertyNames"), each("additionalProperties"));
            let mut pairs = Vec::new();
            for (key, value) in table {
                let own = named.and_then(|named| named.get(key));
                let others = additional.iter().copied().filter(|_| own.is_none());
                pairs.extend(own.into_iter().chain(others).map(|subschema| (subschema, value)));
                pairs.extend(subschemas.iter().map(|subschema| (*subschema, value)));
                pairs.extend(for_keys.iter().map(|subschema| (*subschema, &NAME)));
            }
            pairs
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `levels` subschemas, each of which needs the next twice.
    fn doubling(levels: usize, needs: impl Fn(Value) -> Value) -> Value {
        let mut defs = Map::new();
        for level in 0..levels {
            defs.insert(format!("a{level}"), needs(json!({ "$ref": format!("#/$defs/a{}", level + 1) })));
        }
        defs.insert(format!("a{levels}"), json!(true));
        json!({ "$ref": "#/$defs/a0", "$defs": defs })
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    fn refusal(schema: &Value, instance: &Value) -> String {
        check(schema, instance).unwrap_err()
    }

    #[test]
    fn the_file_s_own_schema_costs_little() {
        let config = json!({ "routes": [{ "name": "a", "path": "/", "upstream": "u", "plugins": ["p"] }] });
        assert_eq!(check(&super::super::schema::FILE_SCHEMA, &config), Ok(()));
    }

    #[test]
    fn subschemas_that_double_with_each_level_are_refused() {
        let all = doubling(40, |next| json!({ "allOf": [next, next] }));
        assert!(refusal(&all, &json!(1)).contains("more than 4000000 steps"));
        assert_eq!(check(&doubling(10, |next| json!({ "allOf": [next, next] })), &json!(1)), Ok(()));
    }

    #[test]
    fn a_value_that_doubles_the_work_with_each_level_is_refused() {
        let once = json!({ "properties": { "a": { "$ref": "#" } }, "additionalProperties": { "$ref": "#" } });
        assert_eq!(check(&once, &nested(60)), Ok(()));
        assert!(refusal(&json!({ "anyOf": [once, once] }), &nested(60)).contains("steps"));
    }

    #[test]
    fn looking_again_for_what_was_left_over_is_counted() {
        let again = (0..60).fold(json!({}), |inner, _| json!({ "allOf": [inner], "unevaluatedProperties": false }));
        assert!(refusal(&again, &json!({})).contains("steps"));
    }

    #[test]
    fn names_of_subschemas_are_followed_and_circles_found() {
        let circle =
            json!({ "$ref": "#here", "$defs": { "a": { "$anchor": "here", "anyOf": [{ "$ref": "#here" }] } } });
        assert!(refusal(&circle, &json!(1)).contains("defined as itself"));
    }

    #[test]
    fn what_the_count_could_not_follow_is_refused() {
        let elsewhere = json!({ "$ref": "x:y", "$defs": { "a": { "$id": "x:y" } } });
        assert!(refusal(&elsewhere, &json!(1)).contains("`$ref` to `x:y`"));
        let inner = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$id": "x:y", "$ref": "#/b" } } });
        assert!(refusal(&inner, &json!(1)).contains("`$id`"));
    }
}
