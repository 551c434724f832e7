//! A fault of a plugin costs one request, never the gateway and never the plugin.

use tollgate_tests::{Gateway, Upstream, config, guests};

use super::{faults, script, start, with_p};

/// The request fails closed, the upstream never sees it, and everything else goes on.
async fn costs_one_request(config: &str, reason: &str) {
    let upstream = Upstream::answering("ok").await;
    let gateway = start(&with_p(&upstream, &script(config))).await;
    for round in 1..=3_u8 {
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")), "{config}");
        assert!(!answer.text().contains("scripted") && !answer.text().contains("wasm"), "{}", answer.text());
        assert!(upstream.seen().iter().all(|seen| seen.path != "/p"), "{config}: it went on");
        assert_eq!(gateway.get("/healthy").await.text(), "ok");
        assert!((faults(&gateway, reason).await - f64::from(round)).abs() < 0.5, "{config}: counted as {reason}");
    }
    let line = gateway.access_line("/p").await;
    assert_eq!((line["error"]["owner"].as_str(), line["source"].as_str()), (Some("p"), Some("gateway")), "{line}");
}

#[tokio::test]
async fn a_trap() {
    costs_one_request(r#"request = ["trap"]"#, "trap").await;
}

#[tokio::test]
async fn a_stack_that_overflows() {
    costs_one_request(r#"request = ["recurse 100000000"]"#, "trap").await;
}

#[tokio::test]
async fn a_status_that_does_not_exist() {
    costs_one_request(r#"request = ["respond 99 x"]"#, "answer").await;
}

#[tokio::test]
async fn an_informational_status() {
    costs_one_request(r#"request = ["respond 101 x"]"#, "answer").await;
}

#[tokio::test]
async fn a_field_with_a_line_break_in_an_answer() {
    costs_one_request(r#"request = ["respond-field x-a b\\r\\nx-evil: 1"]"#, "answer").await;
}

#[tokio::test]
async fn a_function_of_the_wrong_hook() {
    costs_one_request(r#"request = ["made-by x-source"]"#, "trap").await;
    costs_one_request(r#"request = ["skip"]"#, "trap").await;
}

#[tokio::test]
async fn a_fault_on_the_way_out_fails_closed_too() {
    let upstream = Upstream::answering("secret").await;
    let gateway = start(&with_p(&upstream, &script(r#"response = ["trap"]"#))).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("secret"));
}

#[tokio::test]
async fn a_fault_is_counted_for_the_hook_it_happened_in() {
    let upstream = Upstream::answering("ok").await;
    for (config, hook) in [
        (r#"request = ["respond 99 x"]"#, "on-request"),
        (r#"request = ["need-body 10"], body = ["respond 99 x"]"#, "on-request-body"),
        (r#"response = ["respond 99 x"]"#, "on-response"),
    ] {
        let gateway = start(&with_p(&upstream, &script(config))).await;
        assert_eq!(gateway.get("/p").await.status, 500, "{config}");
        let counted = gateway.metrics().await.sum("tollgate_plugin_errors_total", &[("plugin", "p"), ("hook", hook)]);
        assert!((counted - 1.0).abs() < 0.5, "{config}: {counted} for {hook}");
    }
}

#[tokio::test]
async fn with_skip_a_fault_is_passed_over() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["trap"], response = ["trap"]"#) + "\non_error = \"skip\"";
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.get("/p").await.text(), "ok");
    assert!((faults(&gateway, "trap").await - 2.0).abs() < 0.5, "passed over, but counted");
}

#[tokio::test]
async fn the_operator_is_told_what_the_client_is_not() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start(&with_p(&upstream, &script(r#"request = ["log something odd", "trap"]"#))).await;
    gateway.get("/p").await;
    let line = gateway.log().line_with("something odd").await;
    let id = gateway.access_line("/p").await["id"].clone();
    assert!(line.contains("\"plugin\":\"p\"") && line.contains(id.as_str().unwrap()), "{line}");
    gateway.log().line_with("as the script says").await;
}

#[tokio::test]
async fn a_header_that_may_not_be_set_is_an_error_the_plugin_sees() {
    let upstream = Upstream::answering("ok").await;
    for (step, error) in [
        ("set x-a b\\\\r\\\\nx-evil: 1", "control character"),
        ("set x\\\\r\\\\na b", "not a legal header name"),
        ("set host evil.example", "belongs to the gateway"),
        ("set content-length 0", "belongs to the gateway"),
        ("set transfer-encoding chunked", "belongs to the gateway"),
        ("path no-slash", "path"),
        ("path /a\\\\r\\\\nx:", "path"),
    ] {
        let gateway = start(&with_p(&upstream, &script(&format!("request = [\"{step}\"]")))).await;
        let answer = gateway.get("/p").await;
        assert!(answer.status == 500 && answer.text().contains(error), "{step}: {}", answer.text());
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_plugin_that_only_acts_on_responses_does_just_that() {
    let upstream = Upstream::answering("ok").await;
    let config = config().upstream("web", [&upstream]).plugin("mark", "use = \"response-only.wasm\"").route_with(
        "/p",
        "web",
        "plugins = [\"mark\"]",
    );
    let gateway = Gateway::with(&config).plugin("response-only", guests::response_only()).start().await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.header("x-response-only"), answer.text()), ("200", "ok"));
    let line = gateway.access_line("/p").await;
    assert_eq!(line["plugins"].as_array().unwrap().len(), 1, "{line}");
    assert_eq!(line["plugins"][0]["hook"], "on-response");
}
