//! Upstreams that misbehave, and several targets that share the work.

use std::time::Duration;

use tollgate_tests::{Gateway, Upstream, config, until, wait::until_async};

const ONE_SECOND: &str = "ejection = { failures = 1, duration = \"1s\" }";

async fn gateway_to(upstream: &str, settings: &str) -> Gateway {
    Gateway::start(&config().workers(1).upstream_with("web", [upstream], settings).route("/{*rest}", "web")).await
}

#[tokio::test]
async fn an_upstream_that_refuses_is_a_502() {
    let gateway = gateway_to(&format!("http://127.0.0.1:{}", Upstream::refusing_port().await), "").await;
    let answer = gateway.get("/a").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("upstream-unreachable")));
    let line = gateway.access_line("/a").await;
    assert_eq!((line["source"].as_str(), line["error"]["owner"].as_str()), (Some("gateway"), Some("upstream")));
}

#[tokio::test]
async fn an_upstream_that_hangs_before_the_head_is_a_504() {
    let upstream = Upstream::hanging().await;
    let gateway = gateway_to(&upstream.to_string(), "timeouts = { first_byte = \"200ms\" }").await;
    let answer = gateway.get("/").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (504, Some("upstream-timeout")));
    upstream.open(0).await;
}

#[tokio::test]
async fn a_route_that_takes_too_long_is_a_504() {
    let upstream = Upstream::hanging().await;
    let config = config().upstream("web", [&upstream]).route_with("/", "web", "timeout = \"200ms\"");
    assert_eq!(Gateway::start(&config).await.get("/").await.status, 504);
}

#[tokio::test]
async fn what_is_not_http_is_a_502() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("SSH-2.0-OpenSSH_9.2\r\n").await;
    })
    .await;
    let answer = gateway_to(&upstream.to_string(), "").await.get("/").await;
    // Whoever reads this looks for the service's mistake, and not for one in the network.
    assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("upstream-broken")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole_to_the_client() {
    let upstream = Upstream::scripted(|mut wire| async move {
        let head = wire.head().await.unwrap_or_default();
        let framing = if head.contains("/chunked") {
            "transfer-encoding: chunked\r\n\r\n5\r\n"
        } else {
            "content-length: 10\r\n\r\n"
        };
        wire.write(format!("HTTP/1.1 200 OK\r\n{framing}hello")).await;
    })
    .await;
    let gateway = gateway_to(&upstream.to_string(), "").await;
    for path in ["/length", "/chunked"] {
        let answer = gateway.connect().await.try_send(tollgate_tests::request("GET", path, "")).await;
        assert!(answer.is_err(), "{path}: {answer:?}");
        let line = gateway.access_line(path).await;
        assert_eq!(line["error"]["owner"], "upstream", "{line}");
        assert_eq!(line["status"], 200);
    }
}

#[tokio::test]
async fn an_answer_that_hangs_in_its_body_is_broken_off() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream.to_string(), "timeouts = { idle = \"200ms\" }").await;
    assert!(gateway.connect().await.try_send(tollgate_tests::request("GET", "/a", "")).await.is_err());
    assert_eq!(gateway.access_line("/a").await["error"]["owner"], "upstream");
    upstream.open(0).await;
}

#[tokio::test]
async fn targets_take_turns() {
    let (one, two) = (Upstream::answering("1").await, Upstream::answering("2").await);
    let gateway = Gateway::start(&config().workers(1).upstream("web", [&one, &two]).route("/", "web")).await;
    for _ in 0..10 {
        gateway.get("/").await;
    }
    assert_eq!((one.seen().len(), two.seen().len()), (5, 5));
}

#[tokio::test]
async fn the_target_with_the_fewest_requests_is_asked() {
    let (busy, free) = (Upstream::hanging().await, Upstream::answering("free").await);
    let config =
        config().workers(1).upstream_with("web", [&busy, &free], "balance = \"least-request\"").route("/", "web");
    let gateway = Gateway::start(&config).await;
    let mut waiting = Vec::new();
    while busy.heads().is_empty() {
        let mut client = gateway.raw().await;
        client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let asked = free.seen().len();
        until("a target to be asked", || (!busy.heads().is_empty() || free.seen().len() > asked).then_some(())).await;
        waiting.push(client);
    }
    for _ in 0..10 {
        assert_eq!(gateway.get("/").await.text(), "free");
    }
}

#[tokio::test]
async fn a_dead_target_costs_no_request() {
    let alive = Upstream::answering("alive").await;
    let (port, _held) = Upstream::refusing();
    let dead = format!("http://127.0.0.1:{port}");
    let config = config().workers(2).upstream("web", [dead, alive.to_string()]).route("/", "web");
    let gateway = Gateway::start(&config).await;
    // Two connections at once are on two workers.
    let mut clients = [gateway.connect().await, gateway.connect().await];
    for request in 0..30 {
        let answer = clients[request % 2].get("/").await;
        assert_eq!((answer.status, answer.text()), (200, "alive"));
    }
    // Both workers have found out.
    gateway.metrics_with("tollgate_upstream_ejected", &[], 2.0).await;
}

#[tokio::test]
async fn a_target_that_comes_back_is_asked_again() {
    let stays = Upstream::answering("stays").await;
    let (port, held) = Upstream::refusing();
    let targets = [format!("http://127.0.0.1:{port}"), stays.to_string()];
    let config = config().workers(1).upstream_with("web", targets, ONE_SECOND).route("/", "web");
    let gateway = Gateway::start(&config).await;
    for _ in 0..4 {
        assert_eq!(gateway.get("/").await.text(), "stays");
    }
    drop(held);
    let _back = Upstream::answering_at(port, "back").await;
    until_async("the target that came back to be asked", async || {
        (gateway.get("/").await.text() == "back").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_kept_connection_that_the_upstream_ends_costs_no_request() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        // Ended without a word, as servers do with connections that are idle too long.
        tokio::time::sleep(Duration::from_millis(5)).await;
    })
    .await;
    let gateway = gateway_to(&upstream.to_string(), "").await;
    let mut client = gateway.connect().await;
    for pause in 0..20 {
        assert_eq!(client.get("/").await.status, 200);
        tokio::time::sleep(Duration::from_millis(pause % 10)).await;
    }
}
