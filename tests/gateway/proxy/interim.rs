//! Interim answers (1xx): passed on to clients that know of them, before the answer and never in one.

use tollgate_tests::{Gateway, Raw, Upstream, config};

const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nconnection: x-own\r\nx-own: 1\r\n\r\n";
const PASSED: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";

/// An upstream that sends this before each answer, whose body is the path.
async fn hinting(before: &'static str) -> Upstream {
    Upstream::scripted(move |mut wire| async move {
        while let Some(head) = wire.head().await {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            wire.write(before).await;
            let length = path.len();
            wire.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{path}")).await;
        }
    })
    .await
}

async fn gateway_to(upstream: &Upstream) -> Gateway {
    Gateway::start(&config().workers(1).upstream("web", [upstream]).route("/{*rest}", "web")).await
}

/// What comes before the answer.
async fn interim(client: &mut Raw) -> String {
    client.read_until("\r\n\r\n").await
}

#[tokio::test]
async fn a_client_gets_hints_before_the_upstream_has_an_answer() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write(HINTS).await;
        // The answer comes only when the client has said that it has the hints.
        wire.read_until("done").await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n").await;
    assert_eq!(interim(&mut client).await, PASSED);
    client.write("done").await;
    assert_eq!(client.answer().await.text(), "ok");
}

#[tokio::test]
async fn all_but_what_the_gateway_answers_itself_are_passed_on_in_order() {
    let upstream = hinting(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </b>\r\n\r\n",
    )
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(interim(&mut client).await, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_eq!(interim(&mut client).await, "HTTP/1.1 103 Early Hints\r\nlink: </b>\r\n\r\n");
    assert_eq!(client.answer().await.text(), "/x");
}

#[tokio::test]
async fn requests_sent_at_once_get_theirs_between_the_answers() {
    let upstream = hinting(HINTS).await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    let requests: String = (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nhost: a\r\n\r\n")).collect();
    client.write(requests).await;
    for number in 0..20 {
        assert_eq!(interim(&mut client).await, PASSED);
        assert_eq!(client.answer().await.text(), format!("/{number}"));
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_none() {
    let upstream = hinting(HINTS).await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("GET /x HTTP/1.0\r\nhost: a\r\n\r\n").await;
    let all = client.read_to_end().await;
    assert!(!all.contains("103") && all.ends_with("\r\n\r\n/x"), "{all}");
}

#[tokio::test]
async fn an_upstream_that_only_hints_fails_like_one_that_says_nothing() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write(HINTS).await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let mut client = gateway.raw().await;
    client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(interim(&mut client).await, PASSED);
    assert_eq!(client.answer().await.status, 502);
}

#[tokio::test]
async fn an_operator_may_want_nothing_to_get_past_the_plugins() {
    let upstream = hinting(HINTS).await;
    let config = config().workers(1).upstream_with("web", [&upstream], "interim = false");
    let gateway = Gateway::start(&config.route("/{*rest}", "web")).await;
    let mut client = gateway.raw().await;
    client.write("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.read_until("/x").await.starts_with("HTTP/1.1 200 OK\r\n"));
}
