//! The plugin against the SDK's fake gateway.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin_sdk::testing::Host;

use super::*;

fn plugin(config: Value) -> RateLimit {
    RateLimit::configure(serde_json::from_value(config).unwrap()).unwrap()
}

fn refused_config(config: Value) -> String {
    RateLimit::configure(serde_json::from_value(config).unwrap()).err().unwrap()
}

fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Respond(answer) => answer,
        other => panic!("expected an answer, got {other:?}"),
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
}

#[test]
fn requests_within_the_limit_go_on_and_the_next_is_refused() {
    let host = Host::new();
    let plugin = plugin(json!({"limit": 2, "per": "1m"}));
    for _ in 0..2 {
        assert_eq!(plugin.on_request(), Verdict::Next);
        host.next_request();
    }
    let answer = answer(plugin.on_request());
    assert_eq!(answer.status, 429);
    assert_eq!(header(&answer, "retry-after"), Some("30"));
}

#[test]
fn a_client_that_waits_as_told_gets_through() {
    let host = Host::new();
    let plugin = plugin(json!({"limit": 2, "per": "1m", "burst": 1}));
    assert_eq!(plugin.on_request(), Verdict::Next);
    assert_eq!(answer(plugin.on_request()).status, 429);
    host.advance(Duration::from_secs(29));
    assert_eq!(answer(plugin.on_request()).status, 429);
    host.advance(Duration::from_secs(1));
    assert_eq!(plugin.on_request(), Verdict::Next);
}

#[test]
fn a_burst_may_be_more_than_the_limit() {
    let _host = Host::new();
    let plugin = plugin(json!({"limit": 1, "per": "1s", "burst": 3}));
    let passed = (0..5).filter(|_| plugin.on_request() == Verdict::Next).count();
    assert_eq!(passed, 3);
}

#[test]
fn clients_do_not_share_their_limits() {
    let host = Host::new().client_address("192.0.2.1");
    let plugin = plugin(json!({"limit": 1, "per": "1h"}));
    assert_eq!(plugin.on_request(), Verdict::Next);
    assert_eq!(answer(plugin.on_request()).status, 429);
    host.set_client_address("192.0.2.2");
    assert_eq!(plugin.on_request(), Verdict::Next);
}

#[test]
fn a_header_tells_clients_apart_where_the_config_says_so() {
    let host = Host::new().header("x-api-key", "one");
    let plugin = plugin(json!({"limit": 1, "per": "1h", "by": {"header": "x-api-key"}}));
    assert_eq!(plugin.on_request(), Verdict::Next);
    assert_eq!(answer(plugin.on_request()).status, 429);
    host.next_request();
    host.add_request_header("x-api-key", "two");
    assert_eq!(plugin.on_request(), Verdict::Next);
}

#[test]
fn a_response_tells_the_client_where_it_stands() {
    let host = Host::new();
    plugin(json!({"limit": 100, "per": "1m"})).on_request();
    host.enter_response(200);
    assert_eq!(host.response_header("ratelimit-policy").as_deref(), Some("\"default\";q=100;w=60"));
    assert_eq!(host.response_header("ratelimit").as_deref(), Some("\"default\";r=99;t=1"));
}

#[test]
fn a_refusal_tells_the_client_where_it_stands() {
    let host = Host::new();
    let plugin = plugin(json!({"limit": 1, "per": "10s", "name": "slow"}));
    plugin.on_request();
    host.next_request();
    assert_eq!(answer(plugin.on_request()).status, 429);
    host.enter_response(429);
    assert_eq!(host.response_header("ratelimit").as_deref(), Some("\"slow\";r=0;t=10"));
}

#[test]
fn two_limits_in_one_chain_are_both_told() {
    let host = Host::new();
    let second = plugin(json!({"limit": 5, "per": "1s", "name": "second"}));
    let hour = plugin(json!({"limit": 1000, "per": "1h", "name": "hour"}));
    hour.on_request();
    second.on_request();
    host.enter_response(200);
    let told: Vec<String> = host
        .response_headers()
        .into_iter()
        .filter(|(name, _)| name == "ratelimit-policy")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(told, ["\"hour\";q=1000;w=3600", "\"second\";q=5;w=1"]);
}

#[test]
fn a_period_that_is_no_whole_seconds_has_no_window() {
    assert_eq!(policy("\"p\"", 5, 500), "\"p\";q=5");
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let host = Host::new().max_buckets(0);
    let answer = answer(plugin(json!({"limit": 1, "per": "1s"})).on_request());
    assert_eq!(answer.status, 503);
    assert_eq!(header(&answer, "retry-after"), Some("1"));
    assert_eq!(host.logs().len(), 1);
}

#[test]
fn a_config_that_makes_no_sense_is_refused() {
    assert!(refused_config(json!({"limit": 1, "per": "0s"})).starts_with("per: "));
    assert!(refused_config(json!({"limit": 0, "per": "1s"})).contains("at least 1"));
    assert!(refused_config(json!({"limit": 1, "per": "1s", "burst": 0})).contains("at least 1"));
    assert!(refused_config(json!({"limit": 1, "per": "1s", "by": {"header": ""}})).starts_with("by.header: "));
    assert!(refused_config(json!({"limit": 1, "per": "1s", "name": "a\"b"})).starts_with("name: "));
}

#[test]
fn every_mistake_is_told_with_the_key_it_is_about() {
    let mistakes = refused_config(json!({"limit": 0, "per": "0s", "burst": 0, "by": {"claim": ""}, "name": "a b"}));
    let keys: Vec<&str> = mistakes.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(keys, ["per", "limit", "burst", "name", "by.claim"]);
}

#[test]
fn the_config_takes_each_way_to_tell_clients_apart() {
    for by in [json!("client-address"), json!({"header": "a"}), json!({"claim": "sub"}), json!({"attribute": "a.b"})] {
        plugin(json!({"limit": 1, "per": "1s", "by": by}));
    }
}
