//! What an upstream is told, and what a client gets back.

use tollgate_tests::{Gateway, Upstream, config, request};

async fn gateway_to(upstream: &Upstream, settings: &str) -> Gateway {
    Gateway::start(&config().upstream("web", [upstream]).route_with("/{*rest}", "web", settings)).await
}

#[tokio::test]
async fn a_request_goes_to_the_upstream_and_its_answer_comes_back() {
    let upstream = Upstream::answering("hello").await;
    let gateway = gateway_to(&upstream, "").await;
    let answer = gateway.get("/a%20b/c?d=e&f").await;
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert_eq!(upstream.last().path, "/a%20b/c?d=e&f");
    assert_eq!(upstream.last().method, "GET");
}

#[tokio::test]
async fn fields_of_one_hop_stay_on_that_hop_both_ways() {
    let upstream = Upstream::handling(|_| {
        let answer = http::Response::builder()
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-authenticate", "Basic")
            .header("upgrade", "h2c")
            .header("x-stays", "1");
        answer.body("".into()).unwrap()
    })
    .await;
    let gateway = gateway_to(&upstream, "").await;
    let mut asked = request("GET", "/", "");
    let hop = [
        ("connection", "keep-alive, x-secret"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic x"),
        ("te", "gzip"),
        ("upgrade", "websocket"),
    ];
    for (name, value) in hop {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    asked.headers_mut().insert("x-end-to-end", "1".parse().unwrap());
    let answer = gateway.send(asked).await;

    let seen = upstream.last();
    for (name, _) in hop {
        assert!(!seen.headers.contains_key(name), "the upstream saw {name}");
    }
    assert_eq!(seen.header("x-end-to-end"), "1");
    for name in ["connection", "x-hop", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert!(!answer.headers.contains_key(name), "the client saw {name}");
    }
    assert_eq!(answer.header("x-stays"), "1");
}

#[tokio::test]
async fn a_client_cannot_have_the_gateways_own_fields_taken_off() {
    let upstream = Upstream::answering("").await;
    let gateway = gateway_to(&upstream, "").await;
    let mut asked = request("GET", "/", "");
    asked.headers_mut().insert("connection", "x-forwarded-for, x-forwarded-proto, x-request-id, host".parse().unwrap());
    gateway.send(asked).await;
    let seen = upstream.last();
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert_eq!(seen.header("host"), format!("127.0.0.1:{}", upstream.port));
}

#[tokio::test]
async fn an_upstream_is_told_who_asked_and_for_what() {
    let upstream = Upstream::answering("").await;
    let gateway = gateway_to(&upstream, "").await;
    let mut asked = request("GET", "/", "");
    let claimed = [
        ("host", "shop.example"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "chosen"),
    ];
    for (name, value) in claimed {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    gateway.send(asked).await;
    let seen = upstream.last();
    assert_eq!(seen.header("x-forwarded-for"), "1.2.3.4, 127.0.0.1");
    assert_eq!(seen.header("x-forwarded-host"), "shop.example");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    let id = seen.header("x-request-id");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
}

#[tokio::test]
async fn the_host_is_the_targets_unless_the_route_keeps_the_clients() {
    let upstream = Upstream::answering("").await;
    let config = config().upstream("web", [&upstream]).route("/{*rest}", "web").route_with(
        "/kept",
        "web",
        "preserve_host = true",
    );
    let gateway = Gateway::start(&config).await;
    for path in ["/", "/kept"] {
        let mut asked = request("GET", path, "");
        asked.headers_mut().insert("host", "shop.example:81".parse().unwrap());
        gateway.send(asked).await;
    }
    let hosts: Vec<_> = upstream.seen().iter().map(|seen| seen.header("host").to_owned()).collect();
    assert_eq!(hosts, [format!("127.0.0.1:{}", upstream.port), "shop.example:81".to_owned()]);
}

#[tokio::test]
async fn a_prefix_is_taken_off() {
    let upstream = Upstream::answering("").await;
    let config = config().upstream("web", [&upstream]).route_with("/api/{*rest}", "web", "strip_prefix = \"/api\"");
    let gateway = Gateway::start(&config).await;
    for path in ["/api/users?a=b", "/api/"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    let paths: Vec<_> = upstream.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/users?a=b", "/"]);
}

#[tokio::test]
async fn repeated_fields_keep_their_order() {
    let upstream = Upstream::handling(|_| {
        http::Response::builder().header("set-cookie", "a=1").header("set-cookie", "b=2").body("".into()).unwrap()
    })
    .await;
    let gateway = gateway_to(&upstream, "").await;
    let mut asked = request("GET", "/", "");
    asked.headers_mut().append("x-many", "1".parse().unwrap());
    asked.headers_mut().append("x-many", "2".parse().unwrap());
    let answer = gateway.send(asked).await;
    let values = |headers: &http::HeaderMap, name: &str| -> Vec<String> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&upstream.last().headers, "x-many"), ["1", "2"]);
    assert_eq!(values(&answer.headers, "set-cookie"), ["a=1", "b=2"]);
}
