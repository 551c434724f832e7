//! Whole requests through the plugin.

mod each;
mod encoded;
mod kept;
mod mistakes;
mod places;
mod sequence;
mod size;
mod time;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_plugin_sdk::http_client::{ClientError, Outbound, Target};
use tollgate_plugin_sdk::log::Level;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict};

use super::Aggregate;

fn configure(config: Value) -> Result<Aggregate, String> {
    Aggregate::configure(serde_json::from_value(config).map_err(|error| error.to_string())?)
}

/// A plugin with a part for each of these modes, named and on upstreams `a`, `b`, `c`...
fn plugin(modes: &[&str]) -> Aggregate {
    let parts = modes.iter().zip('a'..).map(|(mode, name)| {
        let mut part = json!({"name": name, "upstream": name, "path": "/", "mode": mode});
        if *mode == "default" {
            part["default"] = json!({"items": []});
        }
        part
    });
    configure(json!({"parts": parts.collect::<Vec<_>>()})).unwrap()
}

fn respond(plugin: &Aggregate) -> Answer {
    match plugin.on_request() {
        Verdict::Respond(answer) => answer,
        other => panic!("the plugin always answers: {other:?}"),
    }
}

fn answered(plugin: &Aggregate, body: &str) -> Answer {
    assert_eq!(plugin.on_request(), Verdict::NeedBody(u32::MAX));
    match plugin.on_request_body(body.into()) {
        BodyVerdict::Respond(answer) => answer,
        BodyVerdict::Next => panic!("the plugin always answers"),
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
}

/// A gateway where `failing` fails so and all others answer their name.
fn host(failing: &'static str, failure: Result<Answer, ClientError>) -> Host {
    Host::new().on_call(move |call| match &call.target {
        Target::Upstream(name) if name == failing => failure.clone(),
        Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => Ok(Answer::new(200).json(name)),
    })
}

fn healthy() -> Host {
    host("", Err(ClientError::Timeout))
}

fn down() -> Result<Answer, ClientError> {
    Err(ClientError::Unreachable("10.0.0.7:3001 refused".to_owned()))
}

#[test]
fn the_parts_are_members_in_the_order_of_the_config() {
    let host = healthy();
    let answer = respond(&plugin(&["required", "optional", "default"]));
    assert_eq!(answer.status, 200);
    assert_eq!(text(&answer), r#"{"a":"a","b":"b","c":"c"}"#);
    assert_eq!(field(&answer, "content-type"), Some("application/json"));
    assert_eq!(field(&answer, "x-tollgate-partial"), None);
    assert_eq!(host.logs(), []);
}

#[test]
fn an_answer_longer_than_the_part_allows_is_a_failed_part_and_the_operator_is_told() {
    let part = |mode: &str, size: &str| {
        configure(json!({"parts": [{"name": "a", "upstream": "a", "path": "/", "mode": mode, "max_size": size}]}))
    };
    let answers = |length: usize| host("a", Ok(Answer::new(200).body(format!("\"{}\"", "x".repeat(length - 2)))));
    let _host = answers(16);
    assert_eq!(text(&respond(&part("optional", "16B").unwrap())), r#"{"a":"xxxxxxxxxxxxxx"}"#);
    let host = answers(17);
    assert_eq!(text(&respond(&part("optional", "16B").unwrap())), "{}");
    assert_eq!(respond(&part("required", "16B").unwrap()).status, 502);
    let line = "part `a` of a: the answer has 17 bytes, more than `max_size`, 16B";
    assert_eq!(host.logs(), [(Level::Warn, line.to_owned()), (Level::Warn, line.to_owned())]);
    assert!(part("required", "0B").unwrap_err().contains("`0B` leaves no room"));
    assert!(part("required", "16").unwrap_err().contains("`16` is no size"));
}

#[test]
fn json_is_copied_byte_for_byte_without_the_white_space_around_it() {
    let body = " {\"b\" : 1.10, \"a\":12345678901234567890123}\n";
    let _host = host("a", Ok(Answer::new(203).body(body)));
    assert_eq!(text(&respond(&plugin(&["required"]))), r#"{"a":{"b" : 1.10, "a":12345678901234567890123}}"#);
}

#[test]
fn a_required_part_that_fails_is_a_502_that_tells_the_client_nothing() {
    for failure in [
        down(),
        Ok(Answer::new(404).json(&1)),
        Ok(Answer::new(302)),
        Ok(Answer::new(204)),
        Ok(Answer::new(200).body("<html>")),
        Ok(Answer::new(200).body("{} {}")),
        Ok(Answer::new(200).body("{")),
        Ok(Answer::new(200).body(b"\"\xff\"")),
        Err(ClientError::TooLarge),
        Err(ClientError::Denied("grant upstream `b`".to_owned())),
    ] {
        let host = host("b", failure.clone());
        let answer = respond(&plugin(&["required", "required"]));
        assert_eq!(answer.status, 502, "{failure:?}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            body,
            json!({"error": "upstream", "message": "a service behind the gateway did not answer as expected"})
        );
        assert!(host.logs()[0].1.contains("part `b`"), "{failure:?}");
    }
}

#[test]
fn a_required_part_that_is_late_is_a_504() {
    let _host = host("b", Err(ClientError::Timeout));
    let answer = respond(&plugin(&["required", "required"]));
    assert_eq!(answer.status, 504);
    assert!(text(&answer).contains("upstream_timeout"));
}

#[test]
fn the_part_is_named_where_the_operator_says_so() {
    let _host = host("a", down());
    let plugin =
        configure(json!({"expose_errors": true, "parts": [{"name": "a", "upstream": "a", "path": "/"}]})).unwrap();
    let body: Value = serde_json::from_slice(&respond(&plugin).body).unwrap();
    assert_eq!(body["part"], "a");
    assert!(!body.to_string().contains("10.0.0.7"));
}

#[test]
fn an_optional_part_that_fails_is_left_out_and_named() {
    let host = host("b", down());
    let answer = respond(&plugin(&["required", "optional", "required"]));
    assert_eq!((answer.status, text(&answer)), (200, r#"{"a":"a","c":"c"}"#));
    assert_eq!(field(&answer, "x-tollgate-partial"), Some("b"));
    let (level, line) = &host.logs()[0];
    assert_eq!(*level, Level::Warn);
    assert!(line.contains("10.0.0.7:3001 refused"), "{line}");
}

#[test]
fn a_default_takes_the_place_of_a_part_that_fails() {
    let _host = host("a", Ok(Answer::new(500)));
    let answer = respond(&plugin(&["default", "required"]));
    assert_eq!((answer.status, text(&answer)), (200, r#"{"a":{"items":[]},"b":"b"}"#));
    assert_eq!(field(&answer, "x-tollgate-partial"), None);
}

#[test]
fn nothing_is_left_of_an_answer_whose_parts_are_all_optional_and_down() {
    let _host = Host::new().on_call(|_| down());
    let answer = respond(&plugin(&["optional", "optional"]));
    assert_eq!((answer.status, text(&answer)), (200, "{}"));
    assert_eq!(field(&answer, "x-tollgate-partial"), Some("a,b"));
}

#[test]
fn all_calls_are_under_way_before_one_is_waited_for() {
    use std::{cell::Cell, rc::Rc};
    let fewest = Rc::new(Cell::new(usize::MAX));
    let host = Rc::new(std::cell::OnceCell::<Host>::new());
    let (seen, inner) = (Rc::clone(&fewest), Rc::clone(&host));
    let gateway = Host::new().on_call(move |_| {
        seen.set(seen.get().min(inner.get().map_or(0, |host| host.calls().len())));
        Ok(Answer::new(200).json(&1))
    });
    assert!(host.set(gateway).is_ok());
    respond(&plugin(&["required", "required", "required"]));
    assert_eq!(fewest.get(), 3);
}

#[test]
fn a_call_carries_what_the_config_says_and_nothing_else() {
    let host = healthy()
        .param("id", "7 8")
        .query("page=2&secret=1")
        .header("authorization", "Bearer x")
        .header("accept-language", "de")
        .header("accept-language", "fr")
        .header("cookie", "a=b");
    let plugin = configure(json!({"parts": [{
        "name": "user", "origin": "http://users.example:8080", "path": "/users/{id}?full=1", "method": "POST",
        "timeout": "500ms", "forward_headers": ["Authorization", "accept-language", "x-absent"], "forward_query": ["page"],
    }]}));
    respond(&plugin.unwrap());
    let expected =
        Outbound::new("POST", Target::Origin("http://users.example:8080".to_owned()), "/users/7%208?full=1&page=2")
            .timeout_ms(500)
            .header("authorization", "Bearer x")
            .header("accept-language", "de")
            .header("accept-language", "fr")
            .header("accept", "application/json");
    assert_eq!(host.calls(), [expected]);
}

#[test]
fn a_part_may_call_a_route_of_the_gateway_or_an_origin_over_tls() {
    let host = healthy();
    let plugin = configure(json!({"parts": [
        {"name": "a", "route": "profile", "path": "/profile"}, {"name": "b", "origin": "https://b.example", "path": "/"},
    ]}));
    assert_eq!(text(&respond(&plugin.unwrap())), r#"{"a":"profile","b":"https://b.example"}"#);
    let targets: Vec<Target> = host.calls().into_iter().map(|call| call.target).collect();
    assert_eq!(targets, [Target::Route("profile".to_owned()), Target::Origin("https://b.example".to_owned())]);
}

#[test]
fn a_path_that_climbs_is_a_400_whatever_the_mode() {
    for mode in ["required", "optional"] {
        let _host = healthy().param("id", "..");
        let plugin = configure(json!({"parts": [{"name": "a", "upstream": "a", "path": "/a/{id}", "mode": mode}]}));
        assert_eq!(respond(&plugin.unwrap()).status, 400, "{mode}");
    }
}

#[test]
fn a_part_whose_attribute_is_missing_fails_by_its_mode() {
    let host = healthy();
    let part = |mode: &str| json!({"name": "a", "upstream": "a", "path": "/a/{attribute:jwt.claim.sub}", "mode": mode});
    assert_eq!(respond(&configure(json!({"parts": [part("required")]})).unwrap()).status, 502);
    assert_eq!(host.logs()[0].0, Level::Error);
    let answer = respond(&configure(json!({"parts": [part("optional")]})).unwrap());
    assert_eq!((answer.status, field(&answer, "x-tollgate-partial")), (200, Some("a")));
}

#[test]
fn every_key_of_a_part_is_described_in_the_schema() {
    let schema = tollgate_plugin_sdk::schemars::schema_for!(crate::config::PartConfig);
    for key in [
        "name",
        "upstream",
        "origin",
        "path",
        "method",
        "timeout",
        "mode",
        "default",
        "forward_headers",
        "forward_query",
    ] {
        assert!(schema.pointer(&format!("/properties/{key}/description")).is_some(), "{key}");
    }
}

proptest! {
    #[test]
    fn whatever_the_parts_answer_the_whole_is_json(bodies in proptest::collection::vec(any::<Vec<u8>>(), 3), json in ".*") {
        let bodies = [bodies, vec![serde_json::to_vec(&json).unwrap()]].concat();
        let _host = Host::new().on_call(move |call| {
            let index = match &call.target {
                Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => usize::from(name.as_bytes()[0] - b'a'),
            };
            Ok(Answer::new(200).body(bodies[index].clone()))
        });
        let answer = respond(&plugin(&["optional", "default", "optional", "required"]));
        let whole: Value = serde_json::from_slice(&answer.body).unwrap();
        prop_assert_eq!(&whole["d"], &Value::String(json));
    }
}
