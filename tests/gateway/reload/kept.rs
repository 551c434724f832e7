//! What a reload leaves as it is: everything that did not change, and everything that was learnt.

use tollgate_tests::metrics::Metrics;
use tollgate_tests::{Config, Gateway, Upstream, config, guests};

/// Two plugins of one component: one that counts, and one that marks the answer.
fn two(upstream: &Upstream, mark: &str) -> Config {
    let guest = |script: &str| format!("use = \"scripted.wasm\"\nconfig = {{ {script} }}");
    config()
        .workers(1)
        .upstream("web", [upstream])
        .plugin("counts", &guest("response = [\"count visits x-visits\"]"))
        .plugin("marks", &guest(&format!("response = [\"set x-mark {mark}\"]")))
        .route_with("/", "web", &format!("name = \"{mark}\"\nplugins = [\"counts\", \"marks\"]"))
}

fn made(metrics: &Metrics, plugin: &str) -> f64 {
    metrics.sum("tollgate_plugin_instances_created_total", &[("plugin", plugin)])
}

#[tokio::test]
async fn a_plugin_that_did_not_change_keeps_its_instances_and_its_store() {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::with(&two(&upstream, "m0")).plugin("scripted", guests::scripted()).start().await;
    for round in 1..=5 {
        let answer = gateway.get("/").await;
        assert_eq!(answer.header("x-visits"), round.to_string());
        assert_eq!(answer.header("x-mark"), format!("m{}", round - 1));
        gateway.reload(&two(&upstream, &format!("m{round}"))).await;
    }
    let metrics = gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
    assert_eq!((made(&metrics, "counts"), made(&metrics, "marks")), (1.0, 6.0));
    // Both plugins are of one component, which no reload has loaded again.
    assert!((metrics.sum("tollgate_components", &[]) - 1.0).abs() < 0.5);
    assert!((metrics.sum("tollgate_plugin_instances", &[]) - 2.0).abs() < 0.5);
}

#[tokio::test]
async fn a_target_that_was_left_out_stays_left_out() {
    let alive = Upstream::answering("alive").await;
    let dead = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let to = |name: &str| {
        let ejection = "ejection = { failures = 1, duration = \"1h\" }";
        config().workers(1).upstream_with("web", [dead.clone(), alive.to_string()], ejection).route_with(
            "/",
            "web",
            &format!("name = \"{name}\""),
        )
    };
    let gateway = Gateway::start(&to("old")).await;
    for _ in 0..4 {
        assert_eq!(gateway.get("/").await.text(), "alive");
    }
    gateway.metrics_with("tollgate_upstream_ejected", &[], 1.0).await;
    let refused = |metrics: &Metrics| metrics.sum("tollgate_upstream_failures_total", &[("reason", "connect")]);
    let before = refused(&gateway.metrics().await);
    gateway.reload(&to("new")).await;
    for _ in 0..4 {
        assert_eq!(gateway.get("/").await.text(), "alive");
    }
    gateway.metrics_with("tollgate_requests_total", &[("route", "new")], 4.0).await;
    assert!((refused(&gateway.metrics().await) - before).abs() < 0.5, "the dead target was tried again");
}
