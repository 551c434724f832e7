//! Faults of a hook: each costs its request, and nothing else.

use std::time::Instant;

use tollgate_tests::{Gateway, Upstream, fault, in_general};

use super::{assert_is_well, assert_says_nothing, start, with_fault};

/// The request fails closed each time, the upstream never sees it, and the operator reads what
/// happened (`told`), where, in which version.
///
/// Both ways a component may be called.
async fn costs_its_request(name: &str, settings: &str, reason: &str, told: &str) {
    costs_a_request(name, fault(name), settings, reason, told).await;
    costs_a_request(name, in_general(&fault(name)), settings, reason, told).await;
}

async fn costs_a_request(name: &str, component: Vec<u8>, settings: &str, reason: &str, told: &str) {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::with(&with_fault(&upstream, settings)).plugin("fault", component).start().await;
    for _ in 0..3 {
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")), "{name}");
        assert_says_nothing(&answer);
    }
    assert!(upstream.seen().iter().all(|seen| seen.path != "/p"), "{name}: it went on");
    let hook = "on-request";
    let labels = [("plugin", "p"), ("route", "faulty"), ("hook", hook), ("reason", reason)];
    gateway.metrics_with("tollgate_plugin_errors_total", &labels, 3.0).await;
    let line = gateway.log().line_with("plugin failed").await;
    for part in
        ["\"plugin\":\"p\"", "\"version\":\"0.1.0\"", "\"route\":\"faulty\"", &format!("\"hook\":\"{hook}\""), told]
    {
        assert!(line.contains(part), "{name}: no {part} in {line}");
    }
    assert_is_well(&gateway).await;
}

#[tokio::test]
async fn a_hook_that_computes_for_ever() {
    costs_its_request("spin", "", "cpu", "limits.cpu").await;
}

#[tokio::test]
async fn a_hook_that_traps() {
    costs_its_request("trap", "", "trap", "unreachable").await;
    costs_its_request("out-of-bounds", "", "trap", "out of bounds memory access").await;
    costs_its_request("divide-by-zero", "", "trap", "divide by zero").await;
}

#[tokio::test]
async fn a_hook_that_overflows_its_stack() {
    costs_its_request("stack-overflow", "", "trap", "call stack exhausted").await;
}

#[tokio::test]
async fn a_hook_that_eats_memory_or_tables() {
    costs_its_request("memory-bomb", "limits = { memory = \"16MiB\", cpu = \"5s\" }", "trap", "unreachable").await;
    costs_its_request("table-bomb", "limits = { cpu = \"5s\" }", "trap", "unreachable").await;
}

#[tokio::test]
async fn an_answer_that_is_too_large() {
    costs_its_request("huge-body", "", "trap", "limits.host_call").await;
    costs_its_request("huge-list", "", "trap", "out of bounds").await;
}

/// Where the gateway reads a list itself, it refuses a long one before it reads it.
#[tokio::test]
async fn an_answer_of_too_many_fields() {
    let name = "many-headers";
    costs_a_request(name, fault(name), "", "trap", "a list of 20000 elements: at most 1024").await;
    costs_a_request(name, in_general(&fault(name)), "", "answer", "20000 header fields; at most 256").await;
}

#[tokio::test]
async fn a_call_with_too_many_names() {
    costs_its_request("many-names", "", "trap", "`request.header-many`: 300 names; at most 256").await;
}

#[tokio::test]
async fn an_answer_that_is_not_http() {
    costs_its_request("not-utf8", "", "trap", "utf-8").await;
    costs_its_request("header-injection", "", "answer", "illegal value").await;
    costs_its_request("illegal-name", "", "answer", "illegal name").await;
    costs_its_request("illegal-status", "", "answer", "1000").await;
    costs_its_request("switching", "", "answer", "101").await;
}

#[tokio::test]
async fn a_verdict_that_is_none() {
    costs_its_request("bad-verdict", "", "trap", "discriminant").await;
    costs_its_request("bad-pointer", "", "trap", "out of bounds").await;
}

#[tokio::test]
async fn a_function_of_another_hook() {
    costs_its_request("wrong-hook", "", "trap", "`response.status` was called in `on-request`").await;
}

#[tokio::test]
async fn a_guest_that_gives_the_host_no_room() {
    costs_its_request("realloc-lies", "", "trap", "realloc").await;
    costs_its_request("realloc-spins", "", "cpu", "limits.cpu").await;
    costs_its_request("realloc-calls-back", "", "trap", "cannot leave component instance").await;
}

#[tokio::test]
async fn a_flood_of_calls_of_the_host() {
    costs_its_request("host-call-flood", "", "cpu", "limits.cpu").await;
}

#[tokio::test]
async fn a_flood_of_failures_is_counted_whole_and_logged_in_part() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("trap", &with_fault(&upstream, "").workers(1)).await;
    is_logged_in_part(&gateway, "plugin failed", 500).await;
    gateway.metrics_with("tollgate_plugin_errors_total", &[("plugin", "p"), ("reason", "trap")], 200.0).await;
}

