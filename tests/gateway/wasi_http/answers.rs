//! What such a component is asked, and what becomes of its answers.

use std::time::Duration;

use tollgate_tests::{Gateway, config, guests, request};

use super::{prepare, site, start, table};

#[tokio::test]
async fn its_status_its_fields_and_its_body_go_to_the_client() {
    let gateway = start(&site("")).await;
    let answer = gateway.get("/site/hello").await;
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert_eq!((answer.header("content-type"), answer.header("x-answered-by")), ("text/plain", "guest"));
    assert_eq!(gateway.get("/site/teapot").await.status, 418);
    let line = gateway.access_line("/site/teapot").await;
    assert!(line["source"] == "plugin site" && line["aborted"] != true, "{line}");
    let labels = [("plugin", "site"), ("route", "/site/{*rest}"), ("hook", "handle"), ("verdict", "respond")];
    gateway.metrics_with("tollgate_plugin_calls_total", &labels, 2.0).await;
}

#[tokio::test]
async fn it_sees_the_request_as_an_upstream_would() {
    let config = config()
        .plugin("site", &table(""))
        .route_without_upstream("/site/{*rest}", "plugins = [\"site\"]\nstrip_prefix = \"/site\"");
    let gateway = start(&config).await;
    let mut asked = request("PATCH", "/site/head?a=b", "{}");
    asked.headers_mut().insert("host", "shop.example:8080".parse().unwrap());
    asked.headers_mut().insert("x-mine", "1".parse().unwrap());
    let answer = gateway.send(asked).await;
    let lines: Vec<&str> = answer.text().lines().collect();
    assert_eq!(lines[0], "Method::Patch Scheme::Http shop.example:8080 /head?a=b");
    for field in ["x-mine: 1", "content-length: 2", "x-forwarded-for: 127.0.0.1", "x-forwarded-host: shop.example:8080"]
    {
        assert!(lines.contains(&field), "{field}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_body_of_many_mebibytes_passes_both_ways_with_flat_memory() {
    const MIB: usize = 1 << 20;
    const SIZE: usize = 16 * MIB;
    let gateway = start(&site("limits = { cpu = \"60s\" }").limit("body = \"64MiB\"")).await;
    gateway.get("/site/hello").await;
    let before = gateway.peak_memory_from_now_on();
    let mut client = gateway.raw().await;
    client.write(format!("POST /site/echo HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    client.write(vec![b'a'; 1000]).await;
    client.read_until("\r\n\r\n").await;
    // What was sent comes back while most is still to be sent.
    let mut echoed = 0;
    while echoed < 1000 {
        echoed += chunk(&mut client).await;
    }
    let mut sent = 1000;
    while echoed < SIZE {
        // Never more at once than the kernel holds for both sides.
        while sent < SIZE && sent - echoed < 128 << 10 {
            let piece = (SIZE - sent).min(64 << 10);
            client.write(vec![b'a'; piece]).await;
            sent += piece;
        }
        echoed += chunk(&mut client).await;
    }
    assert_eq!((echoed, chunk(&mut client).await), (SIZE, 0));
    let grown = gateway.peak_memory() - before;
    assert!(grown < SIZE as u64 / 2, "it took {} MiB more", grown >> 20);
}

/// The length of the next chunk of the answer.
async fn chunk(client: &mut tollgate_tests::Raw) -> usize {
    let size = client.read_until("\r\n").await;
    let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
    let chunk = client.exactly(size + 2).await;
    assert!(chunk[..size].iter().all(|byte| *byte == b'a'));
    size
}

#[tokio::test]
async fn an_answer_may_be_empty() {
    let gateway = start(&site("")).await;
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        let answer = client.get("/site/nothing?0").await;
        assert_eq!((answer.status, answer.header("content-length"), answer.text()), (200, "0", ""));
    }
}

#[tokio::test]
async fn each_request_has_an_instance_of_its_own() {
    let gateway = start(&site("")).await;
    for _ in 0..5 {
        gateway.get("/site/hello").await;
    }
    let metrics = gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "site")], 0.0).await;
    assert!((metrics.sum("tollgate_plugin_instances_created_total", &[("plugin", "site")]) - 5.0).abs() < 0.5);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_and_is_no_fault() {
    let gateway = start(&site("")).await;
    let mut client = gateway.connect().await;
    let answer = client.send(request("HEAD", "/site/hello", "")).await;
    assert_eq!((answer.status, answer.text(), answer.header("x-answered-by")), (200, "", "guest"));
    assert_eq!(client.get("/site/hello").await.text(), "hello");
    let metrics = gateway.metrics_with("tollgate_plugin_calls_total", &[("verdict", "respond")], 2.0).await;
    assert!(metrics.sum("tollgate_plugin_errors_total", &[]) < 0.5);
}

const JWT: &str = "use = \"jwt-auth\"\nconfig = { issuer = \"https://issuer.example\" }\n\
                   keys.hmac = { algorithm = \"HS256\", value = \"a secret of thirty-two bytes, or more\" }";

#[tokio::test]
async fn plugins_in_front_refuse_for_it_and_see_its_answers() {
    let config = config()
        .plugin("jwt", JWT)
        .table("[plugins.headers.config.response]\nset = { x-frame-options = \"DENY\" }\nremove = [\"x-answered-by\"]")
        .plugin("site", &table(""))
        .route_without_upstream("/site/{*rest}", "plugins = [\"headers\", \"site\"]")
        .route_without_upstream("/closed/{*rest}", "plugins = [\"headers\", \"jwt\", \"site\"]");
    let gateway = start(&config).await;
    let answer = gateway.get("/site/hello").await;
    assert_eq!(
        (answer.text(), answer.header("x-frame-options"), answer.header("x-answered-by")),
        ("hello", "DENY", "")
    );
    let answer = gateway.get("/closed/hello").await;
    assert_eq!((answer.status, answer.header("x-frame-options")), (401, "DENY"));
    let metrics = gateway.metrics().await;
    assert!(metrics.sum("tollgate_plugin_calls_total", &[("plugin", "site"), ("route", "/closed/{*rest}")]) < 0.5);
}

#[tokio::test]
async fn a_cache_in_front_stores_its_answers() {
    let config = config()
        .workers(1)
        .table("[plugins.fresh.config.response]\nset = { cache-control = \"max-age=60\" }")
        .table("[plugins.cache]")
        .plugin("site", &table(""))
        .route_without_upstream("/site/{*rest}", "plugins = [\"cache\", \"fresh\", \"site\"]");
    let config = config
        .to_string()
        .replace("[plugins.fresh.config", "[plugins.fresh]\nuse = \"headers\"\n[plugins.fresh.config");
    let prepared = prepare(&site("")).file("tollgate.toml", config);
    let gateway = prepared.start().await;
    for _ in 0..3 {
        assert_eq!(gateway.get("/site/hello").await.text(), "hello");
    }
    gateway.metrics_with("tollgate_plugin_calls_total", &[("plugin", "site")], 1.0).await;
}

#[tokio::test]
async fn another_version_of_it_is_taken_up_while_it_serves() {
    let gateway = start(&site("")).await;
    let mut old = gateway.raw().await;
    old.write("GET /site/stuck HTTP/1.1\r\nhost: a\r\n\r\n").await;
    old.read_until("the first half").await;
    let before = gateway.reloads();
    // The same behaviour with other bytes: a custom section.
    let mut next = guests::answering().to_vec();
    next.extend([0, 3, 1, b'v', 1]);
    gateway.replace("plugins/site.wasm", next);
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/site/hello").await.text(), "hello");
    gateway.metrics_with("tollgate_components", &[], 2.0).await;
    drop(old);
    gateway.metrics_with("tollgate_components", &[], 1.0).await;
}

#[tokio::test]
async fn a_slow_client_is_not_its_fault() {
    let gateway: Gateway = start(&site("limits = { wall = \"300ms\", cpu = \"30s\" }")).await;
    let mut client = gateway.raw().await;
    client.write("GET /site/endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // More than the kernel holds for both sides.
    client.exactly(20 << 20).await;
    drop(client);
    gateway.log().line_with("the client is gone").await;
    let metrics = gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "site")], 0.0).await;
    assert!(metrics.sum("tollgate_plugin_errors_total", &[]) < 0.5);
}
