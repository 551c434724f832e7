//! How long the whole may be.

use serde_json::{Value, json};
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::log::Level;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, Plugin};

use super::{Aggregate, configure, field, respond, text};

/// A gateway where each upstream answers its own name as JSON.
fn host() -> Host {
    Host::new().on_call(|call: &Outbound| match &call.target {
        Target::Upstream(json) | Target::Origin(json) | Target::Route(json) => {
            Ok(Answer::new(200).body(json.as_bytes()))
        }
    })
}

fn plugin(max_size: &str, parts: &[(&str, Value)]) -> Aggregate {
    let parts = parts.iter().zip('a'..).map(|((json, more), name)| {
        let mut part = json!({"name": name, "upstream": json, "path": "/"});
        for (key, value) in more.as_object().unwrap() {
            part[key] = value.clone();
        }
        part
    });
    configure(json!({"max_size": max_size, "parts": parts.collect::<Vec<_>>()})).unwrap()
}

fn parts(mode: Value) -> [(&'static str, Value); 3] {
    [("\"12345678\"", json!({})), ("\"1234567890\"", mode), ("3", json!({}))]
}

#[test]
fn the_whole_may_be_as_long_as_it_is_allowed_to_be_and_no_longer() {
    let _host = host();
    let whole = r#"{"a":"12345678","b":"1234567890","c":3}"#;
    let answer = |bytes: usize| respond(&plugin(&format!("{bytes}B"), &parts(json!({}))));
    assert_eq!(text(&answer(whole.len())), whole);
    assert_eq!(answer(whole.len() - 1).status, 502);
}

#[test]
fn a_part_with_which_the_whole_would_be_too_long_has_failed() {
    let host = host();
    let answer = |mode: Value| respond(&plugin("30B", &parts(mode)));
    let required = answer(json!({}));
    assert_eq!((required.status, field(&required, "cache-control")), (502, Some("no-store")));
    assert!(text(&required).contains(r#""error":"upstream""#), "{}", text(&required));
    let optional = answer(json!({"mode": "optional"}));
    assert_eq!((optional.status, text(&optional)), (200, r#"{"a":"12345678","c":3}"#));
    assert_eq!(field(&optional, "x-tollgate-partial"), Some("b"));
    assert_eq!(text(&answer(json!({"mode": "default", "default": 2}))), r#"{"a":"12345678","b":2,"c":3}"#);
    assert_eq!(answer(json!({"mode": "default", "default": "x".repeat(30)})).status, 502);
    let line = "part `b` of \"1234567890\": with it the answer would be longer than `max_size`, 30B";
    assert_eq!(host.logs(), vec![(Level::Warn, line.to_owned()); 5]);
}

#[test]
fn a_join_that_multiplies_is_counted_before_it_is_made() {
    let _host = host();
    let orders = format!("[{}]", vec!["{\"p\":1}"; 1000].join(","));
    let product = format!("[{{\"id\":1,\"text\":\"{}\"}}]", "x".repeat(1000));
    let answer = |max_size: &str, many: bool, mode: &str| {
        let join = json!({"to": "a", "key": "p", "equals": "id", "into": "more", "many": many});
        respond(&plugin(max_size, &[(&orders, json!({})), (&product, json!({"join": join, "mode": mode}))]))
    };
    for many in [false, true] {
        assert_eq!(answer("900KiB", many, "required").status, 502);
        let optional = answer("900KiB", many, "optional");
        assert_eq!(
            (text(&optional), field(&optional, "x-tollgate-partial")),
            (&*format!("{{\"a\":{orders}}}"), Some("b"))
        );
        let whole = answer("2MiB", many, "required");
        assert_eq!(whole.status, 200);
        assert!(whole.body.len() > 1_000_000);
    }
}

#[test]
fn the_whole_may_not_be_nothing_at_all() {
    let error = Aggregate::configure(
        serde_json::from_value(json!({"max_size": "0B", "parts": [{"name": "a", "upstream": "a", "path": "/"}]}))
            .unwrap(),
    );
    assert_eq!(error.unwrap_err(), "max_size: `0B` leaves no room for an answer");
}
