//! How long parts may take, and all of them together.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::ClientError;
use tollgate_plugin_sdk::testing::Host;

use super::{configure, field, respond, text};

/// A gateway where a call takes 1900 ms, or as long as it may if that is less.
fn slow() -> Rc<OnceCell<Host>> {
    let host = Rc::new(OnceCell::<Host>::new());
    let clock = Rc::clone(&host);
    let gateway = Host::new().on_call(move |call| {
        let takes = call.timeout_ms.min(1900);
        clock.get().unwrap().advance(Duration::from_millis(takes.into()));
        if takes < 1900 { Err(ClientError::Timeout) } else { Ok(Answer::new(200).json(&1)) }
    });
    assert!(host.set(gateway).is_ok());
    host
}

fn timeouts(host: &OnceCell<Host>) -> Vec<u32> {
    host.get().unwrap().calls().iter().map(|call| call.timeout_ms).collect()
}

/// Parts that are each made of the one before.
fn in_sequence(count: usize) -> Vec<Value> {
    let part = |at: usize| {
        let path = if at == 0 { "/".to_owned() } else { format!("/{{part:p{}}}", at - 1) };
        json!({"name": format!("p{at}"), "upstream": "u", "path": path, "mode": "default", "default": 0})
    };
    (0..count).map(part).collect()
}

#[test]
fn parts_in_sequence_have_the_time_that_is_left_of_the_whole() {
    let host = slow();
    let answer = respond(&configure(json!({"parts": in_sequence(5)})).unwrap());
    assert_eq!(text(&answer), r#"{"p0":1,"p1":1,"p2":0,"p3":0,"p4":0}"#);
    assert_eq!(timeouts(&host), [2000, 2000, 200], "there is no time to call the last two");
}

#[test]
fn the_whole_may_have_more_time_and_less() {
    let host = slow();
    let answer = respond(&configure(json!({"timeout": "10s", "parts": in_sequence(5)})).unwrap());
    assert_eq!(text(&answer), r#"{"p0":1,"p1":1,"p2":1,"p3":1,"p4":1}"#);
    assert_eq!(timeouts(&host), [2000, 2000, 2000, 2000, 2000]);
    let host = slow();
    respond(&configure(json!({"timeout": "1s", "parts": in_sequence(1)})).unwrap());
    assert_eq!(timeouts(&host), [1000]);
}

#[test]
fn a_part_that_may_take_longer_than_the_usual_whole_makes_it_longer() {
    let host = slow();
    let part = json!({"name": "a", "upstream": "a", "path": "/", "timeout": "10s"});
    respond(&configure(json!({"parts": [part]})).unwrap());
    assert_eq!(timeouts(&host), [10_000]);
}

#[test]
fn items_that_there_is_no_time_for_are_left_out() {
    let host = slow();
    let body = json!({"of": "{body:ids}", "concurrency": 1});
    let part = json!({"name": "items", "upstream": "u", "path": "/{item}", "mode": "optional", "each": body});
    let plugin = configure(json!({"parts": [part]})).unwrap();
    let answer = super::answered(&plugin, r#"{"ids":[1,2,3,4]}"#);
    assert_eq!((text(&answer), field(&answer, "x-tollgate-partial")), (r#"{"items":[1,1]}"#, Some("items")));
    assert_eq!(timeouts(&host), [2000, 2000, 200]);
}

#[test]
fn a_part_may_not_have_longer_than_the_whole() {
    let config = |whole: &str, part: &str| {
        configure(json!({"timeout": whole, "parts": [{"name": "a", "upstream": "a", "path": "/", "timeout": part}]}))
    };
    assert!(config("10s", "10s").is_ok());
    let mistake = config("4s", "10s").unwrap_err();
    assert!(mistake.contains("`10s` is more than the whole may take: `timeout`, 4s"), "{mistake}");
    assert!(config("0s", "1s").unwrap_err().contains("timeout: `0s` leaves no time"));
    assert!(config("61m", "1s").unwrap_err().contains("timeout: `61m` is more than `1h`"));
}
