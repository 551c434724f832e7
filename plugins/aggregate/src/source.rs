//! Where the value of a placeholder comes from.

use tollgate_plugin_sdk::{attributes, request};

use crate::failure::Failure;
use crate::json::Json;
use crate::path::Path;
use crate::query;

/// What stands between the braces of a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `{name}`: a parameter of the route's path.
    Param(String),
    /// `{*name}`: one whose slashes stay.
    Rest(String),
    /// `{attribute:name}`: a note on the request.
    Attribute(String),
    /// `{query:name}`: a parameter of the client's query, decoded.
    Query(String),
    /// `{header:name}`: a field of the client's request.
    Header(String),
    /// `{body:a.b}`: a value of the client's JSON body.
    Body(Path),
    /// `{part:user.id}`: a value of another part's answer.
    Part { part: usize, name: String, path: Path },
    /// `{item}` or `{item.id}`: of the item a part with `each` is called for.
    Item(Path),
}

/// What placeholders may name, beside what every request has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    /// Of the parts, in the order of the config.
    pub(crate) parts: &'a [String],
    /// Whether there is an item.
    pub(crate) item: bool,
}

/// The values at hand while a request is answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    /// What the parts answered, in the order of the config; `None` for what is missing.
    pub(crate) answers: &'a [Option<Json>],
    /// The client's body, if the plugin reads it.
    pub(crate) body: Option<&'a Json>,
    pub(crate) item: Option<&'a Json>,
}

impl Source {
    /// `text` is without the braces. The error does not say where it stood.
    pub(crate) fn parse(text: &str, names: Names<'_>) -> Result<Self, String> {
        let found = match text.split_once(':') {
            // Names of claims may hold nearly anything: `jwt.claim.https://example.com/role`.
            Some(("attribute", name)) => is_given(name).then(|| Self::Attribute(name.to_owned())),
            Some(("query", name)) => is_given(name).then(|| Self::Query(name.to_owned())),
            Some(("header", name)) => is_given(name).then(|| Self::Header(name.to_ascii_lowercase())),
            Some(("body", path)) => Some(Self::Body(Path::parse(path)?)),
            Some(("part", path)) => return part(path, names.parts),
            Some(_) => None,
            // Without items, `{item}` is a parameter of the route's path like any other.
            None if text.starts_with("item.") || (text == "item" && names.item) => return item(text, names.item),
            None => match text.strip_prefix('*') {
                Some(name) => is_name(name).then(|| Self::Rest(name.to_owned())),
                None => is_name(text).then(|| Self::Param(text.to_owned())),
            },
        };
        found.ok_or_else(|| {
            format!(
                "`{{{text}}}` is no placeholder; there are `{{name}}`, `{{*name}}`, `{{attribute:name}}`, \
                 `{{query:name}}`, `{{header:name}}`, `{{body:path}}`, `{{part:name.path}}` and `{{item.path}}`"
            )
        })
    }

    /// The part whose answer must be there first.
    pub(crate) fn part(&self) -> Option<usize> {
        if let Self::Part { part, .. } = self { Some(*part) } else { None }
    }

    /// Whether the value is an upstream's, and so what is wrong with it is not the client's fault.
    pub(crate) fn is_upstreams(&self) -> bool {
        matches!(self, Self::Part { .. } | Self::Item(_))
    }

    /// The value as text. An empty one is as good as none: `/users/{id}` must never become the list
    /// of all users.
    pub(crate) fn text(&self, values: Values<'_>) -> Result<String, Failure> {
        let text = match self {
            Self::Param(name) | Self::Rest(name) => Some(request::param(name).ok_or_else(|| no_param(name))?),
            Self::Attribute(name) => attributes::get(name),
            Self::Query(name) => query::first(&request::query().unwrap_or_default(), name),
            Self::Header(name) => request::header(name),
            Self::Body(_) | Self::Part { .. } | Self::Item(_) => self.value(values).and_then(|value| value.text()),
        };
        // What is left of a path may be empty: `/files/{*rest}` is asked for as `/files/`, too.
        text.filter(|text| !text.is_empty() || matches!(self, Self::Rest(_))).ok_or_else(|| self.missing())
    }

    /// The value as JSON, whatever it is.
    pub(crate) fn json(&self, values: Values<'_>) -> Result<Json, Failure> {
        match self {
            Self::Body(_) | Self::Part { .. } | Self::Item(_) => self.value(values).ok_or_else(|| self.missing()),
            _ => self.text(values).map(|text| Json::string(&text)),
        }
    }

    /// Whether there is a value, of whatever type, with something in it.
    pub(crate) fn exists(&self, values: Values<'_>) -> bool {
        match self {
            Self::Body(_) | Self::Part { .. } | Self::Item(_) => {
                self.value(values).is_some_and(|value| value.is_something())
            }
            _ => self.text(values).is_ok(),
        }
    }

    fn value(&self, values: Values<'_>) -> Option<Json> {
        match self {
            Self::Body(path) => path.of(values.body?),
            Self::Part { part, path, .. } => path.of(values.answers.get(*part)?.as_ref()?),
            Self::Item(path) => path.of(values.item?),
            _ => None,
        }
    }

    fn missing(&self) -> Failure {
        match self {
            Self::Param(name) | Self::Rest(name) => {
                Failure::BadRequest(format!("the parameter `{name}` of the path is empty"))
            }
            Self::Attribute(name) => Failure::Setup(format!("no plugin before this one set the attribute `{name}`")),
            Self::Query(name) => Failure::Missing(format!("the query has no `{name}`")),
            Self::Header(name) => Failure::Missing(format!("the request has no `{name}` field")),
            Self::Body(path) => Failure::Missing(format!("the body has no `{path}` that can be used here")),
            Self::Part { name, path, .. } => {
                Failure::Upstream(format!("part `{name}` has no `{path}` that can be used here"))
            }
            Self::Item(path) => Failure::Upstream(format!("the item has no `{path}` that can be used here")),
        }
    }
}

/// Names of parts may hold dots, so the longest that fits is meant.
fn part(text: &str, parts: &[String]) -> Result<Source, String> {
    let fits =
        |name: &String| text.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let found = parts.iter().enumerate().filter(|(_, name)| fits(name)).max_by_key(|(_, name)| name.len());
    let Some((part, name)) = found else {
        return Err(format!("`{{part:{text}}}` names no part; there are `{}`", parts.join("`, `")));
    };
    let path = match text.get(name.len() + 1..) {
        Some(path) => Path::parse(path)?,
        None => Path::whole(),
    };
    Ok(Source::Part { part, name: name.clone(), path })
}

fn item(text: &str, there_is_one: bool) -> Result<Source, String> {
    if !there_is_one {
        return Err(format!("`{{{text}}}` stands in a part without `each`"));
    }
    match text.strip_prefix("item.") {
        Some(path) => Path::parse(path).map(Source::Item),
        None => Ok(Source::Item(Path::whole())),
    }
}

fn no_param(name: &str) -> Failure {
    Failure::Setup(format!("the route's path has no parameter `{name}`"))
}

fn is_given(name: &str) -> bool {
    !name.is_empty() && !name.contains('{')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
