//! `metrics`: numbers of a plugin's own.

use tollgate_tests::config;

use super::{answering, script, start};

const HITS: &str = "tollgate_plugin_custom_hits_total";
const DROPPED: &str = "tollgate_plugin_metrics_dropped_total";

#[tokio::test]
async fn counters_gauges_and_histograms_appear_with_their_labels_and_the_plugins_name() {
    let asks = r#"ask = "buckets size_bytes 10 100", request = [
        "ask counter hits_total 2 kind=a", "ask gauge depth 7", "ask gauge-by depth -2",
        "ask histogram size_bytes 50", "tell counter hits_total 1.5 kind=a"]"#
        .replace('\n', " ");
    let gateway = start(&answering(&asks, "grant = { metrics = [\"hits_total\", \"depth\", \"size_bytes\"] }")).await;
    for _ in 0..2 {
        assert_eq!(gateway.get("/p").await.text(), "done");
    }
    let metrics = gateway.metrics().await;
    let is = |name: &str, labels: &[(&str, &str)], value: f64| {
        let found = metrics.sum(name, labels);
        assert!((found - value).abs() < 1e-9, "{name}{labels:?} is {found}");
    };
    is(HITS, &[("plugin", "p"), ("kind", "a")], 7.0);
    // Two requests: each sets it to 7 and takes 2 away.
    is("tollgate_plugin_custom_depth", &[("plugin", "p")], 5.0);
    is("tollgate_plugin_custom_size_bytes_bucket", &[("plugin", "p"), ("le", "10")], 0.0);
    is("tollgate_plugin_custom_size_bytes_bucket", &[("plugin", "p"), ("le", "100")], 2.0);
    is("tollgate_plugin_custom_size_bytes_sum", &[("plugin", "p")], 100.0);
    is("tollgate_plugin_custom_size_bytes_count", &[("plugin", "p")], 2.0);
}

#[tokio::test]
async fn what_all_workers_count_adds_up_and_survives_a_reload() {
    let plugin = script("request = [\"tell counter hits_total 1\"]") + "\ngrant = { metrics = [\"hits_total\"] }";
    let config = config().workers(4).plugin("p", &plugin).route_without_upstream("/p", "plugins = [\"p\"]");
    let gateway = start(&config).await;
    // Each connection is another worker's.
    for _ in 0..12 {
        assert_eq!(gateway.get("/p").await.text(), "done");
    }
    gateway.reload(&config.clone().table("[plugins.p.limits]\nuses = 99")).await;
    for _ in 0..12 {
        assert_eq!(gateway.get("/p").await.text(), "done");
    }
    gateway.metrics_with(HITS, &[("plugin", "p")], 24.0).await;
}

#[tokio::test]
async fn a_metric_that_is_not_granted_is_denied_and_not_there() {
    let gateway =
        start(&answering("request = [\"tell counter hits_total 1\"]", "grant = { metrics = [\"other\"] }")).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.text(), "not granted: [plugins.p] grant.metrics has no \"hits_total\"");
    assert!(!gateway.metrics().await.has(HITS, &[]));
}

#[tokio::test]
async fn series_and_updates_beyond_the_limits_are_dropped_and_counted() {
    let asks = r#"request = ["ask counter hits_total 1 n=1", "ask counter hits_total 1 n=2", "tell counter hits_total 1 n=3"]"#;
    let grant = "grant = { metrics = [\"hits_total\"] }\n";
    let gateway = start(&answering(asks, &format!("{grant}limits = {{ metric_series = 2 }}"))).await;
    assert!(gateway.get("/p").await.text().contains("limits.metric_series"));
    let metrics = gateway.metrics_with(DROPPED, &[("plugin", "p"), ("reason", "series")], 1.0).await;
    assert!((metrics.sum(HITS, &[]) - 2.0).abs() < 1e-9);

    // Without a clock in the test there is one limit that holds in any second: none at all.
    let gateway = start(&answering(asks, &format!("{grant}limits = {{ metric_updates = 0 }}"))).await;
    assert!(gateway.get("/p").await.text().contains("limits.metric_updates"));
    gateway.metrics_with(DROPPED, &[("plugin", "p"), ("reason", "updates")], 3.0).await;
}

#[tokio::test]
async fn what_is_not_legal_is_an_error_the_plugin_sees() {
    for (ask, told) in [
        ("counter hits_total -1", "less than 0"),
        ("gauge hits_total nan", "not a finite number"),
        ("counter hits_total 1 plugin=q", "not the plugin's to set"),
        ("counter hits_total 1 a-b=c", "cannot be the name of a label"),
        ("counter hits_total 1 a=b a=c", "given twice"),
    ] {
        let asks = format!("request = [\"tell {ask}\"]");
        let gateway = start(&answering(&asks, "grant = { metrics = [\"hits_total\"] }")).await;
        let answer = gateway.get("/p").await;
        assert!(answer.text().contains(told), "{ask}: {}", answer.text());
        assert!(!gateway.metrics().await.has(HITS, &[]), "{ask}");
    }
}

#[tokio::test]
async fn a_new_config_may_make_another_kind_of_a_metric_and_ungrant_it() {
    let first = answering("request = [\"tell counter hits_total 1\"]", "grant = { metrics = [\"hits_total\"] }");
    let gateway = start(&first).await;
    assert_eq!(gateway.get("/p").await.text(), "done");
    let grant = "grant = { metrics = [\"hits_total\"] }";
    gateway.reload(&answering("request = [\"tell gauge hits_total 9\"]", grant)).await;
    assert_eq!(gateway.get("/p").await.text(), "done");
    gateway.metrics_with(HITS, &[("plugin", "p")], 9.0).await;
    gateway.reload(&answering("request = [\"respond 200 ok\"]", "")).await;
    assert!(!gateway.metrics().await.has(HITS, &[]));
}

#[tokio::test]
async fn no_number_changes_in_configure() {
    let config =
        answering("ask = \"gauge depth 1\", request = [\"respond 200 ok\"]", "grant = { metrics = [\"depth\"] }");
    let said = tollgate_tests::Gateway::with(&config)
        .plugin("scripted", tollgate_tests::guests::scripted())
        .start_fails()
        .await;
    assert!(said.contains("metrics.set-gauge") && said.contains("configure"), "{said}");
}
