//! What a part's settings may be, beyond what the schema can say.

use serde_json::Value;
use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::http_client::{self, Target};
use tollgate_plugin_sdk::is_field_name;
use tollgate_plugin_sdk::mistakes::{At, all};
use tollgate_plugin_sdk::size::Size;

use crate::config::{Format, Mode, PartConfig};
use crate::json::Json;
use crate::part::Otherwise;

/// There are parts, and each has a name of its own.
pub(crate) fn names(names: &[String], mistakes: &At<'_>) -> Option<()> {
    if names.is_empty() {
        mistakes.add("is empty; add at least one [[plugins.NAME.config.parts]]");
        return None;
    }
    let twice: Vec<usize> = (0..names.len()).filter(|at| names[..*at].contains(&names[*at])).collect();
    for at in &twice {
        let name = &names[*at];
        mistakes
            .at(*at)
            .of("name")
            .add(format_args!("`{name}` is there twice; give each part its own, and `at` for one place"));
    }
    twice.is_empty().then_some(())
}

/// The name is a member of the answer and stands in `x-tollgate-partial`, where a comma would part it.
pub(crate) fn name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(format!("`{name}` is not 1 to 64 letters, digits, `_`, `-` and `.`"));
    }
    Ok(())
}

pub(crate) fn method(method: &str) -> Result<(), String> {
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("`{method}` is no method; write it in upper case"));
    }
    if ["HEAD", "CONNECT", "TRACE"].contains(&method) {
        return Err(format!("the answer to {method} is no JSON"));
    }
    Ok(())
}

/// More than none, at most an hour.
pub(crate) fn timeout_ms(timeout: Duration) -> Result<u32, String> {
    if timeout.is_zero() {
        return Err(format!("`{timeout}` leaves no time for an answer"));
    }
    if timeout > MAX_TIMEOUT {
        return Err(format!("`{timeout}` is more than `{MAX_TIMEOUT}`"));
    }
    Ok(timeout.as_millis())
}

/// The time-out of the whole that does not say: what leaves a second of the usual `limits.wall`. Who gives a part
/// more has more than that.
pub(crate) fn usual_whole(parts: &[PartConfig]) -> Duration {
    let longest = parts.iter().filter_map(|part| part.timeout).max();
    USUAL_WHOLE.max(longest.unwrap_or(USUAL_WHOLE)).min(MAX_TIMEOUT)
}

/// Of a part: what it says, within what the whole may take.
pub(crate) fn part_timeout_ms(own: Option<Duration>, whole: Duration) -> Result<u32, String> {
    let Some(own) = own else { return Ok(USUAL_TIMEOUT.min(whole).as_millis()) };
    if own > whole {
        return Err(format!("`{own}` is more than the whole may take: `timeout`, {whole}"));
    }
    timeout_ms(own)
}

/// More than none.
pub(crate) fn max_size(size: Size) -> Result<Size, String> {
    if size.is_zero() {
        return Err("`0B` leaves no room for an answer".to_owned());
    }
    Ok(size)
}

/// The time-out of a part that does not say.
const USUAL_TIMEOUT: Duration = Duration::from_secs(2);

const USUAL_WHOLE: Duration = Duration::from_secs(4);

/// The longest time-out.
const MAX_TIMEOUT: Duration = Duration::from_mins(60);

/// What is called, if it is granted.
pub(crate) fn target(config: &PartConfig, mistakes: &At<'_>) -> Option<Target> {
    let (key, target) = one_target(config, mistakes)?;
    mistakes.of(key).take(http_client::may_call(&target))?;
    Some(target)
}

/// With the key that names it.
fn one_target(config: &PartConfig, mistakes: &At<'_>) -> Option<(&'static str, Target)> {
    let is_given = |name: &&String| !name.is_empty();
    let PartConfig { upstream, origin, route, .. } = config;
    match (upstream.as_ref().filter(is_given), origin.as_ref(), route.as_ref().filter(is_given)) {
        (Some(upstream), None, None) => return Some(("upstream", Target::Upstream(upstream.clone()))),
        (None, None, Some(route)) => return Some(("route", Target::Route(route.clone()))),
        (None, Some(origin), None) if is_origin(origin) => return Some(("origin", Target::Origin(origin.clone()))),
        (None, Some(origin), None) => mistakes
            .of("origin")
            .add(format_args!("`{origin}` is not `http://host:port` or `https://host:port` with nothing behind it")),
        _ => mistakes.add("needs either `upstream` or `origin` or `route`"),
    }
    None
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(&byte))
}

/// What takes the part's place where it fails: the default's JSON, nothing, or nothing can.
pub(crate) fn otherwise(mode: Mode, default: Option<&Value>) -> Result<Otherwise, String> {
    match (mode, default) {
        (Mode::Required, None) => Ok(Otherwise::Fail),
        (Mode::Optional, None) => Ok(Otherwise::LeaveOut),
        (Mode::Default, Some(value)) => Json::parse(value.to_string().into_bytes()).map(Otherwise::Default),
        (Mode::Default, None) => Err("is missing, and `mode = \"default\"` needs it".to_owned()),
        (_, Some(_)) => Err("is only used with `mode = \"default\"`".to_owned()),
    }
}

/// A part that never answers an object has no members for the top.
pub(crate) fn goes_to_the_top(config: &PartConfig) -> Result<(), String> {
    let why = if config.each.is_some() {
        "the answers of `each` are an array"
    } else if config.format != Format::Json {
        "the answer is a string"
    } else if config.default.as_ref().is_some_and(|default| !default.is_object()) {
        "`default` is none"
    } else {
        return Ok(());
    };
    Err(format!("only the members of an object can go to the top, and {why}"))
}

/// The fields that are sent along.
pub(crate) fn forwarded(names: &[String], mistakes: &At<'_>) -> Option<Vec<()>> {
    all(names.iter().enumerate().map(|(index, name)| mistakes.at(index).take(field(name))))
}

pub(crate) fn field(name: &str) -> Result<(), String> {
    if !is_field_name(name) {
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
    ("content-type", "it belongs to the body: `body` or `forward_body`"),
    ("expect", GATEWAYS),
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
