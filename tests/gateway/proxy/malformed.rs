//! Requests that are not what they seem: whatever a client writes, an upstream sees one request for
//! each request, or none (RFC 9112 section 11.2, request smuggling).

use tollgate_tests::{Gateway, Upstream, config};

/// What a smuggler wants the upstream to take for a request of its own.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";

async fn gateway_to(upstream: &Upstream) -> Gateway {
    let config = config().limit("head_timeout = \"1s\"").upstream("web", [upstream]).route("/{*rest}", "web");
    Gateway::start(&config).await
}

/// Writes this, and returns all that is answered until the gateway ends the connection: at once
/// after a 400, or when no further request has come for `head_timeout`.
async fn answers_to(gateway: &Gateway, bytes: &str) -> String {
    let mut client = gateway.raw().await;
    client.write(bytes).await;
    client.read_to_end().await
}

fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let cases = [
        ("two lengths", format!("content-length: 0\r\ncontent-length: {}\r\n", HIDDEN.len())),
        ("a list of lengths", format!("content-length: 0, {}\r\n", HIDDEN.len())),
        ("a signed length", "content-length: +0\r\n".into()),
        ("a folded field", "x-a: b\r\n content-length: 0\r\n".into()),
        ("a space before the colon", "content-length : 0\r\n".into()),
        ("a coding that is not chunked", "transfer-encoding: xchunked\r\n".into()),
        ("chunked not last", "transfer-encoding: chunked, identity\r\n".into()),
        ("chunked twice", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".into()),
        ("a null in a value", "x-a: \0\r\n".into()),
        ("a lone carriage return", "x-a: b\rcontent-length: 0\r\n".into()),
        ("two hosts", "host: b\r\n".into()),
    ];
    for (case, fields) in cases {
        let answers = answers_to(&gateway, &format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n{HIDDEN}")).await;
        assert_eq!(statuses(&answers).first(), Some(&"400"), "{case}: {answers}");
        assert!(upstream.seen().iter().all(|seen| seen.path != "/"), "{case}: it went to the upstream");
    }
    assert!(upstream.seen().iter().all(|seen| seen.path != "/hidden"), "an upstream saw the hidden request");
}

#[tokio::test]
async fn length_and_chunks_at_once_never_make_a_second_request() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    // By its chunks the body is empty, by its length it is the hidden request.
    let body = format!("0\r\n\r\n{HIDDEN}");
    let head =
        format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n", body.len());
    let answers = answers_to(&gateway, &format!("{head}{body}")).await;
    // RFC 9112 section 6.1: refused, or read by its chunks and the connection closed after it.
    assert_eq!(statuses(&answers).len(), 1, "{answers}");
    assert!(upstream.seen().len() <= 1);
    assert!(upstream.seen().iter().all(|seen| !seen.headers.contains_key("content-length") && seen.path == "/"));
}

#[tokio::test]
async fn chunks_that_do_not_parse_break_the_request_off() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    for chunks in [
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "fffffffffffffffff\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let answers = answers_to(&gateway, &format!("{head}{chunks}{HIDDEN}")).await;
        assert!(matches!(statuses(&answers)[..], [] | ["400"]), "{chunks:?}: {answers}");
    }
    assert_eq!(upstream.seen().len(), 0, "no upstream saw a whole request");
}

#[tokio::test]
async fn line_feeds_alone_hide_nothing() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    // RFC 9112 section 2.2 lets a server take a lone line feed for a line's end; what must not be
    // is that it goes on as part of a value.
    let answers = answers_to(&gateway, "GET / HTTP/1.1\nhost: a\nx-a: b\ncontent-length: 0\n\n").await;
    assert_eq!(statuses(&answers).len(), 1, "{answers}");
    assert!(upstream.seen().iter().all(|seen| seen.headers.get("x-a").is_none_or(|value| value == "b")));
    assert!(upstream.seen().len() <= 1);
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    assert_eq!(statuses(&answers_to(&gateway, "GET / HTTP/1.1\r\n\r\n").await), ["400"]);
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn connect_is_refused() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let answers = answers_to(&gateway, "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n").await;
    assert_eq!(statuses(&answers), ["400"]);
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn what_is_not_http_is_answered_with_400() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    for bytes in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: a\r\n\r\n",
        "G\0T / HTTP/1.1\r\n\r\n",
    ] {
        let answers = answers_to(&gateway, bytes).await;
        assert!(matches!(statuses(&answers)[..], [] | ["400"]), "{bytes:?}: {answers}");
    }
    assert_eq!(upstream.seen().len(), 0);
    assert_eq!(gateway.get("/").await.status, 200, "it goes on");
}

#[tokio::test]
async fn heads_beyond_the_limits_are_answered_with_431() {
    let upstream = Upstream::echoing().await;
    let config =
        config().limit("head = \"8KiB\"\nheader_count = 20").upstream("web", [&upstream]).route("/{*rest}", "web");
    let gateway = Gateway::start(&config).await;
    let many: String = (0..30).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(9000));
    for fields in [many, long] {
        let mut client = gateway.raw().await;
        client.write(format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n")).await;
        let answers = client.read_to_end().await;
        assert_eq!(statuses(&answers), ["431"], "{} bytes", fields.len());
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn an_absolute_target_goes_on_as_a_path_with_its_own_host() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let answers = answers_to(&gateway, "GET http://a/b?c HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(statuses(&answers), ["200"], "{answers}");
    assert_eq!(upstream.last().path, "/b?c");
}
