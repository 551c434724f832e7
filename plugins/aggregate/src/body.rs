//! The body a part is sent: JSON with placeholders in its strings.

use tollgate_plugin_sdk::mistakes::{At, all};

use serde_json::Value;

use crate::failure::Failure;
use crate::json::Json;
use crate::source::{Names, Source, Values};
use crate::template::Template;

/// A parsed body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyTemplate {
    /// JSON as written.
    Literal(String),
    /// A string with placeholders in it: a string.
    Text(Template),
    /// A string that is one placeholder: its value, a number or an object as well as a string.
    Value(Source),
    Object(Vec<(String, BodyTemplate)>),
    Array(Vec<BodyTemplate>),
}

impl BodyTemplate {
    pub(crate) fn parse(value: &Value, names: Names<'_>, mistakes: &At<'_>) -> Option<Self> {
        Some(match value {
            Value::String(text) if text.contains(['{', '}']) => {
                let template = mistakes.take(Template::parse(text, names))?;
                match template.only_source() {
                    Some(source) => Self::Value(source.clone()),
                    None => Self::Text(template),
                }
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Self::Array(all(items.map(|(index, item)| Self::parse(item, names, &mistakes.at(index))))?)
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    Some((name.clone(), Self::parse(value, names, &mistakes.of(name))?))
                };
                Self::Object(all(members.iter().map(member))?)
            }
            literal => Self::Literal(literal.to_string()),
        })
    }

    /// All placeholders in it.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Text(template) => template.sources().collect(),
            Self::Value(source) => vec![source],
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.sources()).collect(),
            Self::Array(items) => items.iter().flat_map(Self::sources).collect(),
        }
    }

    /// The JSON for the request at hand.
    pub(crate) fn fill(&self, values: Values<'_>) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        self.filled(values)?.write(&mut out);
        Ok(out)
    }

    fn filled(&self, values: Values<'_>) -> Result<Json, Failure> {
        Ok(match self {
            // It was JSON when the configuration was read.
            Self::Literal(text) => Json::parse(text.clone().into_bytes()).map_err(Failure::Setup)?,
            Self::Text(template) => Json::string(&template.fill(values)?),
            Self::Value(source) => source.json(values)?,
            Self::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), value.filled(values)?)))
                    .collect::<Result<_, Failure>>()?,
            ),
            Self::Array(items) => {
                Json::Array(items.iter().map(|item| item.filled(values)).collect::<Result<_, Failure>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::mistakes::Mistakes;

    use super::*;
    use serde_json::json;
    use tollgate_plugin_sdk::testing::Host;

    fn parsed(template: &Value, parts: &[String]) -> BodyTemplate {
        BodyTemplate::parse(template, Names { parts, item: false }, &Mistakes::default().whole()).unwrap()
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type_and_one_in_a_text_is_text() {
        let _host = Host::new().param("id", "7");
        let parts = ["user".to_owned()];
        let template = json!({
            "id": "{part:user.id}", "tags": ["{part:user.tags}", 1, null], "name": "Dear {part:user.name}",
            "path": "{id}", "note": "{body:note}",
        });
        let template = parsed(&template, &parts);
        let answers = [Json::parse(r#"{"id":7.50,"name":"Z\"oe","tags":{"a":[]}}"#.into()).ok()];
        let body = Json::parse(r#"{"note":null}"#.into()).unwrap();
        let filled = template.fill(Values { answers: &answers, body: Some(&body), item: None }).unwrap();
        let filled: Value = serde_json::from_slice(&filled).unwrap();
        assert_eq!(
            filled,
            json!({"id": 7.5, "tags": [{"a": []}, 1, null], "name": "Dear Z\"oe", "path": "7", "note": null})
        );
        assert_eq!(template.sources().iter().filter_map(|source| source.part()).count(), 3);
    }

    #[test]
    fn a_value_that_is_missing_is_told() {
        let template = parsed(&json!({"a": "{body:b}"}), &[]);
        let body = Json::parse(b"{}".to_vec()).unwrap();
        let values = Values { answers: &[], body: Some(&body), item: None };
        assert!(matches!(template.fill(values), Err(Failure::Missing(problem)) if problem.contains("`b`")));
    }
}
