//! Bodies on their way through: whole, streamed, and not there at all.

use bytes::Bytes;
use tokio::sync::mpsc;
use tollgate_tests::{Gateway, Upstream, config, request, within};

const MIB: usize = 1024 * 1024;

async fn gateway_to(upstream: &Upstream) -> Gateway {
    Gateway::start(&config().upstream("web", [upstream]).route("/{*rest}", "web")).await
}

/// Bytes that show where a piece is missing or in the wrong place.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).unwrap()).collect()
}

#[tokio::test]
async fn ten_mebibytes_go_there_and_back_intact() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let body = pattern(10 * MIB);
    let answer = gateway.send(request("POST", "/", body.clone())).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == body, "{} bytes came back changed", answer.body.len());
    assert_eq!(upstream.last().header("content-length"), (10 * MIB).to_string());
    assert_eq!(answer.header("content-length"), (10 * MIB).to_string());
}

#[tokio::test]
async fn the_first_bytes_of_an_answer_arrive_before_the_last_are_sent() {
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let upstream = Upstream::scripted(move |mut wire| {
        let mut wait = wait.clone();
        async move {
            wire.head().await;
            wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
            wait.wait_for(|go_on| *go_on).await.unwrap();
            wire.write("4\r\nlast\r\n0\r\n\r\n").await;
            wire.closed().await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("first").await;
    go_on.send_replace(true);
    client.read_until("last").await;
    client.read_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn the_first_bytes_of_a_request_arrive_before_the_last_are_sent() {
    let (arrived, mut has_arrived) = mpsc::unbounded_channel();
    let upstream = Upstream::scripted(move |mut wire| {
        let arrived = arrived.clone();
        async move {
            wire.head().await;
            wire.read_until("first").await;
            arrived.send(()).unwrap();
            wire.read_until("last").await;
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            wire.closed().await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nfirst").await;
    within("the first bytes at the upstream", has_arrived.recv()).await.unwrap();
    client.write("last").await;
    assert_eq!(client.answer().await.text(), "ok");
}

#[tokio::test]
async fn a_chunked_body_arrives_whole() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\none \r\n").await;
    client.write("6;extension=1\r\nno two\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "one no two");
    assert_eq!(upstream.last().header("transfer-encoding"), "chunked");
    assert!(!upstream.last().headers.contains_key("content-length"));
}

#[tokio::test]
async fn a_chunked_answer_of_unknown_length_stays_chunked() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while wire.head().await.is_some() {
            wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let answer = gateway.get("/").await;
    assert_eq!(answer.text(), "abcdef");
    assert_eq!(answer.header("transfer-encoding"), "chunked");
}

#[tokio::test]
async fn the_answer_to_head_has_the_fields_and_no_body() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while wire.head().await.is_some() {
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\nx-a: b\r\n\r\n").await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        let answer = client.send(request("HEAD", "/", "")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!((answer.header("content-length"), answer.header("x-a")), ("1234", "b"));
    }
    assert!(upstream.heads()[0].starts_with("HEAD / HTTP/1.1\r\n"));
    assert_eq!(upstream.connections(), 1, "an answer to HEAD leaves the connection usable");
}

#[tokio::test]
async fn answers_that_have_no_body_leave_both_connections_usable() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while let Some(head) = wire.head().await {
            let status = if head.starts_with("GET /204") { "204 No Content" } else { "304 Not Modified" };
            wire.write(format!("HTTP/1.1 {status}\r\netag: \"x\"\r\n\r\n")).await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    for status in [204, 304, 204, 304] {
        client.write(format!("GET /{status} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("etag")), (status, "\"x\""));
        assert!(!answer.headers.contains_key("transfer-encoding"));
    }
    assert_eq!(upstream.connections(), 1);
}

/// A 205 is no status whose body ends with its head (RFC 9112 section 6.3), but one that may have none (RFC 9110
/// section 15.3.6).
#[tokio::test]
async fn what_a_target_sends_behind_reset_content_is_not_passed_on() {
    for body in ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] {
        let upstream = Upstream::scripted(move |mut wire| async move {
            while wire.head().await.is_some() {
                wire.write(format!("HTTP/1.1 205 Reset Content\r\n{body}")).await;
            }
        })
        .await;
        let gateway = gateway_to(&upstream).await;
        let mut client = gateway.raw().await;
        for _ in 0..3 {
            client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.header("content-length"), answer.text()), (205, "0", ""));
            assert!(!answer.headers.contains_key("transfer-encoding"));
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let upstream = Upstream::echoing().await;
    let config = config().limit("body = \"1KiB\"").upstream("web", [&upstream]).route("/{*rest}", "web").route_with(
        "/large",
        "web",
        "body_limit = \"2KiB\"",
    );
    let gateway = Gateway::start(&config).await;
    assert_eq!(gateway.send(request("POST", "/", pattern(1024))).await.status, 200);
    assert_eq!(gateway.send(request("POST", "/large", pattern(2048))).await.status, 200);
    for (path, length) in [("/", 1025), ("/large", 2049)] {
        let mut client = gateway.raw().await;
        client.write(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, 413, "{path}");
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_chunked_body_beyond_the_limit_is_refused_when_it_gets_there() {
    let upstream = Upstream::echoing().await;
    let config = config().limit("body = \"1KiB\"").upstream("web", [&upstream]).route("/{*rest}", "web");
    let gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..5 {
        client.write(format!("100\r\n{}\r\n", "x".repeat(256))).await;
    }
    assert_eq!(client.answer().await.status, 413);
    assert_eq!(upstream.seen().len(), 0, "the upstream never saw the end of the body");
}
