//! Guests that misuse calls to other services.

use std::time::Duration;

use tollgate_tests::{Upstream, Wire, config};

use super::{assert_is_well, assert_says_nothing, start, with_fault};

const GRANT: &str = "grant = { http = [\"web\"] }\n";

#[tokio::test]
async fn a_call_of_an_earlier_request_is_unknown() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("stale-call", &with_fault(&upstream, GRANT)).await;
    for request in 0..3 {
        assert_eq!(gateway.get("/p").await.text(), "ok", "request {request}: it traps unless it is told so");
    }
    assert_is_well(&gateway).await;
}

#[tokio::test]
async fn more_calls_than_a_hook_may_make_are_refused_and_not_kept() {
    let upstream = Upstream::answering("ok").await;
    for name in ["call-flood", "call-after-call"] {
        let before = upstream.seen().len();
        let settings = format!("{GRANT}limits = {{ calls = 3, cpu = \"5s\" }}");
        let gateway = start(name, &with_fault(&upstream, &settings)).await;
        assert_eq!(gateway.get("/p").await.text(), "ok", "{name}: it traps unless it is told so");
        let calls = upstream.seen()[before..].iter().filter(|seen| seen.path == "/x").count();
        assert!(calls <= 3, "{name}: {calls} calls");
        assert_is_well(&gateway).await;
    }
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_the_hook() {
    let upstream = Upstream::scripted(|mut wire: Wire| async move {
        if wire.head().await.is_some_and(|head| head.starts_with("GET /x ")) {
            wire.closed().await;
        } else {
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let settings = format!("{GRANT}limits = {{ wall = \"300ms\" }}");
    let gateway = start("slow-call", &with_fault(&upstream, &settings)).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")));
    assert_says_nothing(&answer);
    gateway.log().line_with("took longer than limits.wall allows").await;
    let labels = [("plugin", "p"), ("route", "faulty"), ("hook", "on-request")];
    let metrics = gateway.metrics().await;
    let waited = metrics.sum("tollgate_plugin_host_wait_seconds_total", &labels);
    assert!((0.2..5.0).contains(&waited), "waited {waited} s in the host");
    assert!(metrics.sum("tollgate_plugin_cpu_seconds_total", &labels) < 0.2);
    upstream.open(0).await;
    assert_is_well(&gateway).await;
}

/// A gateway that is its own upstream: each request holds an instance and asks for one more.
#[tokio::test]
async fn a_plugin_that_calls_itself_through_the_gateway_ends_where_the_instances_end() {
    let port = Upstream::refusing_port().await;
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .workers(1)
        .listen(port)
        .upstream("web", [format!("http://127.0.0.1:{port}")])
        .upstream("other", [&upstream])
        .plugin("p", &format!("use = \"fault.wasm\"\n{GRANT}limits = {{ instances = 5, queue = 2, wall = \"2s\" }}"))
        .route("/healthy", "other")
        .route_with("/p", "other", "plugins = [\"p\"]");
    let gateway = start("recursion", &config).await;
    let answer = tokio::time::timeout(Duration::from_secs(15), gateway.get("/p")).await.expect("it ends");
    assert!([200, 500, 503].contains(&answer.status), "{}", answer.text());
    assert_says_nothing(&answer);
    assert!(gateway.metrics().await.sum("tollgate_plugin_instances_created_total", &[]) <= 12.0);
    assert_is_well_after_recursion(&gateway).await;
}

/// As many instances as were needed stay, idle.
async fn assert_is_well_after_recursion(gateway: &tollgate_tests::Gateway) {
    assert_eq!(gateway.get("/healthy").await.status, 200);
    gateway.metrics_with("tollgate_plugin_queue", &[], 0.0).await;
    assert!(gateway.metrics().await.sum("tollgate_plugin_instances", &[("plugin", "p")]) <= 5.0);
}
