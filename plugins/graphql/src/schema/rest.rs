//! `@rest`: the call a field's value comes from.
//!
//! This is the seam for other kinds of sources. Execution knows a call only by [`Rest::call`],
//! [`Rest::batch_call`] and [`Rest::select`]: a plan is made of fetches, whatever they are written in.

use apollo_compiler::ast::{Directive, Value};
use apollo_compiler::{Name, Node};
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::{Header, RESERVED_HEADERS, path, request};

use super::template::{Place, Template, Values};
use crate::json::Path;

/// Most bytes of path and query: servers take no more, and a client's value may be as long as its request.
const LONGEST_PATH: usize = 16 * 1024;

/// One call, ready to be filled in.
#[derive(Debug)]
pub(crate) struct Rest {
    target: Target,
    method: String,
    path: PathTemplate,
    headers: Vec<(String, Template)>,
    forward_headers: Vec<String>,
    body: Option<Template>,
    select: Path,
    timeout_ms: Option<u32>,
    pub(crate) batch: Option<Batch>,
}

/// One call for many parents.
#[derive(Debug)]
pub(crate) struct Batch {
    key: Path,
    pub(crate) matching: Path,
    pub(crate) max: usize,
    separator: String,
    path: PathTemplate,
    body: Option<Template>,
}

/// Why there is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCall {
    /// A value the path is made of is null or not there: neither is what it leads to.
    Null,
    /// A value would leave its place in the path, or is too long for one.
    Unfit,
}

impl Rest {
    /// From the directive, which is valid by its definition.
    pub(crate) fn parse(directive: &Directive) -> Result<Self, String> {
        let text = |name: &str| directive.specified_argument_by_name(name).and_then(|value| value.as_str());
        let method = text("method").unwrap_or("GET");
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) {
            return Err(format!("method: `{method}` is none of GET, POST, PUT, PATCH and DELETE"));
        }
        let body = text("body").map(body_template).transpose().map_err(|error| format!("body: {error}"))?;
        Ok(Self {
            target: target(text("upstream"), text("origin"), text("route"))?,
            method: method.to_owned(),
            path: PathTemplate::parse(text("path").unwrap_or_default()).map_err(|error| format!("path: {error}"))?,
            headers: headers(directive.specified_argument_by_name("headers").map(AsRef::as_ref))?,
            forward_headers: forwarded(directive.specified_argument_by_name("forwardHeaders").map(AsRef::as_ref))?,
            body,
            select: Path::parse(text("select").unwrap_or_default()).map_err(|error| format!("select: {error}"))?,
            timeout_ms: timeout_ms(directive.specified_argument_by_name("timeoutMs").map(AsRef::as_ref))?,
            batch: match directive.specified_argument_by_name("batch").map(AsRef::as_ref) {
                Some(Value::Object(members)) => Some(Batch::parse(members).map_err(|error| format!("batch: {error}"))?),
                _ => None,
            },
        })
    }

    /// Whether the call changes nothing, so that two equal ones are one.
    pub(crate) fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// The target for the operator's eyes.
    pub(crate) fn target_name(&self) -> &str {
        match &self.target {
            Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => name,
        }
    }

    /// Every place it is filled in from.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let batch = self.batch.iter().flat_map(|batch| {
            let templates = batch.path.templates().chain(&batch.body);
            templates.flat_map(Template::places)
        });
        let templates =
            self.path.templates().chain(self.headers.iter().map(|(_, template)| template)).chain(&self.body);
        templates.flat_map(Template::places).chain(batch)
    }

    /// The call for one parent.
    pub(crate) fn call(&self, values: &Values<'_>, within_ms: u32) -> Result<Outbound, NoCall> {
        self.outbound(&self.path, self.body.as_ref(), values, within_ms)
    }

    /// The call for many.
    pub(crate) fn batch_call(
        &self,
        batch: &Batch,
        keys: &[&str],
        values: Values<'_>,
        within_ms: u32,
    ) -> Result<Outbound, NoCall> {
        let values = Values { keys: Some((keys, batch.separator.as_str())), ..values };
        self.outbound(&batch.path, batch.body.as_ref(), &values, within_ms)
    }

    /// The value in a whole answer; none if it is not there.
    pub(crate) fn select<'a>(&self, json: &'a str) -> Option<&'a str> {
        self.select.find(json)
    }

    fn outbound(
        &self,
        path: &PathTemplate,
        body: Option<&Template>,
        values: &Values<'_>,
        within_ms: u32,
    ) -> Result<Outbound, NoCall> {
        let timeout_ms = self.timeout_ms.map_or(within_ms, |own| own.min(within_ms)).max(1);
        let mut call = Outbound::new(&self.method, self.target.clone(), path.fill(values)?).timeout_ms(timeout_ms);
        for name in &self.forward_headers {
            call.headers.extend(request::header_values(name).into_iter().map(|value| Header::new(name, value)));
        }
        for (name, template) in &self.headers {
            if let Some(value) = template.text(values) {
                call.headers.push(Header::new(name, value));
            }
        }
        if !call.headers.iter().any(|header| header.name == "accept") {
            call.headers.push(Header::new("accept", "application/json"));
        }
        if let Some(body) = body {
            call.headers.push(Header::new("content-type", "application/json"));
            call.body = body.json(values);
        }
        Ok(call)
    }
}

