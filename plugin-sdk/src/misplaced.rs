//! Where in a config serde found a mistake.
//!
//! serde counts bytes of the JSON that the gateway makes of a TOML table, which nobody sees. What helps is the key.
//! Tracking the path while reading, as `serde_path_to_error` does, would cost each fresh instance; this costs
//! nothing as long as nothing is wrong.

use serde_json::Error;

/// The error with the key path it is about, and without the place in the JSON.
pub(crate) fn by_key(json: &str, error: &Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    // The gateway's JSON is one line. The column is that of what follows the value.
    let path =
        if error.line() == 1 { key_path(json.as_bytes(), error.column().saturating_sub(1)) } else { String::new() };
    if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") }
}

/// What a value is in, from the outside to the inside.
enum Inside {
    /// An object, at this key; none before the first one is read.
    Object(Option<String>),
    /// An array, at this item.
    Array(usize),
}

/// The path of what stands before `end`, such as `parts[1].path`; empty for the whole.
fn key_path(json: &[u8], end: usize) -> String {
    let json = &json[..end.min(json.len())];
    let mut around: Vec<Inside> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match (byte, around.last_mut()) {
            (b'{', _) => around.push(Inside::Object(None)),
            (b'[', _) => around.push(Inside::Array(0)),
            (b'}' | b']', _) => drop(around.pop()),
            (b',', Some(Inside::Object(key))) => *key = None,
            (b',', Some(Inside::Array(item))) => *item += 1,
            (b'"', inside) => {
                let text = string(&json[at..]);
                if let Some(Inside::Object(key @ None)) = inside {
                    *key = Some(String::from_utf8_lossy(text).trim_matches('"').to_owned());
                }
                at += text.len() - 1;
            }
            _ => {}
        }
        at += 1;
    }
    shown(&around)
}

/// A string with its quotes, or what there is of it; at least the first quote.
fn string(json: &[u8]) -> &[u8] {
    let mut is_escaped = false;
    let end = json.iter().skip(1).position(|&byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(json, |end| &json[..end + 2])
}

fn shown(around: &[Inside]) -> String {
    let mut path = String::new();
    for inside in around {
        match inside {
            Inside::Object(None) => {}
            Inside::Object(Some(key)) => {
                let dot = if path.is_empty() { "" } else { "." };
                path = format!("{path}{dot}{}", crate::mistakes::shown(key));
            }
            Inside::Array(item) => path = format!("{path}[{item}]"),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::duration::Duration;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Config {
        limit: u32,
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Part {
        name: String,
        #[serde(rename = "time out")]
        timeout: Duration,
    }

    fn mistake(json: &str) -> String {
        by_key(json, &serde_json::from_str::<Config>(json).unwrap_err())
    }

    #[test]
    fn a_mistake_is_told_by_its_key_and_not_by_its_column() {
        let part = r#"{"name":"a, \"b]}","time out":"1s"}"#;
        for (json, path) in [
            (r#"{"limit":-1,"parts":[]}"#.to_owned(), "limit: "),
            (r#"{"parts":[],"limit":99999999999}"#.to_owned(), "limit: "),
            (
                format!(r#"{{"limit":1,"parts":[{part},{{"name":"b","time out":"9000000h"}}]}}"#),
                r#"parts[1]."time out": "#,
            ),
            (format!(r#"{{"limit":1,"parts":[{part},{{"name":7}}]}}"#), "parts[1].name: "),
            (format!(r#"{{"limit":1,"parts":[{part},{part},9]}}"#), "parts[2]: "),
        ] {
            let mistake = mistake(&json);
            assert!(mistake.starts_with(path) && !mistake.contains("column"), "{json}\n{mistake}");
        }
    }

    #[test]
    fn any_text_and_any_end_have_a_path() {
        for json in ["", "{", "\"", "{\"a\\", "}}]]", "[,,", "{\"a\":[1,{\"b\":\"\\\"\"}"] {
            for end in 0..20 {
                let _ = key_path(json.as_bytes(), end);
            }
        }
    }
}
