//! TOML to [`Document`]: values as JSON, the place of each, strings interpolated, files merged.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, Spans, child, is_key_material, may_have_password};
use super::error::Diagnostic;
use super::interpolate::expand;
use super::source::Source;

/// Tables whose entries may be spread over several files.
const MERGED: &[&str] = &["secrets", "kv", "upstreams", "plugins"];

const QUOTES: &str = "text stands in quotes, durations and sizes too: `level = \"info\"`, `timeout = \"10s\"`";

/// What came of parsing.
pub(super) struct Parsed {
    pub(super) document: Document,
    /// Errors of syntax: the document is not whole, so judging it would accuse the innocent.
    pub(super) syntax: Vec<Diagnostic>,
    /// Other errors, with the pointer of the value they spoil.
    pub(super) errors: Vec<(String, Diagnostic)>,
}

/// Parses and merges config files. `folder` is what paths in them are relative to.
pub(super) fn parse(sources: Vec<Source>, folder: PathBuf) -> Parsed {
    let document = Document { folder, ..Document::default() };
    let mut parser = Parser { document, syntax: Vec::new(), refused: Vec::new(), errors: Vec::new() };
    let mut root = Map::new();
    for source in sources {
        parser.add(source, &mut root);
    }
    parser.document.root = Value::Object(root);
    // Only now is it known which parts of a line must not be shown.
    for (pointer, message) in parser.refused {
        let error = parser.document.value_error(&pointer, message);
        parser.errors.push((pointer, error));
    }
    Parsed { document: parser.document, syntax: parser.syntax, errors: parser.errors }
}

struct Parser {
    document: Document,
    syntax: Vec<Diagnostic>,
    /// Values that cannot be taken: pointer and why.
    refused: Vec<(String, String)>,
    errors: Vec<(String, Diagnostic)>,
}

type Entry<'a, 'i> = (&'a Spanned<Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl Parser {
    fn add(&mut self, source: Source, root: &mut Map<String, Value>) {
        let text = source.text.clone();
        let index = self.document.sources.len();
        self.document.files.push(source.path.clone());
        self.document.sources.push(source);
        let (table, errors) = DeTable::parse_recoverable(&text);
        for (key, value) in in_order(table.get_ref()) {
            self.add_top(index, key, value, root);
        }
        self.report_syntax(index, &errors);
    }

    fn add_top(
        &mut self,
        source: usize,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        root: &mut Map<String, Value>,
    ) {
        let name = key.get_ref().as_ref();
        let pointer = child("", name);
        match (root.get_mut(name), value.get_ref()) {
            (None, _) => {
                let value = self.convert(source, &pointer, key.span(), value);
                root.insert(name.to_owned(), value);
            }
            (Some(Value::Object(existing)), DeValue::Table(table)) if MERGED.contains(&name) => {
                for (key, value) in in_order(table) {
                    let pointer = child(&pointer, key.get_ref());
                    if existing.contains_key(key.get_ref().as_ref()) {
                        self.defined_twice(source, &pointer, &value.span());
                        continue;
                    }
                    let value = self.convert(source, &pointer, key.span(), value);
                    existing.insert(key.get_ref().to_string(), value);
                }
            }
            (Some(Value::Array(existing)), DeValue::Array(items)) if name == "routes" => {
                for item in items {
                    let value = self.convert(source, &child(&pointer, &existing.len().to_string()), item.span(), item);
                    existing.push(value);
                }
            }
            _ => self.defined_twice(source, &pointer, &value.span()),
        }
    }

    fn defined_twice(&mut self, source: usize, pointer: &str, span: &Range<usize>) {
        let path = self.document.key_path(pointer);
        let mut error = Diagnostic::new(format!("`{path}` is defined twice"));
        error.place = self.document.sources.get_mut(source).map(|source| {
            hide_value(source, span);
            Box::new(source.place(span))
        });
        if let Some(first) = self.document.value_place(pointer) {
            error = error.help(format!(
                "it is defined in {}:{}:{} already",
                first.file.display(),
                first.line,
                first.column
            ));
        }
        self.errors.push((pointer.to_owned(), error));
    }

    /// The value as JSON; its places, and those below it, are noted.
    fn convert(&mut self, source: usize, pointer: &str, key: Range<usize>, value: &Spanned<DeValue<'_>>) -> Value {
        self.hide_secret(source, pointer, value);
        self.document.spans.insert(pointer.to_owned(), Spans { source, key, value: value.span() });
        match value.get_ref() {
            DeValue::String(text) => self.string(pointer, text),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::from(number),
                Err(_) => self.refuse(pointer, "the number does not fit into 64 bits"),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => self.refuse(pointer, "the number must be finite"),
            },
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Array(items) => {
                let item = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                    self.convert(source, &child(pointer, &index.to_string()), item.span(), item)
                };
                Value::Array(items.iter().enumerate().map(item).collect())
            }
            DeValue::Table(table) => {
                let entry = |(key, value): Entry<'_, '_>| {
                    let name = key.get_ref().to_string();
                    let value = self.convert(source, &child(pointer, &name), key.span(), value);
                    (name, value)
                };
                Value::Object(in_order(table).into_iter().map(entry).collect())
            }
        }
    }

    /// What may be a secret is not shown, neither in messages nor in the lines they quote.
    fn hide_secret(&mut self, source: usize, pointer: &str, value: &Spanned<DeValue<'_>>) {
        let holds_password = value.get_ref().as_str().is_some_and(|text| may_have_password(pointer, text));
        if holds_password {
            self.document.confidential.insert(pointer.to_owned());
        }
        let is_scalar = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        if (holds_password || is_scalar && is_key_material(pointer))
            && let Some(source) = self.document.sources.get_mut(source)
        {
            source.hidden.push(value.span());
        }
    }

    fn string(&mut self, pointer: &str, text: &str) -> Value {
        match expand(text, &self.document.folder) {
            Ok(expanded) => {
                if expanded.changed {
                    self.document.confidential.insert(pointer.to_owned());
                }
                self.document.files.extend(expanded.files);
                Value::String(expanded.text)
            }
            Err(message) => {
                self.refused.push((pointer.to_owned(), message));
                Value::String(text.to_owned())
            }
        }
    }

    fn refuse(&mut self, pointer: &str, message: &str) -> Value {
        self.refused.push((pointer.to_owned(), message.to_owned()));
        Value::Null
    }

    fn report_syntax(&mut self, index: usize, errors: &[toml::de::Error]) {
        let Some(source) = self.document.sources.get_mut(index) else {
            return;
        };
        let mut lines = HashSet::new();
        for error in errors {
            let span = error.span().unwrap_or_default();
            hide_value(source, &span);
            let place = source.place(&span);
            // The parser's further complaints about one line follow from the first.
            if lines.insert(place.line) {
                let diagnostic = Diagnostic::new(format!("invalid TOML: {}", error.message())).at(place);
                let help = syntax_help(error.message(), &source.text, &span);
                self.syntax.push(help.into_iter().fold(diagnostic, Diagnostic::help));
            }
        }
    }
}

