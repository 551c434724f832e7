//! Plugins and request bodies.

use tollgate_tests::{Config, Upstream, config, request};

use super::{script, start, with_p};

const SEES_THE_BODY: &str = r#"request = ["need-body 1000"], body = ["respond-body"]"#;

#[tokio::test]
async fn a_plugin_that_needs_the_body_gets_it_whole() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &script(SEES_THE_BODY))).await;
    assert_eq!(gateway.post("/p", "hello").await.text(), "hello");
    let mut client = gateway.raw().await;
    client.write("POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await;
    client.write("3\r\ntwo\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "onetwo");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_body_longer_than_the_plugin_takes_is_refused() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &script(SEES_THE_BODY))).await;
    assert_eq!(gateway.send(request("POST", "/p", "x".repeat(1000))).await.status, 200);
    for framing in ["content-length: 1001\r\n\r\n", "transfer-encoding: chunked\r\n\r\n3e9\r\n"] {
        let mut client = gateway.raw().await;
        client.write(format!("POST /p HTTP/1.1\r\nhost: a\r\n{framing}{}", "x".repeat(1001))).await;
        assert_eq!(client.answer().await.status, 413, "{framing}");
    }
}

#[tokio::test]
async fn a_plugin_whose_client_sent_too_much_still_sees_the_answer_out() {
    let upstream = Upstream::echoing().await;
    let settings = script(r#"request = ["need-body 10"], response = ["set x-out 1"]"#);
    let gateway = start(&with_p(&upstream, &settings)).await;
    let answer = gateway.send(request("POST", "/p", "x".repeat(11))).await;
    assert_eq!((answer.status, answer.header("x-out")), (413, "1"));
}

#[tokio::test]
async fn the_operator_caps_what_a_plugin_may_ask_for() {
    let upstream = Upstream::echoing().await;
    let settings =
        script(r#"request = ["need-body 4000000000"], body = ["respond 200 seen"]"#) + "\nlimits = { body = \"1KiB\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.send(request("POST", "/p", "x".repeat(1024))).await.text(), "seen");
    assert_eq!(gateway.send(request("POST", "/p", "x".repeat(1025))).await.status, 413);
}

#[tokio::test]
async fn a_body_that_was_looked_at_goes_on_to_the_upstream() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &script(r#"request = ["need-body 1000"], body = ["set x-seen 1"]"#))).await;
    assert_eq!(gateway.post("/p", "hello").await.text(), "hello");
    let seen = upstream.last();
    assert_eq!((seen.header("x-seen"), seen.header("content-length")), ("1", "5"));
}

#[tokio::test]
async fn a_body_can_be_replaced_before_and_after_it_was_read() {
    let upstream = Upstream::echoing().await;
    for (config, expected) in [
        (r#"request = ["set-body another"]"#, "another"),
        (r#"request = ["need-body 1000"], body = ["reverse-body"]"#, "olleh"),
    ] {
        let gateway = start(&with_p(&upstream, &script(config))).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            assert_eq!(client.send(request("POST", "/p", "hello")).await.text(), expected, "{config}");
            assert_eq!(upstream.last().header("content-length"), expected.len().to_string());
        }
    }
}

#[tokio::test]
async fn two_plugins_that_read_the_body_both_get_it_and_the_second_sees_what_the_first_made_of_it() {
    let upstream = Upstream::echoing().await;
    for (first, seen, expected) in [("reverse-body", "olleh", "hello"), ("log looked", "hello", "olleh")] {
        let settings = |step: &str| script(&format!(r#"request = ["need-body 1000"], body = ["{step}"]"#));
        let chain = |second: &str| {
            config()
                .upstream("web", [&upstream])
                .plugin("a", &settings(first))
                .plugin("b", &settings(second))
                .route_with("/p", "web", "plugins = [\"a\", \"b\"]")
        };
        let gateway = start(&chain("respond-body")).await;
        assert_eq!(gateway.post("/p", "hello").await.text(), seen, "{first}: what the second plugin saw");
        let gateway = start(&chain("reverse-body")).await;
        assert_eq!(gateway.post("/p", "hello").await.text(), expected, "{first}: what the upstream got");
    }
}

#[tokio::test]
async fn a_request_without_a_body_has_an_empty_one() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &script(SEES_THE_BODY))).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.text()), (200, ""));
}

#[tokio::test]
async fn a_refused_body_does_not_become_the_next_request() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &script(r#"request = ["respond 403 no"]"#))).await;
    let body = "GET /healthy HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut client = gateway.raw().await;
    client.write(format!("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!(client.answer().await.status, 403);
    // Whether the connection is kept or not, what comes next is an answer to what is asked next.
    client.write("GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let rest = client.read_to_end().await;
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 404"), "{rest}");
    assert!(upstream.seen().is_empty());
}

/// A route that has only so long.
fn with_time(upstream: &Upstream, time: &str, settings: &str) -> Config {
    let route = format!("plugins = [\"p\"]\ntimeout = \"{time}\"");
    config().workers(1).upstream("web", [upstream]).plugin("p", settings).route_with("/p", "web", &route)
}

#[tokio::test]
async fn a_body_a_plugin_waits_for_takes_no_longer_than_the_route_may() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_time(&upstream, "400ms", &script(SEES_THE_BODY))).await;
    let mut client = gateway.raw().await;
    client.write("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (504, "close"));
    assert_eq!(answer.json()["error"], "timeout");
    client.read_to_end().await;
    assert_eq!(gateway.access_line("/p").await["error"]["kind"], "timeout");
}

#[tokio::test]
async fn when_plugins_have_used_up_the_routes_time_the_upstream_is_not_asked_nor_blamed() {
    let upstream = Upstream::echoing().await;
    let settings = script(r#"request = ["spin"]"#) + "\non_error = \"skip\"\nlimits = { cpu = \"400ms\" }";
    let gateway = start(&with_time(&upstream, "200ms", &settings)).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.json()["error"], "timeout");
    assert!(upstream.seen().is_empty() && upstream.connections() == 0);
    let failures = gateway.metrics().await.sum("tollgate_upstream_failures_total", &[]);
    assert!(failures < 0.5, "{failures}");
}
