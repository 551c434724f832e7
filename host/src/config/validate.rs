//! Checks a document against a JSON Schema and says what is wrong in our own words.
//!
//! serde would stop at its first error, and it knows no places. No value that was interpolated or
//! is key material is ever part of a message.

mod value;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use super::document::{Document, child};
use super::error::Diagnostic;
use super::schema::{self, FILE_SCHEMA};
use super::suggest;
use crate::plain;

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
pub(super) fn validate(
    document: &Document,
    base: &str,
    instance: &Value,
    schema: &Value,
    validator: &Validator,
) -> Found {
    let mut wording = Wording { document, base, schema, found: Vec::new() };
    let errors: Vec<_> = validator.iter_errors(instance).collect();
    for error in &errors {
        if !is_said_better(error, &errors) {
            wording.add(error);
        }
    }
    wording.found.into_iter().map(|(pointer, error)| (pointer, plainly(error))).collect()
}

/// Keys, descriptions and values of a plugin's schema are the plugin's words.
fn plainly(mut error: Diagnostic) -> Diagnostic {
    for words in std::iter::once(&mut error.message).chain(&mut error.help) {
        if !plain::is_plain(words) {
            *words = plain::line(words).into_owned();
        }
    }
    error
}

/// That a value is none of those there are says its type as well.
fn is_said_better(error: &ValidationError<'_>, errors: &[ValidationError<'_>]) -> bool {
    let is_choice = |kind: &Kind| matches!(kind, Kind::Enum { .. } | Kind::Constant { .. });
    let same_value = |other: &&ValidationError<'_>| other.instance_path() == error.instance_path();
    matches!(error.kind(), Kind::Type { .. }) && errors.iter().filter(same_value).any(|other| is_choice(other.kind()))
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
            Kind::Required { property } => {
                self.missing_key(pointer, property.as_str().unwrap_or_default(), node);
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.no_alternative(pointer, error, context, node);
            }
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
        if let Some(settings) = self.own_settings(table) {
            error = error.help(format!("the plugin's own settings go into `[{settings}.config]`"));
        }
        self.found.push((pointer, error));
    }

    /// The path of a plugin's table, if it is one: people write a plugin's own settings there.
    fn own_settings(&self, table: &str) -> Option<String> {
        let name = table.strip_prefix("/plugins/").filter(|name| self.base.is_empty() && !name.contains('/'))?;
        (!name.is_empty()).then(|| self.document.key_path(table))
    }

    /// Where a key would be right: a table around this one, or one of the top level's.
    fn home_of(&self, table: &str, key: &str) -> Option<String> {
        let has = |node: &Value| schema::keys(schema::follow(&FILE_SCHEMA, node)).contains(&key);
        let mut outer = table;
        while let Some((parent, _)) = outer.rsplit_once('/') {
            outer = parent;
            if !outer.is_empty() && schema::node_at(&FILE_SCHEMA, outer).is_some_and(has) {
                let path = self.document.key_path(outer);
                return Some(format!(
                    "`{key}` belongs to `{path}`: write it above the tables inside it, right after its header"
                ));
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
                error = error
                    .help(format!("it is {}", schema::expected(self.schema, schema::follow(self.schema, property))));
            }
            if let Some(description) = schema::description(self.schema, property) {
                error = error.help(format!("{key}: {description}"));
            }
        }
        self.found.push((pointer, error));
    }

    /// The alternative that was most likely meant tells what is wrong; else all are named.
    fn no_alternative(
        &mut self,
        pointer: String,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        node: &Value,
    ) {
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
        let mut forms: Vec<String> =
            alternatives(node).map(|n| schema::form(self.schema, schema::follow(self.schema, n))).collect();
        forms.retain(|form| form != "nothing");
        forms.dedup();
        // "must be a string, not a string" helps nobody: where the text is wrong, it is shown.
        let found = match error.instance().as_str().filter(|_| self.document.may_be_shown(&pointer)) {
            Some(text) => format!("`\"{}\"`", text.escape_debug()),
            None => schema::found(error.instance()).to_owned(),
        };
        let message = format!("{} must be {}, not {found}", self.name(&pointer), either(&forms));
        let error = self.document.value_error(&pointer, message);
        self.found.push((pointer, error));
    }

    /// The schema node whose keyword failed.
    fn node(&self, error: &ValidationError<'_>) -> &'a Value {
        let path = error.schema_path().as_str();
        let node = path.rsplit_once('/').and_then(|(node, _)| self.schema.pointer(node));
        node.unwrap_or(&Value::Null)
    }
}

/// `a, b or c`.
fn either(forms: &[String]) -> String {
    match forms {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        forms => forms.concat(),
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
