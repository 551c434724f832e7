//! Requests that are answered before their bodies were read.

use std::time::Duration;

use tokio::time::sleep;
use tollgate_tests::{Gateway, Upstream, config};

const KIB: usize = 1024;
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")
}

async fn gateway_to(upstream: &Upstream) -> Gateway {
    Gateway::start(&config().workers(1).upstream("web", [upstream]).route("/", "web")).await
}

#[tokio::test]
async fn a_refused_upload_leaves_its_connection_to_the_next_request() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    for length in [300, 300 * KIB, 1024 * KIB] {
        client.write(post("/nowhere", length)).await;
        client.write(vec![b'x'; length]).await;
        assert_eq!(client.answer().await.status, 404);
        client.write(GET).await;
        assert_eq!(client.answer().await.text(), "hello", "after {length} bytes");
    }
}

#[tokio::test]
async fn so_does_one_that_comes_in_chunks_and_slowly() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    assert_eq!(client.answer().await.status, 404);
    sleep(Duration::from_millis(100)).await;
    client.write("4\r\nlast\r\n0\r\n\r\n").await;
    client.write(GET).await;
    assert_eq!(client.answer().await.text(), "hello");
}

#[tokio::test]
async fn so_does_one_whose_service_answers_before_it_is_sent() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while wire.head().await.is_some() {
            wire.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
        }
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    for _ in 0..3 {
        client.write(post("/", 300 * KIB)).await;
        assert_eq!(client.answer().await.text(), "no");
        client.write(vec![b'x'; 300 * KIB]).await;
    }
}

#[tokio::test]
async fn a_rest_that_does_not_come_is_waited_for_as_long_as_a_request() {
    let upstream = Upstream::answering("hello").await;
    let config = config().limit("head_timeout = \"300ms\"").upstream("web", [&upstream]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write(post("/nowhere", 5)).await;
    assert_eq!(client.answer().await.status, 404);
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_a_body_is_not_asked_by_a_refusal() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST /nowhere HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 404);
    // Whether the body comes after all, nobody could tell from the next request.
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_client_that_sends_too_much_can_read_the_answer_before_it_is_cut_off() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write(post("/nowhere", 8 * KIB * KIB)).await;
    assert_eq!(client.answer().await.status, 404);
    assert_eq!(client.read_to_end().await, "");
    // A reset would come with the first of these, and make the next one fail.
    for _ in 0..5 {
        client.write(vec![b'x'; 64 * KIB]).await;
        sleep(Duration::from_millis(20)).await;
    }
}
