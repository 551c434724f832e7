//! Reloads while clients are served: none of them notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tollgate_tests::{Client, Gateway, Upstream, config};

/// Clients that ask over and over on connections of their own, until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<usize>,
}

impl Load {
    /// Fails the test that counts it if an answer is anything but this one.
    pub(crate) fn on(gateway: &Gateway, path: &'static str, expected: &'static [(u16, &'static str)]) -> Self {
        Self::with_pauses(gateway, path, expected, Duration::ZERO)
    }

    /// As [`Load::on`], leaving the machine some time for other things.
    pub(crate) fn with_pauses(
        gateway: &Gateway,
        path: &'static str,
        expected: &'static [(u16, &'static str)],
        pause: Duration,
    ) -> Self {
        let (stop, address, mut clients) = (Arc::new(AtomicBool::new(false)), gateway.address, JoinSet::new());
        for _ in 0..4 {
            let stop = Arc::clone(&stop);
            clients.spawn(async move {
                let (mut client, mut count) = (Client::to(address).await, 0);
                while !stop.load(Ordering::SeqCst) {
                    let answer = client.get(path).await;
                    assert!(expected.contains(&(answer.status, answer.text())), "{answer:?}");
                    count += 1;
                    tokio::time::sleep(pause).await;
                }
                count
            });
        }
        Self { stop, clients }
    }

    /// Stops them, and returns how many requests they made, all of them answered as expected.
    pub(crate) async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await.into_iter().sum()
    }
}

#[tokio::test]
async fn twenty_reloads_fail_no_request() {
    let (one, two) = (Upstream::answering("one").await, Upstream::answering("two").await);
    let to = |upstream: &Upstream| config().upstream("web", [upstream]).route("/", "web");
    let gateway = Gateway::start(&to(&one)).await;
    let load = Load::on(&gateway, "/", &[(200, "one"), (200, "two")]);
    for round in 0..20 {
        gateway.reload(&to(if round % 2 == 0 { &two } else { &one })).await;
    }
    let requests = load.stop().await;
    assert!(requests > 100 && !two.seen().is_empty() && !one.seen().is_empty(), "{requests} requests");
    gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
}

#[tokio::test]
async fn a_reload_keeps_connections_to_upstreams_and_clients() {
    let upstream = Upstream::answering("").await;
    let to = |settings: &str| config().workers(1).upstream("web", [&upstream]).route_with("/", "web", settings);
    let gateway = Gateway::start(&to("")).await;
    let mut client = gateway.connect().await;
    for round in 0..5 {
        client.get("/").await;
        gateway.reload(&to(&format!("name = \"r{round}\""))).await;
    }
    client.get("/").await;
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_request_ends_by_the_config_it_began_with() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
        wire.closed().await;
    })
    .await;
    let gateway = Gateway::start(&config().upstream("web", [&upstream]).route_with("/", "web", "name = \"old\"")).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("first").await;
    let other = Upstream::answering("other").await;
    gateway.reload(&config().upstream("web", [&other]).route_with("/", "web", "name = \"new\"")).await;
    assert_eq!(gateway.get("/").await.text(), "other");
    drop(client);
    let mut routes: Vec<_> = gateway.access_lines(2).await.iter().map(|line| line["route"].to_string()).collect();
    routes.sort_unstable();
    assert_eq!(routes, ["\"new\"", "\"old\""]);
}
