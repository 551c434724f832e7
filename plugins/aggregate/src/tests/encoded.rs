//! Answers that are compressed though nobody asked for it.

use serde_json::json;
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::log::Level;
use tollgate_plugin_sdk::testing::Host;

use super::{configure, respond, text};

/// The first bytes of `{}`, compressed.
const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// What becomes of an answer, and the line in the log.
fn read(format: &str, coding: &'static str, body: &'static [u8]) -> (String, Option<String>) {
    let host = Host::new().on_call(move |_| {
        let answer = Answer::new(200).body(body);
        Ok(if coding.is_empty() { answer } else { answer.header("content-encoding", coding) })
    });
    let part = json!({"name": "a", "upstream": "a", "path": "/", "format": format, "mode": "optional"});
    let answer = respond(&configure(json!({"parts": [part]})).unwrap());
    (text(&answer).to_owned(), host.logs().first().map(|(_, line)| line.clone()))
}

#[test]
fn the_operator_is_told_that_an_answer_is_compressed() {
    let nothing = || "{}".to_owned();
    for format in ["text", "base64"] {
        for coding in ["gzip", "br", "x-own"] {
            let line =
                format!("part `a` of a: the answer has `content-encoding: {coding}`, though it was asked for without");
            assert_eq!(read(format, coding, GZIP), (nothing(), Some(line)), "{format}");
        }
        let (answer, line) = read(format, "identity", b"ok");
        assert!(answer.starts_with(r#"{"a":""#) && line.is_none(), "{answer}");
    }
    let line = "part `a` of a: the answer is not JSON: it is compressed with gzip, though it was asked for without";
    assert_eq!(read("json", "gzip", GZIP), (nothing(), Some(line.to_owned())));
    let line = "part `a` of a: the answer is not JSON: it is not UTF-8; is it compressed?";
    assert_eq!(read("json", "br", b"\x8b\x01\x80"), (nothing(), Some(line.to_owned())));
}

#[test]
fn the_operator_is_told_which_limit_the_calls_are_beyond() {
    let host = Host::new().on_call(|_| Err(tollgate_plugin_sdk::http_client::ClientError::TooMany));
    respond(&super::plugin(&["required"]));
    let line = "part `a` of a: more calls for one request than the plugin's limits.calls, which counts each item of \
                `each`: raise it, or lower `each.most`";
    assert_eq!(host.logs(), [(Level::Error, line.to_owned())]);
}
