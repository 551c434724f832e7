//! What the gateway says of itself: access lines, metrics, health.

use std::time::Duration;

use tollgate_tests::{Gateway, Upstream, config, request};

async fn gateway_to(upstream: &Upstream) -> Gateway {
    let config = config().upstream("web", [upstream]).route_with("/{*rest}", "web", "name = \"all\"");
    Gateway::start(&config).await
}

#[tokio::test]
async fn each_request_is_one_access_line_with_all_there_is_to_know() {
    let upstream = Upstream::slow(Duration::from_millis(50), "hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut asked = request("POST", "/a?b=c", "12345678");
    asked.headers_mut().insert("host", "shop.example".parse().unwrap());
    gateway.send(asked).await;
    let line = gateway.access_line("/a?b=c").await;
    let expected = [
        ("client", "127.0.0.1".into()),
        ("method", "POST".into()),
        ("host", "shop.example".into()),
        ("protocol", "HTTP/1.1".into()),
        ("route", "all".into()),
        ("upstream", "web".into()),
        ("target", format!("127.0.0.1:{}", upstream.port).into()),
        ("status", serde_json::json!(200)),
        ("bytes_in", serde_json::json!(8)),
        ("bytes_out", serde_json::json!(5)),
        ("source", "upstream".into()),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["id"], upstream.last().header("x-request-id"));
    let (total, behind) = (line["duration_ms"].as_f64().unwrap(), line["upstream_ms"].as_f64().unwrap());
    assert!((50.0..20_000.0).contains(&behind) && total >= behind, "{line}");
    assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    assert!(line.get("error").is_none() && line.get("aborted").is_none(), "{line}");
}

#[tokio::test]
async fn there_are_as_many_lines_as_requests_and_each_has_an_id_of_its_own() {
    let upstream = Upstream::answering("").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.connect().await;
    for number in 0..50 {
        client.get(&format!("/{number}")).await;
    }
    gateway.get("/last").await;
    gateway.access_line("/last").await;
    let lines = gateway.access_lines(51).await;
    let ids: std::collections::BTreeSet<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (51, 51));
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let upstream = Upstream::echoing().await;
    let config = config().upstream("web", [&upstream]).route_with("/a", "web", "name = \"a\"\nmethods = [\"POST\"]");
    let gateway = Gateway::start(&config).await;
    for _ in 0..3 {
        gateway.post("/a", "12345").await;
    }
    gateway.get("/nowhere").await;
    let metrics = gateway.metrics_with("tollgate_requests_total", &[], 4.0).await;
    let whole = |name: &str, labels: &[(&str, &str)]| metrics.sum(name, labels).round();
    let counted = [
        ("tollgate_requests_total", [("route", "a"), ("status", "200")], 3.0),
        ("tollgate_requests_total", [("route", ""), ("status", "404")], 1.0),
    ];
    for (name, labels, value) in counted {
        assert!((whole(name, &labels) - value).abs() < 0.5, "{name}{labels:?} is {}", whole(name, &labels));
    }
    let of_the_route = [
        ("tollgate_request_bytes_total", 15.0),
        ("tollgate_response_bytes_total", 15.0),
        ("tollgate_request_duration_seconds_count", 3.0),
    ];
    for (name, value) in of_the_route {
        assert!((whole(name, &[("route", "a")]) - value).abs() < 0.5, "{name} is {}", whole(name, &[("route", "a")]));
    }
    assert!((whole("tollgate_upstream_requests_total", &[("upstream", "web")]) - 3.0).abs() < 0.5);
    assert!((whole("tollgate_connections_total", &[]) - 4.0).abs() < 0.5);
    assert!(metrics.has("tollgate_build_info", &[]) && metrics.has("tollgate_snapshots", &[]));
}

#[tokio::test]
async fn bytes_that_cross_into_and_out_of_a_plugin_are_counted() {
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .upstream("web", [&upstream])
        .plugin("p", "use = \"headers\"\nconfig = { request = { set = { x-a = \"bcd\" } } }")
        .route_with("/a", "web", "name = \"a\"\nplugins = [\"p\"]");
    let gateway = Gateway::start(&config).await;
    for _ in 0..3 {
        gateway.get("/a").await;
    }
    // Of each request the name and the value: nothing else is told to the plugin, or by it.
    let hook = [("plugin", "p"), ("route", "a"), ("hook", "on-request")];
    gateway.metrics_with("tollgate_plugin_copied_bytes_total", &hook, 18.0).await;
}

#[tokio::test]
async fn health_is_told_to_whoever_asks() {
    let upstream = Upstream::answering("").await;
    let gateway = gateway_to(&upstream).await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(gateway.admin(path).await.status, 200, "{path}");
    }
    let status = gateway.admin("/api/status").await;
    assert!(status.json().is_object() && status.text().contains("\"web\""), "{}", status.text());
    assert_eq!(gateway.admin("/nothing").await.status, 404);
    assert_eq!(gateway.get("/livez").await.text(), "", "clients are not answered by the admin's pages");
}

#[tokio::test]
async fn the_access_log_may_be_a_file_that_is_opened_again() {
    let upstream = Upstream::answering("").await;
    let config = config().table("[log]\naccess = \"access.log\"").upstream("web", [&upstream]).route("/{*rest}", "web");
    let gateway = Gateway::start(&config).await;
    let written = |file: &str| std::fs::read_to_string(gateway.path(file)).unwrap_or_default();
    gateway.get("/before").await;
    tollgate_tests::until("the first line", || written("access.log").contains("/before").then_some(())).await;
    std::fs::rename(gateway.path("access.log"), gateway.path("access.log.1")).unwrap();
    gateway.signal("USR1");
    tollgate_tests::until("the new file", || gateway.path("access.log").exists().then_some(())).await;
    gateway.get("/after").await;
    tollgate_tests::until("the second line", || written("access.log").contains("/after").then_some(())).await;
    assert!(!written("access.log.1").contains("/after"));
}
