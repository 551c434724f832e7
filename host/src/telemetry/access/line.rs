//! What a line of the access log says.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::telemetry::metrics::{Hook, Verdict};
use crate::telemetry::timestamp::rfc3339;

/// One request, from its first byte to the last of its answer. What is `None` is left out of the line.
#[derive(Debug, Serialize)]
pub struct AccessLine<'a> {
    /// When the request's head was there. RFC 3339, UTC, milliseconds.
    #[serde(serialize_with = "timestamp")]
    pub time: SystemTime,
    /// The request id, as the upstream saw it.
    pub id: &'a str,
    pub client: IpAddr,
    pub method: &'a str,
    /// The host asked for, as the client wrote it.
    pub host: &'a str,
    /// Path and query as received.
    pub path: &'a str,
    /// `HTTP/1.1`, ...
    pub protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<&'a str>,
    /// The plugin that chose the upstream, where the route did not.
    #[serde(rename = "upstream_chosen_by", skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<&'a str>,
    /// `host:port` of the target that was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'a str>,
    pub status: u16,
    /// Bytes of the request body that were read.
    pub bytes_in: u64,
    /// Bytes of the response body that were sent.
    pub bytes_out: u64,
    /// From `time` to the last byte of the answer, in milliseconds.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// Until the head of the upstream's answer, in milliseconds.
    #[serde(rename = "upstream_ms", serialize_with = "some_milliseconds", skip_serializing_if = "Option::is_none")]
    pub upstream_time: Option<Duration>,
    /// Who made the answer.
    pub source: Source<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<AccessError<'a>>,
    /// In the order they ran.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub plugins: &'a [PluginLine<'a>],
    /// Whether the client went away before its answer was complete.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub aborted: bool,
}

/// Who made an answer: written `upstream`, `gateway` or `plugin NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    Upstream,
    Gateway,
    Plugin(&'a str),
}

/// What went wrong, and whose it is.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AccessError<'a> {
    /// `client`, `upstream`, `gateway` or a plugin's name.
    pub owner: &'a str,
    /// A fixed word: `connect`, `first-byte-timeout`, ...
    pub kind: &'a str,
}

/// One hook of one plugin.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PluginLine<'a> {
    pub name: &'a str,
    #[serde(serialize_with = "hook")]
    pub hook: Hook,
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// Wall time of the hook in microseconds.
    #[serde(rename = "us", serialize_with = "microseconds")]
    pub duration: Duration,
}

impl AccessLine<'_> {
    /// Appends the line and its line feed to `buffer`.
    pub(super) fn append_to(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *buffer, self)?;
        buffer.push(b'\n');
        Ok(())
    }
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream => f.write_str("upstream"),
            Self::Gateway => f.write_str("gateway"),
            Self::Plugin(name) => write!(f, "plugin {name}"),
        }
    }
}

impl Serialize for Source<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn timestamp<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&rfc3339(*time))
}

/// Whole microseconds divided by 1000: never more than three digits after the point.
#[allow(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

#[allow(clippy::ref_option, reason = "the signature is serde's")]
fn some_milliseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    milliseconds(&duration.unwrap_or_default(), serializer)
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn hook<S: Serializer>(hook: &Hook, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(hook.as_str())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.as_str())
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::Ipv4Addr;
    use std::time::UNIX_EPOCH;

    use super::*;

    pub(crate) fn a_line(path: &str) -> AccessLine<'_> {
        AccessLine {
            time: UNIX_EPOCH,
            id: "0af7",
            client: Ipv4Addr::LOCALHOST.into(),
            method: "GET",
            host: "example.com",
            path,
            protocol: "HTTP/1.1",
            route: None,
            upstream: None,
            chosen_by: None,
            target: None,
            status: 200,
            bytes_in: 0,
            bytes_out: 12,
            duration: Duration::from_nanos(1_234_567),
            upstream_time: None,
            source: Source::Gateway,
            error: None,
            plugins: &[],
            aborted: false,
        }
    }

    fn text(line: &AccessLine<'_>) -> String {
        let mut buffer = Vec::new();
        line.append_to(&mut buffer).unwrap();
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn a_small_line_has_just_what_is_known() {
        assert_eq!(
            text(&a_line("/a?b=c")),
            concat!(
                r#"{"time":"1970-01-01T00:00:00.000Z","id":"0af7","client":"127.0.0.1","method":"GET","#,
                r#""host":"example.com","path":"/a?b=c","protocol":"HTTP/1.1","status":200,"bytes_in":0,"#,
                r#""bytes_out":12,"duration_ms":1.234,"source":"gateway"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_full_line_says_what_each_plugin_decided() {
        let plugins = [PluginLine {
            name: "jwt",
            hook: Hook::Request,
            verdict: Verdict::Respond,
            duration: Duration::from_micros(42),
        }];
        let line = AccessLine {
            route: Some("users"),
            upstream: Some("users"),
            chosen_by: Some("canary"),
            target: Some("10.0.0.1:80"),
            upstream_time: Some(Duration::from_millis(3)),
            source: Source::Plugin("jwt"),
            error: Some(AccessError { owner: "upstream", kind: "connect" }),
            plugins: &plugins,
            aborted: true,
            ..a_line("/")
        };
        let json: serde_json::Value = serde_json::from_str(&text(&line)).unwrap();
        assert_eq!(json["source"], "plugin jwt");
        assert_eq!(json["upstream_ms"], 3.0);
        assert_eq!(json["upstream_chosen_by"], "canary");
        assert_eq!(json["aborted"], true);
        assert_eq!(json["error"], serde_json::json!({"owner": "upstream", "kind": "connect"}));
        assert_eq!(
            json["plugins"],
            serde_json::json!([{"name": "jwt", "hook": "on-request", "verdict": "respond", "us": 42}])
        );
    }

    #[test]
    fn no_path_can_end_the_line_or_the_string() {
        let path = "/\"}\n{\"status\":200,\u{0}\u{7f}\\";
        let written = text(&a_line(path));
        assert_eq!(written.matches('\n').count(), 1);
        let json: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(json["path"], path);
    }
}