impl Batch {
    /// What tells this parent apart, as JSON; none where it is null or not there.
    pub(crate) fn key_of<'p>(&self, parent: Option<&'p str>) -> Option<&'p str> {
        self.key.find(parent?).filter(|key| *key != "null")
    }

    fn parse(members: &[(Name, Node<Value>)]) -> Result<Self, String> {
        let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        let text = |name: &str| member(name).and_then(Value::as_str);
        let key = text("key").unwrap_or_default();
        let max = member("max").and_then(Value::to_i32).unwrap_or(100);
        let batch = Self {
            key: match Place::parse(key) {
                Some(Place::Parent(key)) => key,
                _ => return Err(format!("key: `{key}` is not `parent.NAME`")),
            },
            matching: Path::parse(text("match").unwrap_or_default()).map_err(|error| format!("match: {error}"))?,
            max: usize::try_from(max).ok().filter(|max| *max > 0).ok_or("max: is less than 1")?,
            separator: text("separator").unwrap_or(",").to_owned(),
            path: PathTemplate::parse(text("path").unwrap_or_default()).map_err(|error| format!("path: {error}"))?,
            body: text("body").map(body_template).transpose().map_err(|error| format!("body: {error}"))?,
        };
        let places: Vec<&Place> = batch.path.templates().chain(&batch.body).flat_map(Template::places).collect();
        if !places.contains(&&Place::Keys) {
            return Err("neither path nor body has the place `{keys}`".to_owned());
        }
        if places.iter().any(|place| matches!(place, Place::Parent(_))) {
            return Err("a place of the parent differs from one parent to the next".to_owned());
        }
        if !batch.separator.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err("separator: has a character that must be percent-encoded".to_owned());
        }
        Ok(batch)
    }
}

/// Path and query. A parameter of the query that has no value is left out.
#[derive(Debug)]
struct PathTemplate {
    path: Template,
    query: Vec<Template>,
}

impl PathTemplate {
    fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("`{text}` does not start with `/`"));
        }
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(Template::parse).collect();
        let template = Self { path: Template::parse(path), query };
        for literal in template.templates().flat_map(Template::literals) {
            if literal.contains(['{', '}']) {
                return Err(format!(
                    "`{text}` has a brace that is no place; there are {{args.NAME}}, {{parent.NAME}}, \
                     {{attribute:NAME}}, {{header:NAME}} and {{param:NAME}}"
                ));
            }
            if let Some(c) = literal.chars().find(|c| !c.is_ascii_graphic() || *c == '#') {
                return Err(format!("{c:?} in `{text}` must be percent-encoded"));
            }
        }
        Ok(template)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.path).chain(&self.query)
    }

    fn fill(&self, values: &Values<'_>) -> Result<String, NoCall> {
        let mut path = self.path.encoded(values).ok_or(NoCall::Null)?;
        if has_dot_or_empty_segment(&path) {
            return Err(NoCall::Unfit);
        }
        let mut mark = '?';
        for pair in self.query.iter().filter_map(|pair| pair.encoded(values)) {
            path.push(mark);
            path.push_str(&pair);
            mark = '&';
        }
        if path.len() > LONGEST_PATH {
            return Err(NoCall::Unfit);
        }
        Ok(path)
    }
}