/// Any client can cause these.
#[tokio::test]
async fn a_flood_of_bodies_that_are_refused_or_too_long_is_logged_in_part() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("chunk-refused", &with_fault(&upstream, "")).await;
    is_logged_in_part(&gateway, "plugin refused a body: no", 403).await;
    let gateway = start("need-little", &with_fault(&upstream, "")).await;
    is_logged_in_part(&gateway, "needs a body of at most 1 byte", 413).await;
    let line = gateway.log().line_with("needs a body").await;
    assert!(line.contains("\"plugin\":\"p\"") && line.contains("\"kind\":\"body-too-large\""), "{line}");
}

/// Of 200 requests, each answered so, some are told of, and the others counted.
async fn is_logged_in_part(gateway: &Gateway, line: &str, status: u16) {
    for _ in 0..200 {
        assert_eq!(gateway.post("/p", "a body").await.status, status);
    }
    let dropped = gateway.metrics().await.sum("tollgate_plugin_logs_dropped_total", &[("plugin", "p")]);
    assert!(dropped > 0.0, "200 requests take no 20 s");
    let told = || gateway.log().lines().iter().filter(|told| told.contains(line)).count();
    tollgate_tests::until("each to be logged or counted", || {
        #[allow(clippy::cast_precision_loss, reason = "there are 200")]
        let all = told() as f64 + dropped;
        ((all - 200.0).abs() < 0.5).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stack_of_functions_with_long_names_is_cut() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("long-names", &with_fault(&upstream, "")).await;
    assert_eq!(gateway.get("/p").await.status, 500);
    let line = gateway.log().line_with("plugin failed").await;
    assert!(line.len() < 6000 && line.contains("NNNN") && line.contains("unreachable"), "{} bytes", line.len());
}

#[tokio::test]
async fn more_randomness_than_there_is_at_once() {
    costs_its_request("random-much", "", "trap", "exceeds limit 65536").await;
}

#[tokio::test]
async fn a_flood_of_log_lines() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("log-flood", &with_fault(&upstream, "limits = { log_lines = 5 }")).await;
    assert_says_nothing(&gateway.get("/p").await);
    gateway.log().line_with("plugin failed: used more CPU time").await;
    let written = gateway.log().lines().iter().filter(|line| line.contains("the sky is falling")).count();
    assert!((1..=10).contains(&written), "{written} lines");
    assert!(gateway.metrics().await.sum("tollgate_plugin_logs_dropped_total", &[("plugin", "p")]) > 100.0);
    assert_is_well(&gateway).await;
}

/// Each of its requests has an instance of its own, and they share what a plugin may write.
#[tokio::test]
async fn a_flood_of_log_lines_of_many_instances() {
    let upstream = Upstream::answering("ok").await;
    let settings = "isolation = \"fresh\"\nlimits = { log_lines = 5, cpu = \"5ms\" }";
    let gateway = start("log-flood", &with_fault(&upstream, settings)).await;
    let began = Instant::now();
    let mut client = gateway.connect().await;
    for _ in 0..30 {
        assert_eq!(client.get("/p").await.status, 500);
    }
    let most = 5 * (began.elapsed().as_secs() + 2);
    assert!(most < 150, "not even a slow machine takes so long");
    gateway.metrics_with("tollgate_plugin_errors_total", &[("plugin", "p"), ("reason", "cpu")], 30.0).await;
    let written = gateway.log().lines().iter().filter(|line| line.contains("the sky is falling")).count();
    assert!((1..=most).contains(&(written as u64)), "{written} lines, and {most} may be");
}

#[tokio::test]
async fn on_the_way_out_a_fault_fails_closed_too() {
    let upstream = Upstream::answering("secret").await;
    let gateway = start("spin-in-response", &with_fault(&upstream, "")).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.status, 500);
    assert_says_nothing(&answer);
    assert!(!answer.text().contains("secret"));
    let line = gateway.log().line_with("plugin failed").await;
    assert!(line.contains("\"hook\":\"on-response\""), "{line}");
    assert_is_well(&gateway).await;
}

#[tokio::test]
async fn a_flood_of_attributes_or_keys_ends_at_the_quota_and_costs_nothing() {
    let upstream = Upstream::answering("ok").await;
    for name in ["attribute-flood", "kv-flood"] {
        let gateway = start(name, &with_fault(&upstream, "limits = { cpu = \"5s\" }")).await;
        assert_eq!(gateway.get("/p").await.text(), "ok", "{name}");
        assert_is_well(&gateway).await;
    }
}

#[tokio::test]
async fn an_instance_that_leaks_is_replaced_before_it_runs_out() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("leak", &with_fault(&upstream, "limits = { memory = \"16MiB\", cpu = \"5s\" }")).await;
    for request in 0..40 {
        assert_eq!(gateway.get("/p").await.text(), "ok", "request {request}");
    }
    let made = gateway.metrics().await.sum("tollgate_plugin_instances_created_total", &[("plugin", "p")]);
    assert!((3.0..=6.0).contains(&made), "{made} instances for 40 MiB");
    assert_is_well(&gateway).await;
}

#[tokio::test]
async fn a_plugin_whose_later_instances_cannot_be_made() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start("configure-later", &with_fault(&upstream, "")).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")));
    assert_says_nothing(&answer);
    let line = gateway.log().line_with("plugin failed").await;
    assert!(line.contains("no instance could be made") && line.contains("unreachable"), "{line}");
    let labels = [("plugin", "p"), ("route", "faulty"), ("reason", "instance")];
    gateway.metrics_with("tollgate_plugin_errors_total", &labels, 1.0).await;
    assert_is_well(&gateway).await;
}
