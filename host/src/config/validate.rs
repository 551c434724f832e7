//! Checks a document against a JSON Schema and says what is wrong in our own words.
//!
//! serde would stop at its first error, and it knows no places. No value that was interpolated or
//! is key material is ever part of a message.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use super::document::{Document, child};
use super::error::Diagnostic;
use super::schema::{self, FILE_SCHEMA};
use super::suggest;
use super::units;

/// Errors with the pointer of the value they spoil.
pub(super) type Found = Vec<(String, Diagnostic)>;

/// Compiles a schema that may refer to nothing outside itself.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_retriever(NoRetriever)
        // The linear-time engine: a pattern from a plugin must not be able to hang the gateway.
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| error.to_string())
}

/// Checks `instance`, which stands at `base` in the document.
pub(super) fn validate(document: &Document, base: &str, instance: &Value, schema: &Value, validator: &Validator) -> Found {
    let mut wording = Wording { document, base, schema, found: Vec::new() };
    for error in validator.iter_errors(instance) {
        wording.add(&error);
    }
    wording.found
}

struct NoRetriever;

impl Retrieve for NoRetriever {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`$ref` to `{uri}`: a schema may refer to itself only").into())
    }
}

struct Wording<'a> {
    document: &'a Document,
    base: &'a str,
    schema: &'a Value,
    found: Found,
}

