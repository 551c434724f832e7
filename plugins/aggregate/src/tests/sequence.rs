//! Parts that are made of others' answers, of the client's body, or not called at all.

use serde_json::{Value, json};
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::testing::Host;

use super::{answered, configure, down, field, respond, text};

fn upstream(call: &Outbound) -> &str {
    match &call.target {
        Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => name,
    }
}

/// A user with orders; the orders' upstream answers with the path it was asked for.
fn user_and_orders() -> Host {
    Host::new().on_call(|call| match upstream(call) {
        "users" => Ok(Answer::new(200).body(r#"{"id":7,"plan":"gold","tags":["a","b"]}"#)),
        "down" => down(),
        _ => Ok(Answer::new(200).json(&call.path)),
    })
}

fn part(name: &str, upstream: &str, path: &str) -> Value {
    json!({"name": name, "upstream": upstream, "path": path})
}

fn with(mut part: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        part[key] = value.clone();
    }
    part
}

fn answer(parts: &[Value]) -> Answer {
    respond(&configure(json!({"parts": parts})).unwrap())
}

fn posted(parts: &[Value], body: &str) -> Answer {
    answered(&configure(json!({"parts": parts})).unwrap(), body)
}

#[test]
fn a_part_is_called_with_a_value_of_another_ones_answer_wherever_they_stand() {
    let host = user_and_orders();
    let orders = with(
        part("orders", "orders", "/orders?user={part:user.id}"),
        &json!({"headers": {"X-Plan": "is {part:user.plan}"}}),
    );
    let answer = answer(&[orders, part("user", "users", "/me")]);
    assert_eq!(text(&answer), r#"{"orders":"/orders?user=7","user":{"id":7,"plan":"gold","tags":["a","b"]}}"#);
    let calls = host.calls();
    assert_eq!(calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), ["/me", "/orders?user=7"]);
    assert!(calls[1].headers.iter().any(|header| header.name == "x-plan" && header.value == "is gold"));
}

#[test]
fn a_body_is_made_of_answers_and_of_the_clients_body() {
    let host = user_and_orders().header("content-type", "application/json");
    let order = with(
        part("order", "orders", "/orders"),
        &json!({"method": "POST", "body": {"user": "{part:user.id}", "items": "{body:items}", "note": "for {part:user.plan}"}}),
    );
    let all = with(part("all", "orders", "/all"), &json!({"method": "PUT", "forward_body": true}));
    posted(&[part("user", "users", "/me"), order, all], r#"{"items":[{"n": 1}]}"#);
    let call = |path: &str| host.calls().into_iter().find(|call| call.path == path).unwrap();
    let sent: Value = serde_json::from_slice(&call("/orders").body).unwrap();
    assert_eq!(sent, json!({"user": 7, "items": [{"n": 1}], "note": "for gold"}));
    assert_eq!(
        (call("/all").method.as_str(), call("/all").body.as_slice()),
        ("PUT", br#"{"items":[{"n": 1}]}"#.as_slice())
    );
    for path in ["/orders", "/all"] {
        assert!(
            call(path).headers.iter().any(|header| header.name == "content-type" && header.value == "application/json")
        );
    }
}

#[test]
fn a_body_that_is_no_json_is_a_400_where_a_part_is_made_of_it() {
    let _host = user_and_orders();
    let parts = [with(part("a", "orders", "/"), &json!({"method": "POST", "body": "{body:a}"}))];
    assert_eq!(posted(&parts, "{").status, 400);
    assert_eq!(posted(&parts, "").status, 400);
    assert_eq!(posted(&parts, r#"{"b":1}"#).status, 400);
}

#[test]
fn what_the_client_did_not_send_is_a_400_only_where_the_part_is_required() {
    let _host = user_and_orders();
    assert_eq!(answer(&[part("a", "orders", "/{query:q}")]).status, 400);
    let optional = with(part("a", "orders", "/{query:q}"), &json!({"mode": "optional"}));
    let answer = answer(&[optional]);
    assert_eq!((answer.status, field(&answer, "x-tollgate-partial")), (200, Some("a")));
}

#[test]
fn a_part_whose_value_is_missing_fails_by_its_own_mode() {
    let _host = user_and_orders();
    let user = with(part("user", "down", "/me"), &json!({"mode": "optional"}));
    assert_eq!(answer(&[user.clone(), part("orders", "orders", "/{part:user.id}")]).status, 502);
    let orders = with(part("orders", "orders", "/{part:user.id}"), &json!({"mode": "default", "default": []}));
    let left = answer(&[user, orders.clone()]);
    assert_eq!((text(&left), field(&left, "x-tollgate-partial")), (r#"{"orders":[]}"#, Some("user")));
    let user = with(part("user", "down", "/me"), &json!({"mode": "default", "default": {"id": 0}}));
    assert_eq!(text(&answer(&[user, orders])), r#"{"user":{"id":0},"orders":"/0"}"#);
}

#[test]
fn an_upstreams_value_that_climbs_is_not_the_clients_fault() {
    let _host = Host::new().on_call(|_| Ok(Answer::new(200).body(r#"{"id":".."}"#)));
    assert_eq!(answer(&[part("user", "users", "/me"), part("orders", "orders", "/{part:user.id}/x")]).status, 502);
}

#[test]
fn a_control_character_never_gets_into_a_field() {
    for (host, status) in [
        (Host::new().on_call(|_| Ok(Answer::new(200).body(r#"{"q":"a\r\nb: c"}"#))), 502),
        (user_and_orders().query("q=a%0D%0Ab:%20c"), 400),
    ] {
        let value = if status == 502 { "{part:user.q}" } else { "{query:q}" };
        let parts = [part("user", "users", "/me"), with(part("a", "orders", "/"), &json!({"headers": {"x-a": value}}))];
        assert_eq!(answer(&parts).status, status);
        assert_eq!(host.calls().iter().filter(|call| upstream(call) == "orders").count(), 0);
    }
}

#[test]
fn a_part_is_called_only_where_its_conditions_hold_and_is_not_missed() {
    let host = user_and_orders();
    let when = |is: &str| {
        let condition =
            json!({"when": [{"value": "{part:user.plan}", "is": is}, {"value": "{query:x}", "exists": false}]});
        with(part("extra", "orders", "/extra"), &condition)
    };
    let answer = answer(&[part("user", "users", "/me"), when("silver"), with(when("gold"), &json!({"name": "more"}))]);
    assert_eq!(text(&answer), r#"{"user":{"id":7,"plan":"gold","tags":["a","b"]},"more":"/extra"}"#);
    assert_eq!(field(&answer, "x-tollgate-partial"), None);
    assert_eq!(host.calls().len(), 2);
}

#[test]
fn text_and_bytes_become_strings() {
    let bodies = |call: &Outbound| {
        Ok(Answer::new(200).body(if call.path == "/t" { b"a\n\xc3\xa9".to_vec() } else { vec![0, 255] }))
    };
    let _host = Host::new().on_call(bodies);
    let format = |path: &str, format: &str| with(part(format, "users", path), &json!({"format": format}));
    assert_eq!(text(&answer(&[format("/t", "text"), format("/b", "base64")])), r#"{"text":"a\né","base64":"AP8="}"#);
    assert_eq!(answer(&[format("/b", "text")]).status, 502);
}
