//! What services answer: a text that is said to be JSON is JSON, and what no nesting makes doubtful is said to be it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use tollgate_plugin_sdk::json::is_surely_json;

fuzz_target!(|text: &str| {
    let text = text.trim_matches([' ', '\n', '\r', '\t']);
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let is_deep = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > 64;
    assert!(is_surely_json(text.as_bytes()) == is_json || is_json && is_deep, "{text:?}");
});
