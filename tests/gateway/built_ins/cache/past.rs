//! Requests the cache has no part in.

use http::Response;
use tollgate_tests::{Gateway, Upstream, request};

use super::{cached, get, with};

/// Says what it was asked for, as something to be kept.
async fn echo() -> Upstream {
    Upstream::handling(|seen| {
        let text = format!("{} {}", seen.method, String::from_utf8_lossy(&seen.body));
        let answer = Response::builder().header("cache-control", "max-age=100").header("cache-tag", "secret");
        answer.body(text.into()).unwrap()
    })
    .await
}

#[tokio::test]
async fn what_a_request_with_a_body_is_told_is_told_to_nobody_else() {
    let upstream = echo().await;
    let gateway = Gateway::start(&cached(&upstream, "")).await;
    for (path, framed) in [
        ("/known", "content-length: 4\r\n\r\nevil"),
        ("/chunked", "transfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"),
    ] {
        for _ in 0..2 {
            let mut client = gateway.raw().await;
            client.write(format!("GET {path} HTTP/1.1\r\nhost: web.example\r\nconnection: close\r\n{framed}")).await;
            let answer = client.read_to_end().await;
            assert!(
                answer.ends_with("GET evil") && answer.contains("cache-status: tollgate; fwd=bypass\r\n"),
                "{answer}"
            );
        }
        let harmless = get(&gateway, path, &[]).await;
        assert_eq!((harmless.text(), harmless.header("cache-status")), ("GET ", "tollgate; fwd=uri-miss; stored"));
        // What is stored for those without a body is no answer to one with a body, either.
        let body = with(request("GET", path, "other"), &[("host", "web.example")]);
        assert_eq!(gateway.send(body).await.text(), "GET other");
    }
}

#[tokio::test]
async fn no_client_sees_the_tags_whatever_it_asks_for_and_each_is_told_why_it_was_not_a_hit() {
    let upstream = echo().await;
    let gateway = Gateway::start(&cached(&upstream, "")).await;
    let long = format!("/{}", "x".repeat(9 << 10));
    let plain: &[(&str, &str)] = &[("host", "web.example")];
    for (method, path, fields, forward) in [
        ("GET", "/a", &[("host", "web.example"), ("cache-control", "no-store")][..], "bypass"),
        ("GET", "/a", &[("host", "web.example"), ("if-match", "\"1\"")], "bypass"),
        ("GET", &long, plain, "bypass"),
        ("OPTIONS", "/a", plain, "method"),
        ("POST", "/a", plain, "method"),
        ("PUT", "/a", plain, "method"),
    ] {
        let answer = gateway.send(with(request(method, path, ""), fields)).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("cache-tag"), "{method} {fields:?}");
        assert_eq!(answer.header("cache-status"), format!("tollgate; fwd={forward}"), "{method} {fields:?}");
    }
}
