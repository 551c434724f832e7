//! Limits of a plugin: CPU time, wall time, memory, instances.

use std::time::{Duration, Instant};

use tollgate_tests::{Upstream, within};

use super::{faults, script, start, with_p};

#[tokio::test]
async fn a_plugin_that_spins_loses_its_request_and_others_on_the_worker_go_on_meanwhile() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["spin"]"#) + "\nlimits = { cpu = \"500ms\", wall = \"15s\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let mut spinning = gateway.raw().await;
    spinning.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut spun = Box::pin(async { (spinning.answer().await.status, Instant::now()) });
    let mut client = gateway.connect().await;
    let mut served = 0;
    let started = Instant::now();
    let (status, ended) = loop {
        tokio::select! {
            spun = &mut spun => break spun,
            answer = client.get("/healthy") => {
                assert_eq!(answer.status, 200);
                served += 1;
            }
        }
    };
    assert_eq!(status, 500);
    assert!(ended - started >= Duration::from_millis(450), "it was given its time");
    assert!(served > 20, "only {served} requests were served while it span");
    assert!((faults(&gateway, "cpu").await - 1.0).abs() < 0.5);
    assert!(upstream.seen().iter().all(|seen| seen.path != "/p"));
}

#[tokio::test]
async fn a_plugin_that_eats_memory_is_stopped_at_its_limit() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["eat"]"#) + "\nlimits = { memory = \"16MiB\", cpu = \"5s\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    for _ in 0..3 {
        assert_eq!(gateway.get("/p").await.status, 500);
    }
    assert_eq!(gateway.get("/healthy").await.status, 200);
}

#[tokio::test]
async fn a_plugin_that_waits_too_long_for_others_is_stopped() {
    let upstream = Upstream::hanging().await;
    let settings =
        script(r#"request = ["call web /slow"]"#) + "\ngrant = { http = [\"web\"] }\nlimits = { wall = \"300ms\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let started = Instant::now();
    assert_eq!(gateway.get("/p").await.status, 500);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!((faults(&gateway, "wall").await - 1.0).abs() < 0.5);
    // The call is cancelled with the hook.
    upstream.open(0).await;
}

#[tokio::test]
async fn waiting_costs_no_cpu_time() {
    let upstream = Upstream::slow(Duration::from_millis(500), "late").await;
    let settings =
        script(r#"request = ["call web /slow"]"#) + "\ngrant = { http = [\"web\"] }\nlimits = { cpu = \"100ms\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.text()), (200, "late"));
}

#[tokio::test]
async fn when_all_instances_wait_and_the_queue_is_full_the_client_is_told_to_come_again() {
    let upstream = Upstream::hanging().await;
    let settings = script(r#"request = ["call web /slow"]"#)
        + "\ngrant = { http = [\"web\"] }\nlimits = { instances = 1, queue = 1, wall = \"20s\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let (mut holds, mut waits) = (gateway.raw().await, gateway.raw().await);
    holds.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    upstream.open(1).await;
    waits.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // Both are in the gateway once a third is refused; the second may arrive after it.
    within("a request to be refused", async {
        let mut refused = gateway.raw().await;
        refused.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let first = tokio::select! { answer = refused.answer() => answer, answer = waits.answer() => answer };
        assert_eq!((first.status, first.header("retry-after")), (503, "1"));
    })
    .await;
    assert!((faults(&gateway, "queue").await - 1.0).abs() < 0.5);
}

#[tokio::test]
async fn with_fresh_isolation_each_hook_has_an_instance_of_its_own() {
    let upstream = Upstream::answering("ok").await;
    for (isolation, created) in [("shared", 1.0..=2.0), ("fresh", 10.0..=21.0)] {
        let settings = script(r#"request = ["set x-a b"]"#) + &format!("\nisolation = \"{isolation}\"");
        let gateway = start(&with_p(&upstream, &settings)).await;
        for _ in 0..10 {
            assert_eq!(gateway.get("/p").await.status, 200);
        }
        let made = gateway.metrics().await.sum("tollgate_plugin_instances_created_total", &[("plugin", "p")]);
        assert!(created.contains(&made), "{isolation}: {made} instances");
    }
}

#[tokio::test]
async fn an_instance_is_replaced_after_so_many_uses() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["set x-a b"]"#) + "\nlimits = { uses = 4 }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    for _ in 0..12 {
        assert_eq!(gateway.get("/p").await.status, 200);
    }
    let metrics = gateway.metrics().await;
    // 12 requests are 24 hooks.
    assert!(metrics.sum("tollgate_plugin_instances_created_total", &[("plugin", "p")]) >= 6.0);
    assert!(metrics.sum("tollgate_plugin_instances", &[("plugin", "p")]) <= 2.0);
}

#[tokio::test]
async fn a_plugin_that_hands_over_or_returns_more_than_one_call_may_carry_is_stopped() {
    let upstream = Upstream::answering("ok").await;
    for step in ["reverse-body", "respond-body"] {
        let settings = script(&format!(r#"request = ["need-body 1000000"], body = ["{step}"]"#))
            + "\nlimits = { host_call = \"64KiB\" }";
        let gateway = start(&with_p(&upstream, &settings)).await;
        assert_eq!(gateway.post("/p", &"x".repeat(10_000)).await.status, 200, "{step}: within the limit");
        assert_eq!(gateway.post("/p", &"x".repeat(200_000)).await.status, 500, "{step}: beyond it");
        assert!((faults(&gateway, "trap").await - 1.0).abs() < 0.5, "{step}");
        assert_eq!(gateway.post("/p", &"x".repeat(10_000)).await.status, 200, "{step}: only that request is lost");
    }
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut_and_counted() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["flood 50"]"#) + "\nlimits = { log_lines = 3 }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.get("/p").await.status, 200, "a flood costs no request");
    gateway.metrics_with("tollgate_plugin_logs_dropped_total", &[("plugin", "p")], 47.0).await;
    // The log is read as it comes: the last line that may be written is waited for.
    gateway.log().line_with("\"line 2\"").await;
    let written = (0..50).filter(|line| gateway.log().text().contains(&format!("\"line {line}\""))).count();
    assert_eq!(written, 3, "{}", gateway.log().text());
}
