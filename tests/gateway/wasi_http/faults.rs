//! What goes wrong with such a component: each costs one request, is told to the operator, and says nothing
//! to the client.

use tollgate_tests::{Gateway, Upstream, request};

use super::{faults, site, start};

/// A request that gets no answer, and the operator's line that says why.
async fn fails(gateway: &Gateway, path: &str, words: &str, reason: &str) {
    let before = faults(gateway, reason).await;
    let answer = gateway.get(path).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")), "{path}");
    let line = gateway.log().line_with(words).await;
    assert!(line.contains("\"plugin\":\"site\"") && line.contains("\"hook\":\"handle\""), "{line}");
    assert!((faults(gateway, reason).await - before - 1.0).abs() < 0.5, "{path}: {reason}");
    let line = gateway.access_line(path).await;
    assert_eq!(line["error"]["owner"], "site", "{line}");
}

#[tokio::test]
async fn a_trap_no_answer_and_an_error_in_its_place_cost_one_request_each() {
    let gateway = start(&site("")).await;
    fails(&gateway, "/site/trap", "trapped: ", "trap").await;
    fails(&gateway, "/site/silent", "without setting it", "answer").await;
    fails(&gateway, "/site/nothing?5", "its head announces 5 bytes, and it has no body", "answer").await;
    fails(&gateway, "/site/refuse", "it set an error instead: ErrorCode::ConfigurationError", "answer").await;
    assert_eq!(gateway.get("/site/hello").await.text(), "hello");
}

#[tokio::test]
async fn one_that_spins_and_one_that_sleeps_are_stopped() {
    let gateway = start(&site("limits = { cpu = \"200ms\", wall = \"500ms\" }")).await;
    fails(&gateway, "/site/sleep", "took longer than limits.wall", "wall").await;
    let gateway = start(&site("limits = { cpu = \"200ms\" }")).await;
    fails(&gateway, "/site/spin", "used more CPU time than limits.cpu", "cpu").await;
    assert_eq!(gateway.get("/site/hello").await.text(), "hello");
    let cpu =
        gateway.metrics().await.sum("tollgate_plugin_cpu_seconds_total", &[("plugin", "site"), ("hook", "handle")]);
    assert!((0.15..1.0).contains(&cpu), "{cpu} s");
}

#[tokio::test]
async fn a_route_whose_time_is_over_says_so() {
    let config = site("").to_string().replace("plugins = [\"site\"]", "plugins = [\"site\"]\ntimeout = \"300ms\"");
    let gateway = super::prepare(&site("")).file("tollgate.toml", config).start().await;
    let answer = gateway.get("/site/sleep").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (504, Some("timeout")));
    gateway.log().line_with("was not done by the route's timeout").await;
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_connection_and_is_never_taken_for_a_whole_one() {
    let gateway = start(&site("limits = { wall = \"500ms\" }")).await;
    for (path, words) in [
        ("/site/halfway", "trapped: "),
        ("/site/short", "broke off the body of its answer"),
        ("/site/stuck", "took longer than limits.wall"),
    ] {
        let mut client = gateway.raw().await;
        client.write(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let read = client.read_to_end().await;
        // Nothing at all, where the head is still on its way out.
        let has_begun = read.is_empty() || read.starts_with("HTTP/1.1 200 OK\r\n");
        assert!(has_begun && !read.ends_with("0\r\n\r\n"), "{path}: {read}");
        let line = gateway.log().line_with(words).await;
        assert!(line.contains("\"plugin\":\"site\""), "{line}");
        let line = gateway.access_line(path).await;
        assert_eq!(
            (&line["error"]["owner"], &line["error"]["kind"]),
            (&"site".into(), &"policy-failed".into()),
            "{line}"
        );
    }
    assert_eq!(gateway.get("/site/hello").await.text(), "hello");
}

#[tokio::test]
async fn one_that_goes_on_after_its_answer_is_stopped_in_time_and_costs_nobody_anything() {
    let gateway = start(&site("limits = { wall = \"500ms\" }")).await;
    let mut client = gateway.connect().await;
    assert_eq!(client.get("/site/afterwards").await.text(), "done");
    assert_eq!(client.get("/site/hello").await.text(), "hello");
    let line = gateway.log().line_with("took longer than limits.wall").await;
    assert!(line.contains("\"answered\":true"), "{line}");
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "site")], 0.0).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_stops_it() {
    let other = Upstream::hanging().await;
    let gateway = start(&site(&format!("grant = {{ http = [\"{other}\"] }}"))).await;
    let mut client = gateway.raw().await;
    client.write(format!("GET /site/fetch?{other}/x HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    // It runs for sure, and waits. That there is an instance would not say so.
    other.open(1).await;
    drop(client);
    let line = gateway.log().line_with("plugin was stopped: the client is gone").await;
    assert!(line.contains("\"plugin\":\"site\""), "{line}");
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "site")], 0.0).await;
}

#[tokio::test]
async fn a_body_longer_than_the_route_takes_is_the_clients_fault() {
    let gateway = start(&site("").limit("body = \"1KiB\"")).await;
    let mut client = gateway.raw().await;
    client.write("POST /site/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n").await;
    client.write(vec![b'a'; 5000]).await;
    // The head of its answer was out already.
    let read = client.read_to_end().await;
    assert!(!read.ends_with("0\r\n\r\n"), "{read}");
    let line = gateway.access_line("/site/echo").await;
    assert_eq!(
        (&line["error"]["owner"], &line["error"]["kind"]),
        (&"client".into(), &"body-too-large".into()),
        "{line}"
    );
    assert!(faults(&gateway, "trap").await < 0.5, "a client could make a plugin look bad");
}

#[tokio::test]
async fn all_instances_busy_and_the_queue_full_means_come_again() {
    let gateway = start(&site("limits = { instances = 1, queue = 0, wall = \"20s\" }")).await;
    let mut holds = gateway.raw().await;
    holds.write("GET /site/sleep HTTP/1.1\r\nhost: a\r\n\r\n").await;
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "site")], 1.0).await;
    let answer = gateway.send(request("GET", "/site/hello", "")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}