impl<'a> Wording<'a> {
    fn add(&mut self, error: &ValidationError<'_>) {
        let pointer = format!("{}{}", self.base, error.instance_path().as_str());
        let node = self.node(error);
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                for key in unexpected {
                    self.unknown_key(&pointer, key, node);
                }
            }
            Kind::FalseSchema => {
                let name = self.name(&pointer);
                let error = self.document.key_error(&pointer, format!("{name} is not allowed here"));
                self.found.push((pointer, error));
            }
            Kind::Required { property } => self.missing_key(pointer, property.as_str().unwrap_or_default(), node),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.no_alternative(pointer, error, context, node),
            kind => {
                let (message, help) = self.value(&pointer, kind, error.instance(), node);
                let mut diagnostic = self.document.value_error(&pointer, message);
                diagnostic.help.extend(help);
                self.found.push((pointer, diagnostic));
            }
        }
    }

    fn unknown_key(&mut self, table: &str, key: &str, node: &Value) {
        let pointer = child(table, key);
        let mut error = self.document.key_error(&pointer, format!("unknown key `{key}`"));
        let allowed = schema::keys(node);
        if let Some(near) = suggest::nearest(key, allowed.iter().copied()) {
            error = error.help(format!("did you mean `{near}`?"));
        } else if let Some(home) = self.home_of(table, key) {
            error = error.help(home);
        } else if allowed.is_empty() {
            error = error.help("no keys are allowed here");
        } else {
            error = error.help(format!("allowed here: {}", suggest::list(allowed)));
        }
        self.found.push((pointer, error));
    }

    /// Where a key would be right: a table around this one, or one of the top level's.
    fn home_of(&self, table: &str, key: &str) -> Option<String> {
        let has = |node: &Value| schema::keys(schema::follow(&FILE_SCHEMA, node)).contains(&key);
        let mut outer = table;
        while let Some((parent, _)) = outer.rsplit_once('/') {
            outer = parent;
            if !outer.is_empty() && schema::node_at(&FILE_SCHEMA, outer).is_some_and(has) {
                let path = self.document.key_path(outer);
                return Some(format!("`{key}` belongs to `{path}`: write it above the tables inside it, right after its header"));
            }
        }
        let sections = ["/server", "/server/limits", "/log", "/state"];
        let section = sections.iter().find(|section| schema::node_at(&FILE_SCHEMA, section).is_some_and(has))?;
        Some(format!("`{key}` belongs to `[{}]`", section[1..].replace('/', ".")))
    }

    fn missing_key(&mut self, pointer: String, key: &str, node: &Value) {
        let mut error = self.document.value_error(&pointer, format!("missing key `{key}`"));
        if let Some(property) = node.get("properties").and_then(|properties| properties.get(key)) {
            if let Some(example) = schema::example(self.schema, property) {
                error = error.help(format!("add for example `{key} = {example}`"));
            } else {
                error = error.help(format!("it is {}", schema::expected(self.schema, schema::follow(self.schema, property))));
            }
            if let Some(description) = schema::description(self.schema, property) {
                error = error.help(format!("{key}: {description}"));
            }
        }
        self.found.push((pointer, error));
    }

    /// The alternative that was most likely meant tells what is wrong; else all are named.
    fn no_alternative(&mut self, pointer: String, error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>], node: &Value) {
        if let Some(constants) = constants(self.schema, node) {
            let (message, help) = self.not_one_of(&pointer, error.instance(), &constants);
            let mut diagnostic = self.document.value_error(&pointer, message);
            diagnostic.help.extend(help);
            self.found.push((pointer, diagnostic));
            return;
        }
        let here = error.instance_path().as_str().len();
        let right_type = |branch: &&Vec<ValidationError<'_>>| {
            !branch.iter().any(|e| {
                let is_constant = matches!(e.kind(), Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. });
                is_constant && e.instance_path().as_str().len() <= here
            })
        };
        let mut likely: Vec<_> = context.iter().filter(right_type).collect();
        likely.sort_by_key(|branch| branch.len());
        if let [branch, ..] = likely.as_slice() {
            for error in *branch {
                self.add(error);
            }
            return;
        }
        let mut forms: Vec<String> = alternatives(node).map(|n| schema::expected(self.schema, schema::follow(self.schema, n))).collect();
        forms.retain(|form| form != "nothing");
        forms.dedup();
        let message = format!("{} must be {}, not {}", self.name(&pointer), forms.join(" or "), schema::found(error.instance()));
        let error = self.document.value_error(&pointer, message);
        self.found.push((pointer, error));
    }

    /// Message and help for a value that is wrong in itself.
    fn value(&self, pointer: &str, kind: &Kind, value: &Value, node: &Value) -> (String, Option<String>) {
        let name = self.name(pointer);
        let example = schema::example(self.schema, node).or_else(|| self.property_example(pointer));
        let for_example = match example {
            Some(example) => Some(format!("for example `{}{example}`", self.assignment(pointer))),
            // TOML has a header of its own for these.
            None if schema::is_list_of_tables(self.schema, node) => Some(format!("write `[[{}]]`", self.document.key_path(pointer))),
            None => None,
        };
        let length = |limit: u64, of: &str| format!("{limit} {of}{}", if limit == 1 { "" } else { "s" });
        let number = |limit: &Value| limit.as_f64().filter(|n| n.fract() == 0.0).map_or_else(|| limit.to_string(), |n| format!("{n:.0}"));
        let message = match kind {
            Kind::Type { .. } => format!("{name} must be {}, not {}", schema::expected(self.schema, node), schema::found(value)),
            Kind::Enum { options } => return self.not_one_of(pointer, value, options.as_array().map_or(&[], Vec::as_slice)),
            Kind::Constant { expected_value } => return self.not_one_of(pointer, value, std::slice::from_ref(expected_value)),
            Kind::Pattern { pattern } => return (self.pattern(pointer, pattern, value), for_example),
            Kind::Minimum { limit } => format!("{name} must be at least {}", number(limit)),
            Kind::Maximum { limit } => format!("{name} must be at most {}", number(limit)),
            Kind::ExclusiveMinimum { limit } => format!("{name} must be more than {}", number(limit)),
            Kind::ExclusiveMaximum { limit } => format!("{name} must be less than {}", number(limit)),
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => format!("{name} must not be empty"),
            Kind::MinLength { limit } => format!("{name} must have at least {}", length(*limit, "character")),
            Kind::MaxLength { limit } => format!("{name} must have at most {}", length(*limit, "character")),
            Kind::MinItems { limit } => format!("{name} must have at least {}", length(*limit, "item")),
            Kind::MaxItems { limit } => format!("{name} must have at most {}", length(*limit, "item")),
            Kind::MinProperties { limit } => format!("{name} must have at least {}", length(*limit, "key")),
            Kind::MaxProperties { limit } => format!("{name} must have at most {}", length(*limit, "key")),
            Kind::UniqueItems => format!("{name} has the same item twice"),
            Kind::Format { format } => format!("{name} must be in the format `{format}`"),
            Kind::PropertyNames { .. } => format!("{name} has a key whose name is not allowed"),
            Kind::OneOfMultipleValid { .. } => format!("{name} fits several alternatives that exclude each other"),
            other => format!("{name} is not what the schema asks for (`{}`)", other.keyword()),
        };
        let description = || schema::description(self.schema, node).map(str::to_owned);
        (message, for_example.or_else(description))
    }

    fn pattern(&self, pointer: &str, pattern: &str, value: &Value) -> String {
        let name = self.name(pointer);
        let text = value.as_str().unwrap_or_default();
        let shown = if self.document.may_be_shown(pointer) { format!("{name} is `{}`", text.escape_debug()) } else { format!("{name} is wrong") };
        match pattern {
            units::DURATION_PATTERN => match units::parse_duration(text) {
                Err(why) => format!("{shown}: {why}"),
                Ok(_) => format!("{shown}: the number has too many digits"),
            },
            units::SIZE_PATTERN => match units::parse_size(text) {
                Err(why) => format!("{shown}: {why}"),
                Ok(_) => format!("{shown}: the number has too many digits"),
            },
            _ => format!("{shown}, which does not match the pattern `{pattern}`"),
        }
    }

    fn not_one_of(&self, pointer: &str, value: &Value, options: &[Value]) -> (String, Option<String>) {
        let texts: Vec<String> = options.iter().filter_map(|option| option.as_str().map(str::to_owned).or_else(|| schema::toml_text(option))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let name = self.name(pointer);
        match value.as_str().filter(|_| self.document.may_be_shown(pointer)) {
            Some(text) => {
                let (text, list) = (text.escape_debug(), suggest::list(texts.iter().copied()));
                let message = match texts.as_slice() {
                    [_] => format!("{name} cannot be `{text}`: {list} is the only value there is"),
                    _ => format!("{name} cannot be `{text}`; it is {list}"),
                };
                let text = &text.to_string();
                (message, suggest::nearest(text, texts).map(|near| format!("did you mean `{near}`?")))
            }
            None => (format!("{name} must be {}", suggest::list(texts)), None),
        }
    }

    /// `` `timeout` ``, or `` `targets[0]` `` for an item.
    fn name(&self, pointer: &str) -> String {
        let path = self.document.key_path(pointer);
        match path.rsplit_once('.') {
            Some((_, last)) if !last.contains('"') => format!("`{last}`"),
            _ => format!("`{path}`"),
        }
    }

    /// `timeout = `; nothing for an item of a list.
    fn assignment(&self, pointer: &str) -> String {
        let name = self.name(pointer);
        let name = name.trim_matches('`');
        if name.contains('[') { String::new() } else { format!("{name} = ") }
    }

    fn property_example(&self, pointer: &str) -> Option<String> {
        let inside = pointer.strip_prefix(self.base)?;
        schema::example(self.schema, schema::node_at(self.schema, inside)?)
    }

    /// The schema node whose keyword failed.
    fn node(&self, error: &ValidationError<'_>) -> &'a Value {
        let path = error.schema_path().as_str();
        let node = path.rsplit_once('/').and_then(|(node, _)| self.schema.pointer(node));
        node.unwrap_or(&Value::Null)
    }
}

fn alternatives(node: &Value) -> impl Iterator<Item = &Value> {
    let all = node.get("anyOf").or_else(|| node.get("oneOf")).and_then(Value::as_array);
    all.into_iter().flatten()
}

/// The values of a node whose alternatives are nothing but constants (an enum whose variants have
/// descriptions).
fn constants(root: &Value, node: &Value) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for alternative in alternatives(node) {
        let alternative = schema::follow(root, alternative);
        match (alternative.get("const"), alternative.get("enum").and_then(Value::as_array)) {
            (Some(constant), _) => all.push(constant.clone()),
            (None, Some(options)) => all.extend(options.iter().cloned()),
            (None, None) => return None,
        }
    }
    Some(all)
}
