//! What a cache before this plugin may keep.

use serde_json::{Value, json};
use tollgate_plugin_sdk::http_client::ClientError;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, RequestFilter, Verdict};

use super::{answered, configure, down, field, healthy, host, plugin, respond, text};

fn cache_control(modes: &[&str]) -> Option<String> {
    field(&respond(&plugin(modes)), "cache-control").map(str::to_owned)
}

#[test]
fn an_answer_that_is_whole_says_nothing_of_caches() {
    let _host = healthy();
    assert_eq!(cache_control(&["required", "optional", "default"]), None);
}

/// `vary` and `cache-control` of what this part makes.
fn told(part: &Value) -> (Option<String>, Option<String>) {
    let mut whole = json!({"name": "a", "upstream": "a", "path": "/", "method": "POST"});
    whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    let plugin = configure(json!({"parts": [{"name": "b", "upstream": "b", "path": "/"}, whole]})).unwrap();
    let answer = match plugin.on_request() {
        Verdict::NeedBody(_) => answered(&plugin, "{}"),
        _ => respond(&plugin),
    };
    assert_eq!(answer.status, 200, "{part}: {}", text(&answer));
    (field(&answer, "vary").map(str::to_owned), field(&answer, "cache-control").map(str::to_owned))
}

#[test]
fn an_answer_says_which_fields_of_the_request_it_is_made_of() {
    let _host = healthy().header("x-mine", "1").header("x-other", "2").header("cookie", "c");
    for (part, vary) in [
        (json!({"forward_headers": ["X-Other", "cookie", "x-absent"]}), "cookie, x-absent, x-other"),
        (json!({"path": "/{header:X-Mine}", "headers": {"x-a": "{header:x-other}"}}), "x-mine, x-other"),
        (json!({"body": {"a": ["{header:x-mine}"]}, "forward_headers": ["x-mine"]}), "x-mine"),
        (json!({"when": [{"value": "{header:x-none}", "exists": true}]}), "x-none"),
    ] {
        assert_eq!(told(&part), (Some(vary.to_owned()), None), "{part}");
    }
}

#[test]
fn an_answer_is_for_one_client_alone_where_no_field_says_what_it_is_made_of() {
    let _host = healthy().attribute("plan", "gold").header("content-type", "application/json");
    let private = Some("private".to_owned());
    assert_eq!(told(&json!({"headers": {"x-a": "{attribute:plan}"}})), (None, private.clone()));
    assert_eq!(told(&json!({"when": [{"value": "{attribute:none}", "exists": true}]})), (None, private.clone()));
    assert_eq!(told(&json!({"when": [{"value": "{body:none}", "exists": true}]})), (None, private.clone()));
    assert_eq!(told(&json!({"forward_body": true})), (Some("content-type".to_owned()), private));
}

#[test]
fn no_cache_keeps_what_is_not_whole_or_an_error() {
    for failure in [down(), Err(ClientError::Timeout), Ok(Answer::new(500))] {
        let _host = host("b", failure);
        for mode in ["required", "optional", "default"] {
            assert_eq!(cache_control(&["required", mode]).as_deref(), Some("no-store"), "{mode}");
        }
    }
}

#[test]
fn no_cache_keeps_what_lacks_an_item_or_has_a_default_for_it() {
    let _host = Host::new().on_call(|call| match call.path.as_str() {
        "/2" => down(),
        _ => Ok(Answer::new(200).json(&[1, 2, 3])),
    });
    for (mode, default, items) in [("optional", json!(null), 2), ("default", json!(0), 3)] {
        let ids = json!({"name": "a", "upstream": "a", "path": "/", "hide": true});
        let each = json!({"of": "{part:a}"});
        let items_part =
            json!({"name": "b", "upstream": "b", "path": "/{item}", "each": each, "mode": mode, "default": default});
        let answer = respond(&configure(json!({"parts": [ids, items_part]})).unwrap());
        let whole: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (whole["b"].as_array().map(Vec::len), field(&answer, "cache-control")),
            (Some(items), Some("no-store"))
        );
    }
}