/// Whether a value climbs (RFC 3986 section 5.2.4), or makes `/users/{id}` the list of all users.
fn has_dot_or_empty_segment(path: &str) -> bool {
    path.len() > 1 && path.split('/').skip(1).any(|segment| matches!(path::dots(segment), Some(0..=2)))
}

/// A body with `null` in its places must be JSON: a misspelled place shows here.
fn body_template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text);
    let nulls = template.json(&Values { args: &apollo_compiler::response::JsonMap::new(), parent: None, keys: None });
    match crate::json::whole(&nulls) {
        Ok(_) => Ok(template),
        Err(error) => Err(format!("is not JSON with `null` in its places: {error}")),
    }
}

fn target(upstream: Option<&str>, origin: Option<&str>, route: Option<&str>) -> Result<Target, String> {
    match (upstream, origin, route) {
        (Some(upstream), None, None) if !upstream.is_empty() => Ok(Target::Upstream(upstream.to_owned())),
        (None, None, Some(route)) if !route.is_empty() => Ok(Target::Route(route.to_owned())),
        (None, Some(origin), None) if origin.contains("://") => Ok(Target::Origin(origin.to_owned())),
        (None, Some(origin), None) => Err(format!("origin: `{origin}` is not `http://host:port`")),
        _ => Err("needs one of `upstream`, `origin` and `route`".to_owned()),
    }
}

fn timeout_ms(value: Option<&Value>) -> Result<Option<u32>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let milliseconds = value.to_i32().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
    milliseconds.map(Some).ok_or_else(|| "timeoutMs: is less than 1".to_owned())
}

fn headers(value: Option<&Value>) -> Result<Vec<(String, Template)>, String> {
    let list = value.and_then(Value::as_list).unwrap_or_default();
    let header = |value: &Value| {
        let member = |name: &str| {
            let members = value.as_object()?;
            members.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_str())
        };
        let name = header_name(member("name").unwrap_or_default()).map_err(|error| format!("headers: {error}"))?;
        Ok((name, Template::parse(member("value").unwrap_or_default())))
    };
    list.iter().map(|value| header(value)).collect()
}

fn forwarded(value: Option<&Value>) -> Result<Vec<String>, String> {
    let list = value.and_then(Value::as_list).unwrap_or_default();
    let names = list.iter().filter_map(|value| value.as_str());
    names.map(|name| header_name(name).map_err(|error| format!("forwardHeaders: {error}"))).collect()
}

/// In lower case, and none that is the gateway's or would leave an answer compressed, cut or empty.
fn header_name(name: &str) -> Result<String, String> {
    const NOT_SENT: [&str; 7] = [
        "accept-encoding",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "content-type",
    ];
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || !name.bytes().all(is_tchar) {
        return Err(format!("`{name}` is no header name"));
    }
    if RESERVED_HEADERS.contains(&lower.as_str()) || NOT_SENT.contains(&lower.as_str()) {
        return Err(format!("`{name}` cannot be set: the answer must be whole, plain JSON"));
    }
    Ok(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_climbs_or_has_an_empty_segment_is_seen() {
        for path in ["/a/..", "/./a", "/a/%2e%2E", "/a//b", "/a/", "//"] {
            assert!(has_dot_or_empty_segment(path), "{path}");
        }
        for path in ["/", "/a/b", "/...", "/.a", "/a%2e", "/%2"] {
            assert!(!has_dot_or_empty_segment(path), "{path}");
        }
    }
}
