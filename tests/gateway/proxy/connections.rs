//! Connections: kept, shared by many requests, and ended in time.

use tollgate_tests::{Gateway, Upstream, config, request};

const PLAIN: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async fn gateway_to(upstream: &Upstream) -> Gateway {
    Gateway::start(&config().workers(1).upstream("web", [upstream]).route("/{*rest}", "web")).await
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.connect().await;
    for number in 0..10 {
        let body = format!("{number}");
        assert_eq!(client.send(request("POST", "/", body.clone())).await.text(), body);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_connection_to_an_upstream_serves_many_clients() {
    let upstream = Upstream::answering("").await;
    let gateway = gateway_to(&upstream).await;
    for _ in 0..5 {
        gateway.get("/").await;
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn an_upstream_that_ends_its_connections_is_asked_on_a_new_one() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.connect().await;
    for _ in 0..5 {
        assert_eq!(client.get("/").await.text(), "ok");
    }
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_order() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    let requests: String =
        (0..5).map(|n| format!("POST /{n} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n{n}")).collect();
    client.write(requests).await;
    for number in 0..5 {
        let answer = client.answer().await;
        assert_eq!((answer.text(), answer.header("x-path")), (&*number.to_string(), &*format!("/{number}")));
    }
}

#[tokio::test]
async fn an_http_1_0_client_is_answered_and_its_connection_ended() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.0\r\nhost: a\r\n\r\n").await;
    let answer = client.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn an_http_1_0_client_gets_no_chunks() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.0\r\n\r\n").await;
    let answer = client.read_to_end().await;
    assert!(!answer.contains("transfer-encoding") && answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn connection_close_is_heeded() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(client.read_to_end().await.ends_with("hello"));
}

#[tokio::test]
async fn a_client_that_ends_its_half_of_the_connection_is_taken_to_have_gone() {
    let upstream = Upstream::hanging().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write(PLAIN).await;
    upstream.open(1).await;
    client.finish_writing().await;
    // Nobody waits for an answer that nobody may be there to read.
    upstream.open(0).await;
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n").await;
    assert!(client.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 100 "));
    client.write("hello").await;
    assert_eq!(client.answer().await.text(), "hello");
}

#[tokio::test]
async fn a_head_that_does_not_come_to_an_end_is_not_waited_for() {
    let upstream = Upstream::answering("").await;
    let config = config().limit("head_timeout = \"300ms\"").upstream("web", [&upstream]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n").await;
    let said = client.read_to_end().await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_ended() {
    let upstream = Upstream::answering("").await;
    let config = config().limit("head_timeout = \"300ms\"").upstream("web", [&upstream]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write(PLAIN).await;
    assert_eq!(client.answer().await.status, 200);
    client.read_to_end().await;
}
