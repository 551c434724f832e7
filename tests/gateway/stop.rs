//! Stopping: what is under way is finished, what is new is not taken.

use std::time::Duration;

use tokio::net::TcpStream;
use tollgate_tests::{Gateway, Upstream, config, until, wait::until_async};

#[tokio::test]
async fn the_answer_under_way_is_finished_before_the_end() {
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let upstream = Upstream::scripted(move |mut wire| {
        let mut wait = wait.clone();
        async move {
            wire.head().await;
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfirst").await;
            wait.wait_for(|go_on| *go_on).await.unwrap();
            wire.write("last").await;
            wire.closed().await;
        }
    })
    .await;
    let mut gateway = Gateway::start(&config().upstream("web", [&upstream]).route("/", "web")).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("first").await;
    gateway.signal("TERM");
    until_async("new connections to be refused", async || TcpStream::connect(gateway.address).await.err()).await;
    go_on.send_replace(true);
    client.read_until("last").await;
    assert_eq!(client.read_to_end().await, "", "the connection ends after it");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

#[tokio::test]
async fn while_the_gateway_drains_it_is_alive_and_not_ready() {
    let upstream = Upstream::hanging().await;
    let config = config().server("drain = \"10m\"").upstream("web", [&upstream]).route("/", "web");
    let mut gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    upstream.open(1).await;
    assert_eq!(gateway.admin("/readyz").await.status, 200);
    gateway.signal("TERM");
    let not_ready = async || Some(gateway.admin("/readyz").await).filter(|answer| answer.status != 200);
    let answer = until_async("the gateway not to be ready", not_ready).await;
    assert!(answer.status == 503 && answer.text().starts_with("draining"), "{answer:?}");
    assert_eq!((gateway.admin("/livez").await.status, gateway.admin("/metrics").await.status), (200, 200));
    // With the last answer under way, which nobody wants any more, all of it ends.
    drop(client);
    assert_eq!(gateway.ended().await.code(), Some(0));
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let upstream = Upstream::answering("").await;
    let gateway = Gateway::start(&config().upstream("web", [&upstream]).route("/", "web")).await;
    let mut client = gateway.connect().await;
    client.get("/").await;
    assert_eq!(gateway.stop().await.code(), Some(0));
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_the_drain_is_broken_off() {
    let upstream = Upstream::hanging().await;
    let config = config().server("drain = \"200ms\"").upstream("web", [&upstream]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    upstream.open(1).await;
    let started = std::time::Instant::now();
    assert!(gateway.stop().await.code().is_some());
    assert!(started.elapsed() >= Duration::from_millis(200), "it was given its time");
}

#[tokio::test]
async fn so_is_a_request_whose_body_is_still_coming() {
    let upstream = Upstream::hanging().await;
    let config = config().server("drain = \"200ms\"").upstream("web", [&upstream]).route("/", "web");
    let mut gateway = Gateway::start(&config).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nfirst").await;
    upstream.open(1).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    let log = gateway.log().text();
    assert!(log.contains("\"connections\":1") && !log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let upstream = Upstream::hanging().await;
    let mut gateway = Gateway::start(&config().upstream("web", [&upstream]).route("/", "web")).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    upstream.open(1).await;
    gateway.signal("TERM");
    until("the first signal to be heard", || gateway.log().text().contains("draining").then_some(())).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(1));
}

#[tokio::test]
async fn no_access_line_is_lost_at_the_end() {
    let upstream = Upstream::answering("").await;
    let mut gateway = Gateway::start(&config().upstream("web", [&upstream]).route("/{*rest}", "web")).await;
    let mut client = gateway.connect().await;
    for number in 0..200 {
        client.get(&format!("/{number}")).await;
    }
    gateway.signal("TERM");
    gateway.ended().await;
    assert_eq!(gateway.access_lines(200).await.len(), 200);
}

#[tokio::test]
async fn a_gateway_that_has_just_said_where_it_listens_knows_its_signals() {
    let upstream = Upstream::answering("").await;
    let config = config().upstream("web", [&upstream]).route("/", "web");
    for _ in 0..20 {
        let gateway = Gateway::start(&config).await;
        assert_eq!(gateway.stop().await.code(), Some(0));
    }
}
