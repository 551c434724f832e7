//! Plugins and response bodies, read whole.

use tokio::sync::watch;
use tollgate_tests::{Config, Gateway, Upstream, config, request};

use super::{faults, script, start, with_p};

const SEES_THE_BODY: &str = r#"response = ["need-body 1000"], response_body = ["show-body x-seen"]"#;
const REVERSES_IT: &str = r#"response = ["need-body 1000"], response_body = ["reverse-body"]"#;

/// Answers each request with these bytes, and keeps the connection where they tell their length.
async fn upstream_writing(answer: &'static str) -> Upstream {
    Upstream::scripted(move |mut wire| async move {
        while wire.head().await.is_some() {
            wire.write(answer).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_plugin_that_needs_the_response_body_gets_it_whole_and_it_goes_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nonetwo",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-trailer: dropped\r\n\r\n",
    ] {
        let upstream = upstream_writing(answer).await;
        let gateway = start(&with_p(&upstream, &script(SEES_THE_BODY))).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            let answer = client.get("/p").await;
            assert_eq!((answer.status, answer.header("x-seen"), answer.text()), (200, "onetwo", "onetwo"));
            assert_eq!(answer.header("content-length"), "6");
        }
        assert_eq!(upstream.connections(), 1, "a body that was read leaves its connection usable");
    }
}

#[tokio::test]
async fn a_response_body_can_be_replaced_after_it_was_read_and_without_reading_it() {
    let upstream = upstream_writing(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-digest: sha-256=:x:\r\netag: \"e\"\r\n\r\nhello",
    )
    .await;
    for (config, expected) in [(REVERSES_IT, "olleh"), (r#"response = ["set-body other"]"#, "other")] {
        let gateway = start(&with_p(&upstream, &script(config))).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            let answer = client.get("/p").await;
            assert_eq!((answer.text(), answer.header("content-length")), (expected, "5"), "{config}");
            assert!(!answer.headers.contains_key("content-digest"), "it told about the other body");
            assert_eq!(answer.header("etag"), "\"e\"", "this is the plugin's to change");
        }
    }
}

#[tokio::test]
async fn a_longer_and_a_shorter_body_have_their_own_length() {
    let upstream = Upstream::answering("hello").await;
    for body in ["", "much longer than it was"] {
        let settings = script(&format!(r#"response = ["need-body 9"], response_body = ["set-body {body}"]"#));
        let gateway = start(&with_p(&upstream, &settings)).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            let answer = client.get("/p").await;
            assert_eq!((answer.text(), answer.header("content-length")), (body, &*body.len().to_string()));
        }
    }
}

#[tokio::test]
async fn two_plugins_that_need_the_response_body_do_not_break_each_other() {
    let upstream = Upstream::answering("hello").await;
    // On the way out the last one of the chain is the first.
    for (last, seen, expected) in [("reverse-body", "olleh", "hello"), ("log looked", "hello", "olleh")] {
        let settings = |steps: &str| script(&format!(r#"response = ["need-body 1000"], response_body = [{steps}]"#));
        let config = config()
            .upstream("web", [&upstream])
            .plugin("a", &settings(r#""show-body x-seen", "reverse-body""#))
            .plugin("b", &settings(&format!("\"{last}\"")))
            .route_with("/p", "web", "plugins = [\"a\", \"b\"]");
        let answer = start(&config).await.get("/p").await;
        assert_eq!((answer.header("x-seen"), answer.text()), (seen, expected), "{last}");
    }
}

#[tokio::test]
async fn a_body_that_is_replaced_by_an_answer_of_the_plugins_own_is_gone() {
    let upstream = Upstream::answering("secret").await;
    let settings = script(r#"response = ["need-body 1000"], response_body = ["respond 451 no"]"#);
    let gateway = start(&with_p(&upstream, &settings)).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.text()), (451, "no"));
}

#[tokio::test]
async fn an_encoded_body_arrives_as_the_upstream_sent_it() {
    let upstream = Upstream::handling(|_| {
        http::Response::builder().header("content-encoding", "gzip").body("\u{1f}gz".into()).unwrap()
    })
    .await;
    let gateway = start(&with_p(&upstream, &script(REVERSES_IT))).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.text(), answer.header("content-encoding")), ("zg\u{1f}", "gzip"));
}

const TOO_LONG: [&str; 2] = [
    "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
];

#[tokio::test]
async fn a_body_longer_than_the_plugin_takes_is_the_plugins_fault_and_fails_closed() {
    for sent in TOO_LONG {
        let upstream = upstream_writing(sent).await;
        let gateway = start(&with_p(&upstream, &script(r#"response = ["need-body 10"]"#))).await;
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("response-too-large")), "{sent}");
        assert!(!answer.text().contains("hello") && !answer.text().contains("scripted"), "{}", answer.text());
        let line = gateway.access_line("/p").await;
        assert_eq!((&line["error"]["owner"], &line["plugins"][2]["verdict"]), (&"p".into(), &"error".into()), "{line}");
        assert!((faults(&gateway, "body").await - 1.0).abs() < 0.5);
        gateway.log().line_with("limits.body").await;
    }
}

#[tokio::test]
async fn where_the_operator_skips_faults_a_body_that_is_too_long_goes_out_whole() {
    for sent in TOO_LONG {
        let upstream = upstream_writing(sent).await;
        let settings = script(r#"response = ["need-body 10"], response_body = ["trap"]"#) + "\non_error = \"skip\"";
        let gateway = start(&with_p(&upstream, &settings)).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            assert_eq!(client.get("/p").await.text(), "hello world", "{sent}");
        }
        assert_eq!(upstream.connections(), 1, "{sent}");
        assert_eq!(gateway.access_lines(2).await[0]["plugins"][2]["verdict"], "skipped");
    }
}

#[tokio::test]
async fn the_operator_caps_the_response_body_a_plugin_may_ask_for_and_set() {
    let upstream = Upstream::echoing().await;
    let limits = "\nlimits = { body = \"1KiB\" }";
    let settings = script(r#"response = ["need-body 4000000000"]"#) + limits;
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.send(request("POST", "/p", "x".repeat(1024))).await.status, 200);
    assert_eq!(gateway.send(request("POST", "/p", "x".repeat(1025))).await.status, 502);
    let settings = script(&format!(r#"response = ["set-body {}"]"#, "x".repeat(1025))) + limits;
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.get("/p").await.status, 500);
    gateway.log().line_with("`response.set-body` with 1025 bytes").await;
}

#[tokio::test]
async fn a_fault_after_the_body_was_read_fails_closed_and_skipped_loses_nothing() {
    let upstream = Upstream::answering("secret").await;
    let settings = script(r#"response = ["need-body 1000"], response_body = ["trap"]"#);
    let gateway = start(&with_p(&upstream, &settings)).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("secret"));
    let gateway = start(&with_p(&upstream, &(settings + "\non_error = \"skip\""))).await;
    assert_eq!(gateway.get("/p").await.text(), "secret");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_to_blame_and_cannot_be_skipped() {
    for sent in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let upstream = Upstream::scripted(move |mut wire| async move {
            wire.head().await;
            wire.write(sent).await;
        })
        .await;
        let gateway = start(&with_p(&upstream, &(script(SEES_THE_BODY) + "\non_error = \"skip\""))).await;
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("upstream-broken")), "{sent}");
        assert_eq!(gateway.access_line("/p").await["error"]["owner"], "upstream");
        let failed = gateway.metrics().await.sum("tollgate_upstream_failures_total", &[("reason", "body")]);
        assert!((failed - 1.0).abs() < 0.5, "{failed}");
    }
}

#[tokio::test]
async fn a_response_body_is_waited_for_no_longer_than_the_upstream_and_the_route_may_take() {
    for (idle, route) in [("idle = \"200ms\"", "20s"), ("idle = \"20s\"", "300ms")] {
        let upstream = Upstream::scripted(|mut wire| async move {
            wire.head().await;
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
            wire.closed().await;
        })
        .await;
        let config = config()
            .workers(1)
            .upstream_with("web", [&upstream], &format!("timeouts = {{ {idle} }}"))
            .plugin("p", &script(SEES_THE_BODY))
            .route_with("/p", "web", &format!("plugins = [\"p\"]\ntimeout = \"{route}\""));
        let gateway = start(&config).await;
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (504, Some("upstream-timeout")), "{idle}");
    }
}

#[tokio::test]
async fn what_has_no_body_has_an_empty_one_and_keeps_its_head() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while let Some(head) = wire.head().await {
            let (status, length) = match head.split(' ').next() {
                Some("HEAD") => ("200 OK", "content-length: 1234\r\n"),
                Some("DELETE") => ("204 No Content", ""),
                _ => ("304 Not Modified", ""),
            };
            wire.write(format!("HTTP/1.1 {status}\r\n{length}etag: \"e\"\r\n\r\n")).await;
        }
    })
    .await;
    let gateway = start(&with_p(&upstream, &script(SEES_THE_BODY))).await;
    let mut client = gateway.connect().await;
    for (method, status, length) in [("HEAD", 200, "1234"), ("DELETE", 204, ""), ("GET", 304, "")] {
        let answer = client.send(request(method, "/p", "")).await;
        assert_eq!((answer.status, answer.header("etag"), answer.body.len()), (status, "\"e\"", 0), "{method}");
        assert_eq!((answer.header("x-seen"), answer.headers.contains_key("x-seen")), ("", true), "{method}");
        assert_eq!(answer.header("content-length"), length, "{method}");
    }
    assert_eq!(upstream.connections(), 1);

    let settings = script(r#"response = ["need-body 1000"], response_body = ["set-body other"]"#);
    let gateway = start(&with_p(&upstream, &settings)).await;
    let mut client = gateway.raw().await;
    for (method, status) in [("HEAD", 200), ("DELETE", 204), ("GET", 304), ("HEAD", 200)] {
        client.write(format!("{method} /p HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.headers.contains_key("content-length")), (status, false), "{method}");
        assert!(!answer.headers.contains_key("transfer-encoding"), "{method}");
    }
}

#[tokio::test]
async fn the_gateways_own_error_has_a_body_too() {
    let port = Upstream::refusing_port().await;
    let config = config()
        .upstream("web", [format!("http://127.0.0.1:{port}")])
        .plugin("p", &script(r#"response = ["need-body 1000"], response_body = ["set-body sorry"]"#))
        .route_with("/p", "web", "plugins = [\"p\"]");
    let answer = start(&config).await.get("/p").await;
    assert_eq!((answer.status, answer.text()), (502, "sorry"));
}

/// Sends the first half of an answer, and the rest when it is told to.
async fn upstream_in_two_halves() -> (Upstream, watch::Sender<bool>) {
    let (go_on, wait) = watch::channel(false);
    let upstream = Upstream::scripted(move |mut wire| {
        let mut wait = wait.clone();
        async move {
            while let Some(head) = wire.head().await {
                wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
                if head.contains("x-slow") {
                    wait.wait_for(|go_on| *go_on).await.unwrap();
                }
                wire.write("again").await;
            }
        }
    })
    .await;
    (upstream, go_on)
}

fn one_instance(upstream: &Upstream) -> Config {
    with_p(upstream, &(script(SEES_THE_BODY) + "\nlimits = { instances = 1, queue = 0 }"))
}

#[tokio::test]
async fn no_instance_is_held_while_a_response_body_is_read() {
    let (upstream, go_on) = upstream_in_two_halves().await;
    let gateway: Gateway = start(&one_instance(&upstream)).await;
    let mut slow = gateway.raw().await;
    slow.write("GET /p HTTP/1.1\r\nhost: a\r\nx-slow: 1\r\n\r\n").await;
    gateway.metrics_with("tollgate_plugin_calls_total", &[("verdict", "need-body")], 1.0).await;
    assert_eq!(gateway.get("/p").await.text(), "helloagain");
    go_on.send_replace(true);
    assert_eq!(slow.answer().await.text(), "helloagain");
}
