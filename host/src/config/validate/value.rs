//! What is wrong with one value, in words: its type, its bounds, its form.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::Wording;
use crate::config::{schema, suggest, units};

impl Wording<'_> {
    /// Message and help for a value that is wrong in itself.
    pub(super) fn value(&self, pointer: &str, kind: &Kind, value: &Value, node: &Value) -> (String, Option<String>) {
        let name = self.name(pointer);
        let example = schema::example(self.schema, node).or_else(|| self.property_example(pointer));
        let for_example = match example {
            Some(example) => Some(format!("for example `{}{example}`", self.assignment(pointer))),
            // TOML has a header of its own for these.
            None if schema::is_list_of_tables(self.schema, node) => {
                Some(format!("write `[[{}]]`", self.document.key_path(pointer)))
            }
            None if value.is_array() && schema::is_table_of_names(self.schema, node) => {
                Some(format!("each has a table of its own: write `[{}.NAME]`", self.document.key_path(pointer)))
            }
            None => None,
        };
        let message = match kind {
            Kind::Type { .. } => {
                format!("{name} must be {}, not {}", schema::expected(self.schema, node), schema::found(value))
            }
            Kind::Enum { options } => {
                return self.not_one_of(pointer, value, options.as_array().map_or(&[], Vec::as_slice));
            }
            Kind::Constant { expected_value } => {
                return self.not_one_of(pointer, value, std::slice::from_ref(expected_value));
            }
            Kind::Pattern { pattern } => {
                return (self.pattern(pointer, pattern, value), for_example);
            }
            kind => match bound(kind) {
                Some(bound) => format!("{name} must {bound}"),
                None => format!("{name} {}", fault(kind)),
            },
        };
        let description = || schema::description(self.schema, node);
        (message, for_example.or_else(description))
    }

    fn pattern(&self, pointer: &str, pattern: &str, value: &Value) -> String {
        let name = self.name(pointer);
        let text = value.as_str().unwrap_or_default();
        let shown = if self.document.may_be_shown(pointer) {
            format!("{name} is `{}`", text.escape_debug())
        } else {
            format!("{name} is wrong")
        };
        match pattern {
            units::DURATION_PATTERN | units::DURATION_OR_ZERO_PATTERN => match units::parse_duration(text) {
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

    pub(super) fn not_one_of(&self, pointer: &str, value: &Value, options: &[Value]) -> (String, Option<String>) {
        let texts: Vec<String> = options
            .iter()
            .filter_map(|option| option.as_str().map(str::to_owned).or_else(|| schema::toml_text(option)))
            .collect();
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
    pub(super) fn name(&self, pointer: &str) -> String {
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
}

/// What a value must do to be within its bounds; `None` where the error is another one.
fn bound(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Minimum { limit } => format!("be at least {}", number(limit)),
        Kind::Maximum { limit } => format!("be at most {}", number(limit)),
        Kind::ExclusiveMinimum { limit } => format!("be more than {}", number(limit)),
        Kind::ExclusiveMaximum { limit } => format!("be less than {}", number(limit)),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            "not be empty".into()
        }
        Kind::MinLength { limit } => format!("have at least {}", count(*limit, "character")),
        Kind::MaxLength { limit } => format!("have at most {}", count(*limit, "character")),
        Kind::MinItems { limit } => format!("have at least {}", count(*limit, "item")),
        Kind::MaxItems { limit } => format!("have at most {}", count(*limit, "item")),
        Kind::MinProperties { limit } => format!("have at least {}", count(*limit, "key")),
        Kind::MaxProperties { limit } => format!("have at most {}", count(*limit, "key")),
        _ => return None,
    })
}

fn fault(kind: &Kind) -> String {
    match kind {
        Kind::UniqueItems => "has the same item twice".into(),
        Kind::Format { format } => format!("is not in the format `{format}`"),
        Kind::PropertyNames { .. } => "has a key whose name is not allowed".into(),
        Kind::OneOfMultipleValid { .. } => "fits several alternatives that exclude each other".into(),
        other => format!("is not what the schema asks for (`{}`)", other.keyword()),
    }
}

fn count(limit: u64, of: &str) -> String {
    format!("{limit} {of}{}", if limit == 1 { "" } else { "s" })
}

/// A limit without the `.0` that whole numbers get in JSON.
fn number(limit: &Value) -> String {
    let whole = limit.as_f64().filter(|number| number.fract() == 0.0);
    whole.map_or_else(|| limit.to_string(), |number| format!("{number:.0}"))
}
