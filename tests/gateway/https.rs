//! TLS to targets and origins: who is believed, and what is sent over it.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tollgate_tests::wait::until_async;
use tollgate_tests::{Authority, Config, Gateway, Upstream, config, guests, within};

/// One worker, and at `/p` a plugin that calls `https://localhost:PORT/x`.
fn calling(other: &Upstream) -> Config {
    let origin = format!("https://localhost:{}", other.port);
    let settings = format!(
        "use = \"scripted.wasm\"\nconfig = {{ request = [\"call-origin {origin} /x\"] }}\ngrant = {{ http = [\"{origin}\"] }}"
    );
    config().workers(1).plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]")
}

/// One worker, and an upstream with TLS behind `/u`.
fn behind(port: u16, settings: &str) -> Config {
    config().workers(1).upstream_with("u", [format!("https://localhost:{port}")], settings).route("/{*rest}", "u")
}

async fn start(config: Config, authority: &Authority) -> Gateway {
    let config = config.table("[outbound]\ntrusted_ca = \"ca.pem\"");
    Gateway::with(&config).plugin("scripted", guests::scripted()).file("ca.pem", authority.pem()).start().await
}

#[tokio::test]
async fn a_service_with_a_good_certificate_is_called_and_its_connection_kept() {
    let authority = Authority::new();
    let other = Upstream::tls(&authority.identity("localhost")).await;
    let gateway = start(calling(&other), &authority).await;
    for _ in 0..3 {
        assert_eq!(gateway.get("/p").await.status, 200);
    }
    assert_eq!(other.last().path, "/x");
    assert_eq!(other.last().header("host"), format!("localhost:{}", other.port));
    assert_eq!((other.seen().len(), other.connections()), (3, 1));
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused_before_anything_is_sent() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (identity, problem) in [
        (authority.identity("other.example"), "not valid for name"),
        (authority.expired_identity("localhost"), "expired"),
        (stranger.identity("localhost"), "UnknownIssuer"),
    ] {
        let other = Upstream::tls(&identity).await;
        let answer = start(calling(&other), &authority).await.get("/p").await;
        assert!(answer.status == 500 && answer.text().contains(problem), "{problem}: {}", answer.text());
        let answer = start(behind(other.port, ""), &authority).await.get("/u").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("upstream-unreachable")), "{problem}");
        assert!(other.seen().is_empty(), "{problem}");
    }
}

#[tokio::test]
async fn the_tests_own_authority_is_unknown_where_no_config_names_it() {
    let other = Upstream::tls(&Authority::new().identity("localhost")).await;
    let gateway = Gateway::with(&calling(&other)).plugin("scripted", guests::scripted()).start().await;
    let answer = gateway.get("/p").await;
    assert!(answer.status == 500 && answer.text().contains("UnknownIssuer"), "{}", answer.text());
}

#[tokio::test]
async fn a_target_that_stalls_in_the_handshake_costs_no_more_than_the_time_to_connect() {
    let stalling = Upstream::scripted(|mut wire| async move { wire.closed().await }).await;
    let authority = Authority::new();
    let gateway = start(behind(stalling.port, "timeouts = { connect = \"100ms\" }"), &authority).await;
    let answer = within("an answer", gateway.get("/u")).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (504, Some("upstream-timeout")));
    stalling.open(0).await;
}

#[tokio::test]
async fn a_service_that_speaks_no_tls_is_unreachable() {
    let plain = Upstream::answering("plain").await;
    let answer = start(behind(plain.port, ""), &Authority::new()).await.get("/u").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("upstream-unreachable")));
}

#[tokio::test]
async fn large_bodies_go_both_ways() {
    let authority = Authority::new();
    let other = Upstream::tls(&authority.identity("localhost")).await;
    let gateway = start(behind(other.port, ""), &authority).await;
    let body = "0123456789abcdef".repeat(1 << 18);
    for _ in 0..2 {
        let answer = gateway.post("/u", &body).await;
        assert!(answer.status == 200 && answer.text() == body);
    }
    assert_eq!(other.connections(), 1);
}

#[tokio::test]
async fn what_a_client_has_sent_is_passed_on_before_the_rest_comes() {
    let authority = Authority::new();
    let (identity, listener) = (authority.identity("localhost"), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let gateway = start(behind(listener.local_addr().unwrap().port(), ""), &authority).await;
    let mut client = gateway.raw().await;
    client.write("POST /u HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    let mut stream = identity.accept(listener.accept().await.unwrap().0).await;
    let (mut seen, mut piece) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&seen).contains("5\r\nfirst\r\n") {
        let count = within("the first piece", stream.read(&mut piece)).await.unwrap();
        assert_ne!(count, 0);
        seen.extend_from_slice(&piece[..count]);
    }
}

#[tokio::test]
async fn a_new_authority_counts_from_the_reload_on_also_for_connections_that_were_kept() {
    let (first, second) = (Authority::new(), Authority::new());
    let other = Upstream::tls(&first.identity("localhost")).await;
    let gateway = start(behind(other.port, "idle_for = \"1m\""), &first).await;
    assert_eq!(gateway.get("/u").await.status, 200);
    gateway.replace("ca.pem", second.pem());
    let refused = async || (gateway.get("/u").await.status == 502).then_some(());
    until_async("the new authority to count", refused).await;
    other.open(0).await;
}
