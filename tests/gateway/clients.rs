//! Clients that misbehave.

use tollgate_tests::{Gateway, Upstream, config};

async fn gateway_to(upstream: &Upstream) -> Gateway {
    let config = config().limit("idle_timeout = \"500ms\"").upstream("web", [upstream]).route("/{*rest}", "web");
    Gateway::start(&config).await
}

#[tokio::test]
async fn a_client_that_hangs_up_while_the_upstream_works_leaves_nothing_behind() {
    let upstream = Upstream::hanging().await;
    let gateway = gateway_to(&upstream).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = gateway.raw().await;
        client.write("GET /gone HTTP/1.1\r\nhost: a\r\n\r\n").await;
        clients.push(client);
    }
    upstream.open(5).await;
    gateway.metrics_with("tollgate_connections", &[], 5.0).await;
    drop(clients);
    upstream.open(0).await;
    gateway.metrics_with("tollgate_connections", &[], 0.0).await;
    gateway.metrics_with("tollgate_upstream_in_flight", &[], 0.0).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_answers_body_is_an_aborted_request() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET /gone HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("first").await;
    drop(client);
    assert_eq!(gateway.access_line("/gone").await["aborted"], true);
    upstream.open(0).await;
    gateway.metrics_with("tollgate_connections", &[], 0.0).await;
}

#[tokio::test]
async fn a_request_body_that_breaks_off_never_looks_whole_to_the_upstream() {
    for framing in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let upstream = Upstream::echoing().await;
        let gateway = gateway_to(&upstream).await;
        let mut client = gateway.raw().await;
        client.write(format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}")).await;
        upstream.open(1).await;
        drop(client);
        upstream.open(0).await;
        assert!(upstream.seen().is_empty(), "{framing}");
    }
}

#[tokio::test]
async fn a_request_body_that_stops_coming_is_not_waited_for() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello").await;
    assert_eq!(client.answer().await.status, 408);
    upstream.open(0).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nothing_for_ever() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..95 {
            wire.write(&piece).await;
        }
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    upstream.open(1).await;
    upstream.open(0).await;
    gateway.metrics_with("tollgate_connections", &[], 0.0).await;
    drop(client);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let upstream = Upstream::answering("ok").await;
    let config = config().limit("connections = 2").upstream("web", [&upstream]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    let (mut one, mut two) = (gateway.connect().await, gateway.connect().await);
    assert_eq!((one.get("/").await.status, two.get("/").await.status), (200, 200));
    let mut third = gateway.raw().await;
    third.write("GET /third HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    for _ in 0..5 {
        assert_eq!(one.get("/").await.status, 200);
    }
    assert!(upstream.seen().iter().all(|seen| seen.path != "/third"));
    drop(two);
    // `/third` has no route: it is served now, and told so.
    assert_eq!(third.answer().await.status, 404);
}
