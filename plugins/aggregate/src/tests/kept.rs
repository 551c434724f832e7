//! What a cache before this plugin may keep.

use serde_json::{Value, json};
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::http_client::ClientError;
use tollgate_plugin_sdk::testing::Host;

use super::{configure, down, field, healthy, host, plugin, respond};

fn cache_control(modes: &[&str]) -> Option<String> {
    field(&respond(&plugin(modes)), "cache-control").map(str::to_owned)
}

#[test]
fn an_answer_that_is_whole_says_nothing_of_caches() {
    let _host = healthy();
    assert_eq!(cache_control(&["required", "optional", "default"]), None);
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