/// What to do, for the slips of those who write other formats every day.
fn syntax_help(message: &str, text: &str, span: &Range<usize>) -> Option<&'static str> {
    let (before, rest) = text.split_at_checked(span.start).unwrap_or_default();
    if message.starts_with("key with no value") && before.trim_end().ends_with(':') {
        return Some("TOML writes `key = value`, not `key: value`");
    }
    if message.starts_with("unexpected key or value") && rest.starts_with(',') {
        return Some("keys are not separated by commas: each stands on a line of its own");
    }
    if before.ends_with(['\u{201c}', '\u{201d}', '\u{201e}']) || rest.starts_with(['\u{201c}', '\u{201d}', '\u{201e}'])
    {
        return Some("text stands in straight quotes: `\"`");
    }
    if matches!(written_value(text, span), "True" | "TRUE" | "False" | "FALSE" | "yes" | "no" | "on" | "off") {
        return Some("TOML writes `true` and `false`");
    }
    if message.starts_with("invalid basic string") && message.ends_with("expected `\"`") {
        return Some("the text has no `\"` at its end");
    }
    let bare = message.contains("quoted") || message.starts_with("invalid") && is_bare_text(text, span);
    bare.then_some(QUOTES)
}

/// A line that is not converted may hold key material all the same.
fn hide_value(source: &mut Source, span: &Range<usize>) {
    let start = source.text.floor_char_boundary(span.start);
    let line_start = source.text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source.text[start..].find('\n').map_or(source.text.len(), |at| start + at);
    let line = &source.text[line_start..line_end];
    if let Some(at) = line.find("value") {
        source.hidden.push(line_start + at + "value".len()..line_end);
    }
}

/// What stands behind the first `=` of the error's line.
fn written_value<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    text[line_start..].lines().next().and_then(|line| line.split_once('=')).map_or("", |(_, value)| value.trim())
}

/// Whether the error is at a value that starts like a word or a number with a unit.
fn is_bare_text(text: &str, span: &Range<usize>) -> bool {
    let value = written_value(text, span);
    value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '$')
        && value != "true"
        && value != "false"
}

/// The entries of a table in the order they are written.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
