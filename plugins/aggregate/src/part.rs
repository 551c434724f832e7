//! One part: how it is called, and what counts as an answer.

use serde_json::Value;
use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::http_client::{ClientError, Outbound, Target};
use tollgate_plugin_sdk::{Answer, Header, request};

use crate::config::{Mode, PartConfig};
use crate::failure::Failure;
use crate::query;
use crate::template::Template;

/// A part, ready to be called.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    target: Target,
    path: Template,
    method: String,
    timeout_ms: u32,
    otherwise: Otherwise,
    forward_headers: Vec<String>,
    forward_query: Vec<String>,
}

/// What takes the part's place where it fails.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Nothing can: the whole fails.
    Fail,
    /// Nothing does.
    LeaveOut,
    /// This JSON.
    Default(String),
}

impl Part {
    pub(crate) fn new(config: PartConfig) -> Result<Self, String> {
        let name = config.name;
        let at = |key: &str, error: String| format!("part `{name}`: {key}: {error}");
        check_name(&name)?;
        check_method(&config.method).map_err(|error| at("method", error))?;
        for header in &config.forward_headers {
            check_forwarded(header).map_err(|error| at("forward_headers", error))?;
        }
        Ok(Self {
            target: target(config.upstream, config.origin).map_err(|error| format!("part `{name}`: {error}"))?,
            path: Template::parse(&config.path).map_err(|error| at("path", error))?,
            timeout_ms: timeout_ms(config.timeout).map_err(|error| at("timeout", error))?,
            otherwise: otherwise(config.mode, config.default).map_err(|error| format!("part `{name}`: {error}"))?,
            method: config.method,
            forward_headers: config.forward_headers.iter().map(|header| header.to_ascii_lowercase()).collect(),
            forward_query: config.forward_query,
            name,
        })
    }

    pub(crate) fn otherwise(&self) -> &Otherwise {
        &self.otherwise
    }

    pub(crate) fn is_required(&self) -> bool {
        self.otherwise == Otherwise::Fail
    }

    /// The target for the operator's eyes.
    pub(crate) fn target_name(&self) -> &str {
        match &self.target {
            Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => name,
        }
    }

    /// The call for the request at hand.
    pub(crate) fn call(&self) -> Result<Outbound, Failure> {
        let mut path = self.path.fill()?;
        if !self.forward_query.is_empty() {
            let picked = query::pick(&request::query().unwrap_or_default(), &self.forward_query);
            if !picked.is_empty() {
                path.push(if self.path.has_query() { '&' } else { '?' });
                path.push_str(&picked);
            }
        }
        let mut call = Outbound::new(&self.method, self.target.clone(), path).timeout_ms(self.timeout_ms);
        call.headers = self.headers();
        Ok(call)
    }

    fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::with_capacity(self.forward_headers.len() + 1);
        for name in &self.forward_headers {
            headers.extend(request::header_values(name).into_iter().map(|value| Header::new(name, value)));
        }
        if !headers.iter().any(|header| header.name == "accept") {
            headers.push(Header::new("accept", "application/json"));
        }
        headers
    }
}

/// The body of a good answer: any 2xx. Whether it is JSON is seen when it is taken over.
pub(crate) fn body_of(answer: Result<Answer, ClientError>) -> Result<Vec<u8>, Failure> {
    let answer = answer?;
    match answer.status {
        200..=299 => Ok(answer.body),
        status => Err(Failure::Upstream(format!("the answer has status {status}"))),
    }
}

/// The name is a member of the answer and stands in `x-tollgate-partial`, where a comma would part it.
fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(format!("part `{name}`: name: is not 1 to 64 letters, digits, `_`, `-` and `.`"));
    }
    Ok(())
}

fn check_method(method: &str) -> Result<(), String> {
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("`{method}` is no method; write it in upper case"));
    }
    if ["HEAD", "CONNECT", "TRACE"].contains(&method) {
        return Err(format!("the answer to {method} is no JSON"));
    }
    Ok(())
}

/// More than none, at most an hour.
fn timeout_ms(timeout: Duration) -> Result<u32, String> {
    if timeout.is_zero() {
        return Err(format!("`{timeout}` leaves no time for an answer"));
    }
    if timeout > MAX_TIMEOUT {
        return Err(format!("`{timeout}` is more than `{MAX_TIMEOUT}`"));
    }
    Ok(timeout.as_millis())
}

/// The longest time-out of a part.
const MAX_TIMEOUT: Duration = Duration::from_mins(60);

fn target(upstream: Option<String>, origin: Option<String>) -> Result<Target, String> {
    match (upstream, origin) {
        (Some(upstream), None) if !upstream.is_empty() => Ok(Target::Upstream(upstream)),
        (None, Some(origin)) if is_origin(&origin) => Ok(Target::Origin(origin)),
        (None, Some(origin)) => Err(format!("origin: `{origin}` is not `http://host:port` with nothing behind it")),
        _ => Err("needs either `upstream` or `origin`".to_owned()),
    }
}

/// Plain HTTP only, as `http-client` has it.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").unwrap_or_default();
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(&byte))
}

fn otherwise(mode: Mode, default: Option<Value>) -> Result<Otherwise, String> {
    match (mode, default) {
        (Mode::Required, None) => Ok(Otherwise::Fail),
        (Mode::Optional, None) => Ok(Otherwise::LeaveOut),
        (Mode::Default, Some(value)) => Ok(Otherwise::Default(value.to_string())),
        (Mode::Default, None) => Err("default: is missing, and `mode = \"default\"` needs it".to_owned()),
        (_, Some(_)) => Err("default: is only used with `mode = \"default\"`".to_owned()),
    }
}

fn check_forwarded(name: &str) -> Result<(), String> {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_tchar) {
        return Err(format!("`{name}` is no header name"));
    }
    match NOT_FORWARDED.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)) {
        Some((_, why)) => Err(format!("`{name}` cannot be sent along: {why}")),
        None => Ok(()),
    }
}

/// What would make a part's answer something else than whole, plain JSON, or belongs to the gateway
/// (RFC 9110 section 7.6.1).
const NOT_FORWARDED: [(&str, &str); 18] = [
    ("accept-encoding", "parts are put together uncompressed"),
    ("range", PARTIAL),
    ("if-range", PARTIAL),
    ("if-match", PARTIAL),
    ("if-none-match", PARTIAL),
    ("if-modified-since", PARTIAL),
    ("if-unmodified-since", PARTIAL),
    ("content-type", "no body is sent along"),
    ("expect", "no body is sent along"),
    ("content-length", GATEWAYS),
    ("transfer-encoding", GATEWAYS),
    ("host", GATEWAYS),
    ("connection", GATEWAYS),
    ("keep-alive", GATEWAYS),
    ("proxy-connection", GATEWAYS),
    ("te", GATEWAYS),
    ("trailer", GATEWAYS),
    ("upgrade", GATEWAYS),
];

const PARTIAL: &str = "the answer would have no whole body";
const GATEWAYS: &str = "it belongs to the gateway";
