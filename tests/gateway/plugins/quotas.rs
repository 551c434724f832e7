//! What a plugin may keep in `kv` and track with `rate`: beyond it the plugin is told, and goes on.

use tollgate_tests::{Config, Gateway, wait::until_async};

use super::{answering, start};

const KV_IS_FULL: &str = "the plugin's quota of keys or bytes is used up";
const RATE_IS_FULL: &str = "the gateway tracks its maximum of rate keys already";

/// `p` asks all of it, one by one, in each request.
fn asking(questions: &[&str], limits: &str) -> Config {
    let script = format!("request = [\"tell-each {}\"]", questions.join("; "));
    answering(&script, &format!("limits = {{ {limits} }}"))
}

/// What `p` is told, one by one.
async fn told(gateway: &Gateway) -> Vec<String> {
    let answer = gateway.get("/p").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().split("; ").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_plugin_keeps_as_many_keys_as_it_may_and_one_that_goes_makes_room() {
    let questions = ["keep a 1", "keep b 2", "keep c 3", "keep a 4", "forget b", "keep c 3"];
    let gateway = start(&asking(&questions, "kv_keys = 2")).await;
    assert_eq!(told(&gateway).await, ["done", "done", KV_IS_FULL, "done", "true", "done"]);
}

/// Of keys and values together.
#[tokio::test]
async fn a_plugin_keeps_as_many_bytes_as_it_may_and_a_shorter_value_makes_room() {
    let questions = ["keep a 12345", "keep b 123", "keep c 1", "keep a 123456", "keep a 1", "keep c 1"];
    let gateway = start(&asking(&questions, "kv_bytes = \"10B\"")).await;
    assert_eq!(told(&gateway).await, ["done", "done", KV_IS_FULL, KV_IS_FULL, "done", "done"]);
}

#[tokio::test]
async fn a_plugin_tracks_as_many_keys_as_it_may_and_those_it_has_are_still_counted() {
    let hour = ["take a 3600000", "take b 3600000", "take c 3600000", "take a 3600000"];
    let gateway = start(&asking(&hour, "rate_keys = 2")).await;
    assert_eq!(told(&gateway).await, ["taken", "taken", RATE_IS_FULL, "empty"]);
}

/// However seldom files are looked at.
#[tokio::test]
async fn a_key_whose_bucket_is_full_again_makes_room_for_another() {
    for reload in ["", "[reload]\nwatch = \"poll\"\npoll_interval = \"1h\""] {
        let gateway = start(&asking(&["take a 1"], "rate_keys = 1").table(reload)).await;
        assert_eq!(told(&gateway).await, ["taken"]);
        // The store is the plugin's, whatever it asks.
        let other = asking(&["take b 3600000", "take c 3600000"], "rate_keys = 1").table(reload);
        gateway.write("tollgate.toml", other.to_string());
        gateway.signal("HUP");
        let has_room = async || (told(&gateway).await == ["taken", RATE_IS_FULL]).then_some(());
        until_async("the idle key to be forgotten", has_room).await;
    }
}
