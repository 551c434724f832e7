//! Where the parts' answers go.

use serde_json::{Value, json};
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::log::Level;
use tollgate_plugin_sdk::testing::Host;

use super::{configure, down, field, respond, text};

/// A gateway where each upstream answers its own name as JSON; `down` does not.
fn host() -> Host {
    Host::new().on_call(|call: &Outbound| match &call.target {
        Target::Upstream(name) if name == "down" => down(),
        Target::Upstream(json) | Target::Origin(json) | Target::Route(json) => {
            Ok(Answer::new(200).body(json.as_bytes()))
        }
    })
}

/// Parts that answer these texts, at these places.
fn answer(parts: &[(&str, Value)]) -> Answer {
    let parts = parts.iter().zip('a'..).map(|((json, more), name)| {
        let mut part = json!({"name": name, "upstream": json, "path": "/"});
        for (key, value) in more.as_object().unwrap() {
            part[key] = value.clone();
        }
        part
    });
    respond(&configure(json!({"partial_member": "left_out", "parts": parts.collect::<Vec<_>>()})).unwrap())
}

#[test]
fn a_part_goes_where_it_is_told_to() {
    let _host = host();
    let answer =
        answer(&[("1", json!({"at": "x.y"})), (r#"{"z":2}"#, json!({"at": "."})), ("3", json!({"hide": true}))]);
    assert_eq!(text(&answer), r#"{"x":{"y":1},"z":2}"#);
}

#[test]
fn parts_with_one_place_are_merged_in_the_order_of_the_config() {
    let _host = host();
    let at = || json!({"at": "x"});
    let merged = [(r#"{"k":1,"l":{"m":1}}"#, at()), (r#"{"l":{"n":2},"o":3}"#, at())];
    assert_eq!(text(&answer(&merged)), r#"{"x":{"k":1,"l":{"n":2},"o":3}}"#);
    assert_eq!(text(&answer(&[("[1]", at()), ("[2]", at())])), r#"{"x":[2]}"#);
    assert_eq!(text(&answer(&[("{}", at()), ("2", at())])), r#"{"x":2}"#);
}

#[test]
fn of_members_with_one_name_the_last_goes_into_the_merge() {
    let _host = host();
    let at = || json!({"at": "."});
    assert_eq!(text(&answer(&[(r#"{"k":1,"k":2}"#, at()), ("{}", at())])), r#"{"k":2}"#);
    assert_eq!(text(&answer(&[(r#"{"k":1,"l":2}"#, at()), (r#"{"l":3,"l":4,"l":5}"#, at())])), r#"{"k":1,"l":5}"#);
    assert_eq!(text(&answer(&[("{}", at()), (r#"{"l":3,"\ud800":4,"l":5}"#, at())])), "{\"l\":5,\"\u{fffd}\":4}");
}

#[test]
fn arrays_are_appended_where_that_is_asked_for() {
    let _host = host();
    let append = || json!({"at": "x", "combine": "append"});
    assert_eq!(text(&answer(&[("[1, 2]", append()), ("[3]", append()), ("[]", append())])), r#"{"x":[1,2,3]}"#);
    assert_eq!(text(&answer(&[(r#"{"a":1}"#, append()), ("[3]", append())])), r#"{"x":[3]}"#);
}

#[test]
fn a_place_inside_something_that_is_no_object_is_none() {
    let host = host();
    let answer = answer(&[("[1]", json!({"at": "x"})), ("2", json!({"at": "x.y"}))]);
    assert_eq!(text(&answer), r#"{"x":[1],"left_out":["b"]}"#);
    assert_eq!(host.logs()[0].0, Level::Warn);
}

#[test]
fn what_is_no_object_cannot_go_to_the_top() {
    let host = host();
    let top = |mode: &str| json!({"at": ".", "mode": mode});
    assert_eq!(answer(&[("1", json!({})), ("[2]", top("required"))]).status, 502);
    assert_eq!(text(&answer(&[("1", json!({})), ("[2]", top("optional"))])), r#"{"a":1,"left_out":["b"]}"#);
    let mut part = top("default");
    part["default"] = json!({"x": 0});
    assert_eq!(text(&answer(&[("1", json!({})), ("null", part)])), r#"{"a":1,"x":0}"#);
    let line = "part `b` of [2]: the answer is no object, whose members could go to the top";
    assert_eq!(host.logs()[0], (Level::Warn, line.to_owned()));
}

#[test]
fn parts_left_out_are_listed_in_a_member_if_that_is_asked_for() {
    let _host = host();
    let answer =
        answer(&[("down", json!({"mode": "optional"})), ("2", json!({})), ("down", json!({"mode": "optional"}))]);
    assert_eq!(text(&answer), r#"{"b":2,"left_out":["a","c"]}"#);
    assert_eq!(field(&answer, "x-tollgate-partial"), Some("a,c"));
}

#[test]
fn an_array_is_joined_by_key_wherever_its_part_stands() {
    let _host = host();
    let join = json!({"join": {"to": "b.orders", "key": "product", "equals": "id", "into": "product"}});
    let products = (r#"[{"id":1,"name":"pen"},{"id":2,"name":"ink"}]"#, join);
    let orders = (r#"{"orders":[{"n":1,"product":2},{"n":2,"product":3}]}"#, json!({}));
    let answer = answer(&[products, orders]);
    assert_eq!(text(&answer), r#"{"b":{"orders":[{"n":1,"product":{"id":2,"name":"ink"}},{"n":2,"product":3}]}}"#);
}

#[test]
fn a_part_is_shaped_and_a_default_is_not() {
    let _host = host();
    let shape = || json!({"shape": {"select": "data", "pick": ["id"], "rename": {"id": "key"}}});
    assert_eq!(text(&answer(&[(r#"{"data":[{"id":1,"x":2}]}"#, shape())])), r#"{"a":[{"key":1}]}"#);
    let mut default = shape();
    default["mode"] = json!("default");
    default["default"] = json!({"id": 0});
    assert_eq!(text(&answer(&[("{}", default)])), r#"{"a":{"id":0}}"#);
    assert_eq!(answer(&[("{}", shape())]).status, 502);
}
