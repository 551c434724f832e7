//! `@rest`: the call a field's value comes from.
//!
//! This is the seam for other kinds of sources. Execution knows a call only by [`Rest::call`],
//! [`Rest::batch_call`] and [`Rest::select`]: a plan is made of fetches, whatever they are written in.

use apollo_compiler::ast::{Directive, Value};
use apollo_compiler::{Name, Node};
use tollgate_plugin_sdk::http_client::{self, Outbound, Target};
use tollgate_plugin_sdk::{Header, RESERVED_HEADERS, is_field_name, path, request};

use super::mistakes::{Mistakes, all};
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
    /// A value would leave its place in the path or in a field, or is too long for one.
    Unfit,
}

impl Rest {
    /// From the directive, which is valid by its definition. The error has each mistake.
    pub(crate) fn parse(directive: &Directive) -> Result<Self, Vec<String>> {
        let argument = |name: &str| directive.specified_argument_by_name(name).map(AsRef::as_ref);
        let text = |name: &str| argument(name).and_then(Value::as_str);
        let mut mistakes = Mistakes::default();
        let batch = match argument("batch") {
            Some(Value::Object(members)) => mistakes.take_all("batch: ", Batch::parse(members)),
            _ => None,
        };
        let target = mistakes.take("", target(text("upstream"), text("origin"), text("route")));
        let method = mistakes.take("method: ", method(text("method").unwrap_or("GET")));
        let path = mistakes.take("path: ", PathTemplate::parse(text("path").unwrap_or_default()));
        let headers = mistakes.take_all("headers: ", headers(argument("headers")));
        let forward_headers = mistakes.take_all("forwardHeaders: ", forwarded(argument("forwardHeaders")));
        let body = mistakes.take("body: ", text("body").map(body_template).transpose()).flatten();
        let select = mistakes.take("select: ", Path::parse(text("select").unwrap_or_default()));
        let timeout_ms = mistakes.take("timeoutMs: ", timeout_ms(argument("timeoutMs"))).flatten();
        match (target, method, path, headers, forward_headers, select) {
            (Some(target), Some(method), Some(path), Some(headers), Some(forward_headers), Some(select))
                if mistakes.0.is_empty() =>
            {
                Ok(Self { target, method, path, headers, forward_headers, body, select, timeout_ms, batch })
            }
            _ => Err(mistakes.0),
        }
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

    /// Fields of the client's request that are sent along, in lower case.
    pub(crate) fn forwarded(&self) -> &[String] {
        &self.forward_headers
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
                if !can_be_in_a_field(&value) {
                    return Err(NoCall::Unfit);
                }
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

    fn parse(members: &[(Name, Node<Value>)]) -> Result<Self, Vec<String>> {
        let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        let text = |name: &str| member(name).and_then(Value::as_str);
        let mut mistakes = Mistakes::default();
        let key = mistakes.take("key: ", parent_key(text("key").unwrap_or_default()));
        let matching = mistakes.take("match: ", Path::parse(text("match").unwrap_or_default()));
        let max = member("max").and_then(Value::to_i32).unwrap_or(100);
        let max = usize::try_from(max).ok().filter(|max| *max > 0).ok_or_else(|| "is less than 1".to_owned());
        let max = mistakes.take("max: ", max);
        let separator = mistakes.take("separator: ", separator(text("separator").unwrap_or(",")));
        let path = mistakes.take("path: ", PathTemplate::parse(text("path").unwrap_or_default()));
        let body = mistakes.take("body: ", text("body").map(body_template).transpose());
        let (Some(key), Some(matching), Some(max), Some(separator), Some(path), Some(body)) =
            (key, matching, max, separator, path, body)
        else {
            return Err(mistakes.0);
        };
        let batch = Self { key, matching, max, separator, path, body };
        mistakes.take("", batch.check_places());
        if mistakes.0.is_empty() { Ok(batch) } else { Err(mistakes.0) }
    }

    fn check_places(&self) -> Result<(), String> {
        let places: Vec<&Place> = self.path.templates().chain(&self.body).flat_map(Template::places).collect();
        if !places.contains(&&Place::Keys) {
            return Err("neither path nor body has the place `{keys}`".to_owned());
        }
        if places.iter().any(|place| matches!(place, Place::Parent(_))) {
            return Err("a place of the parent differs from one parent to the next".to_owned());
        }
        Ok(())
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

/// Whether no character of it would end the field (RFC 9110 section 5.5).
fn can_be_in_a_field(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

/// A body with `null` in its places must be JSON: a misspelled place shows here.
fn body_template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text);
    match crate::json::whole(&template.with_nulls()) {
        Ok(_) => Ok(template),
        Err(error) => Err(format!("is not JSON with `null` in its places: {error}")),
    }
}

/// What is called, if it is granted.
fn target(upstream: Option<&str>, origin: Option<&str>, route: Option<&str>) -> Result<Target, String> {
    let target = one_target(upstream, origin, route)?;
    http_client::may_call(&target)?;
    Ok(target)
}

fn one_target(upstream: Option<&str>, origin: Option<&str>, route: Option<&str>) -> Result<Target, String> {
    let given = [("upstream", upstream), ("origin", origin), ("route", route)];
    let given: Vec<(&str, &str)> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    match given.as_slice() {
        [("origin", origin)] if origin.contains("://") => Ok(Target::Origin((*origin).to_owned())),
        [("origin", origin)] => Err(format!("origin: `{origin}` is not `http://host:port`")),
        [(name, "")] => Err(format!("{name}: is empty")),
        [("upstream", name)] => Ok(Target::Upstream((*name).to_owned())),
        [(_, name)] => Ok(Target::Route((*name).to_owned())),
        [] => Err("needs one of `upstream`, `origin` and `route`".to_owned()),
        several => {
            let names: Vec<String> = several.iter().map(|(name, _)| format!("`{name}`")).collect();
            Err(format!("has {}, and needs one of `upstream`, `origin` and `route`", names.join(" and ")))
        }
    }
}

fn method(name: &str) -> Result<String, String> {
    if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("`{name}` is none of GET, POST, PUT, PATCH and DELETE"))
}

fn parent_key(text: &str) -> Result<Path, String> {
    match Place::parse(text) {
        Some(Place::Parent(key)) => Ok(key),
        _ => Err(format!("`{text}` is not `parent.NAME`")),
    }
}

fn separator(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Ok(text.to_owned());
    }
    Err("has a character that must be percent-encoded".to_owned())
}

fn timeout_ms(value: Option<&Value>) -> Result<Option<u32>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let milliseconds = value.to_i32().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
    milliseconds.map(Some).ok_or_else(|| "is less than 1".to_owned())
}

fn headers(value: Option<&Value>) -> Result<Vec<(String, Template)>, Vec<String>> {
    let list = value.and_then(Value::as_list).unwrap_or_default();
    all(list.iter().map(|value| {
        let member = |name: &str| {
            let members = value.as_object()?;
            members.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_str())
        };
        let name = header_name(member("name").unwrap_or_default())?;
        Ok((name, Template::parse(member("value").unwrap_or_default())))
    }))
}

fn forwarded(value: Option<&Value>) -> Result<Vec<String>, Vec<String>> {
    let list = value.and_then(Value::as_list).unwrap_or_default();
    all(list.iter().filter_map(|value| value.as_str()).map(header_name))
}

/// In lower case, and none that is the gateway's or would leave an answer compressed, cut, late or empty.
fn header_name(name: &str) -> Result<String, String> {
    const NOT_SENT: [&str; 9] = [
        "accept-encoding",
        "expect",
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "content-type",
    ];
    let lower = name.to_ascii_lowercase();
    if !is_field_name(name) {
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
