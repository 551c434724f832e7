//! One fetch for all who want the same, over all workers.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::sync::Semaphore;
use tollgate_tests::{Gateway, Upstream, within};

use super::{SHORT, ask_all, cached};

/// Waits until so many requests wait for another's fetch.
async fn waiting(gateway: &Gateway, count: f64) {
    gateway.metrics_with("tollgate_cache_waiting", &[("plugin", "kept")], count).await;
}

/// Keeps what may be stored back, until it has a permit for each answer.
async fn answering_once_let() -> (Upstream, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let upstream = Upstream::scripted(move |mut wire| {
        let held = held.clone();
        async move {
            wire.head().await;
            let _open = held.acquire().await;
            wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 4\r\n\r\nonce").await;
            wire.closed().await;
        }
    })
    .await;
    (upstream, gate)
}

#[tokio::test]
async fn a_thousand_simultaneous_misses_are_one_request_to_the_upstream() {
    let (upstream, gate) = answering_once_let().await;
    // So many at once may wait for an instance, and on a slow machine for long.
    let limits = "[plugins.kept.limits]\nqueue = 1000\nwall = \"1m\"";
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"").table(limits)).await;
    let mut asked = ask_all(&gateway, 1000);
    waiting(&gateway, 999.0).await;
    gate.add_permits(1);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "once".into()));
    }
    assert_eq!(upstream.heads().len(), 1);
    gateway.metrics_with("tollgate_cache_coalesced_total", &[("plugin", "kept")], 999.0).await;
}

#[tokio::test]
async fn who_gets_what_another_fetched_is_told_so() {
    let (upstream, gate) = answering_once_let().await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let mut client = gateway.connect().await;
        asked.spawn(async move { told(&client.send(tollgate_tests::request("GET", "/a", "")).await) });
    }
    waiting(&gateway, 2.0).await;
    gate.add_permits(1);
    let mut seen = within("all answers", asked.join_all()).await;
    seen.sort_unstable();
    let (collapsed, fetched) = ("tollgate; fwd=uri-miss; collapsed", "tollgate; fwd=uri-miss; stored");
    assert_eq!(seen, [collapsed, collapsed, fetched]);
    let later = told(&gateway.send(tollgate_tests::request("GET", "/a", "")).await);
    assert!(later.starts_with("tollgate; hit; ttl="), "{later}");
}

fn told(answer: &tollgate_tests::Answer) -> String {
    answer.headers["cache-status"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_leader_that_fails_hurts_nobody_else() {
    let upstream = Upstream::scripted(|mut wire| async move {
        let first = wire.number == 1;
        wire.head().await;
        tokio::time::sleep(SHORT).await;
        if !first {
            wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 4\r\n\r\ngood").await;
            wire.closed().await;
        }
    })
    .await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut asked = ask_all(&gateway, 20);
    let mut failed = 0;
    while let Some(answer) = within("an answer", asked.join_next()).await {
        let (status, text) = answer.unwrap();
        assert!(matches!((status, &*text), (200, "good") | (502, _)), "{status} {text}");
        failed += usize::from(status == 502);
    }
    assert!(failed <= 1, "{failed} requests failed");
}

/// Ten ask for the same at once, each in a language of its own. When the first one's answer turns out to be this,
/// the others are all with the upstream before any of them is answered.
async fn the_others_wait_only_once(answer: &'static str) {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = gate.clone();
    let upstream = Upstream::scripted(move |mut wire| {
        let held = held.clone();
        async move {
            wire.head().await;
            held.acquire().await.unwrap().forget();
            wire.write(answer).await;
        }
    })
    .await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..10 {
        let address = gateway.address;
        asked.spawn(async move {
            let mut request = tollgate_tests::request("GET", "/", "");
            request.headers_mut().insert("host", "web.example".parse().unwrap());
            request.headers_mut().insert("accept-language", number.to_string().parse().unwrap());
            // Half an answer is an error to the client.
            let _ = tollgate_tests::Client::to(address).await.try_send(request).await;
        });
    }
    waiting(&gateway, 9.0).await;
    gate.add_permits(1);
    // Sooner than the second of them is given up.
    let asked_by_all = tollgate_tests::until("the others to ask", || (upstream.heads().len() == 10).then_some(()));
    tokio::time::timeout(Duration::from_secs(15), asked_by_all).await.expect("the others still wait");
    gate.add_permits(9);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn a_leader_that_gets_an_error_is_waited_for_only_once() {
    the_others_wait_only_once("HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
}

#[tokio::test]
async fn a_leader_that_gets_no_answer_is_waited_for_only_once() {
    the_others_wait_only_once("").await;
}

#[tokio::test]
async fn a_leader_that_gets_half_an_answer_is_waited_for_only_once() {
    let half = "HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 10\r\n\r\nhalf";
    the_others_wait_only_once(half).await;
}

#[tokio::test]
async fn a_leader_that_gets_another_variant_is_waited_for_only_once() {
    let variant = "HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\nvary: accept-language\r\n\
                   connection: close\r\ncontent-length: 2\r\n\r\nhi";
    the_others_wait_only_once(variant).await;
}

#[tokio::test]
async fn a_leader_whose_client_hangs_up_is_followed_by_one_and_not_by_all() {
    let (upstream, gate) = answering_once_let().await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut leader = ask_all(&gateway, 1);
    tollgate_tests::until("the leader to ask", || (upstream.heads().len() == 1).then_some(())).await;
    let mut followers = ask_all(&gateway, 9);
    waiting(&gateway, 9.0).await;
    leader.shutdown().await;
    tollgate_tests::until("the next to ask", || (upstream.heads().len() == 2).then_some(())).await;
    waiting(&gateway, 8.0).await;
    gate.add_permits(1);
    while let Some(answer) = within("an answer", followers.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "once".into()));
    }
    assert_eq!(upstream.heads().len(), 2);
}

#[tokio::test]
async fn a_leader_that_is_slow_is_waited_for_only_so_long() {
    let upstream = Upstream::scripted(|mut wire| async move {
        if wire.number == 1 {
            wire.head().await;
            return wire.closed().await;
        }
        // Followers of one worker may share a connection.
        while wire.head().await.is_some() {
            wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 4\r\n\r\ngood").await;
        }
    })
    .await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"100ms\"")).await;
    let leader = ask_all(&gateway, 1);
    tollgate_tests::until("the leader to ask", || (upstream.heads().len() == 1).then_some(())).await;
    let mut followers = ask_all(&gateway, 5);
    while let Some(answer) = within("an answer", followers.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "good".into()));
    }
    drop(leader);
}

#[tokio::test]
async fn what_turns_out_not_to_be_storable_is_fetched_side_by_side() {
    let upstream = Upstream::slow(SHORT, "mine").await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut asked = ask_all(&gateway, 20);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "mine".into()));
    }
    assert_eq!(upstream.seen().len(), 20);
    waiting(&gateway, 0.0).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_or_hangs_up_holds_up_nobody() {
    const BYTES: usize = 3 << 20;
    let upstream = Upstream::handling(|_| {
        Response::builder().header("cache-control", "max-age=100").body(vec![b'x'; BYTES].into()).unwrap()
    })
    .await;
    let gateway = Gateway::start(&cached(&upstream, "wait = \"1m\"")).await;
    let mut slow = gateway.raw().await;
    slow.write("GET / HTTP/1.1\r\nhost: web.example\r\n\r\n").await;
    slow.read_until("\r\n\r\n").await;
    let mut asked = ask_all(&gateway, 3);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        let (status, text) = answer.unwrap();
        assert_eq!((status, text.len()), (200, BYTES));
    }
    drop(slow);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 10\r\n\r\nhalf").await;
    })
    .await;
    let gateway = Gateway::start(&cached(&upstream, "")).await;
    for _ in 0..2 {
        let mut request = tollgate_tests::request("GET", "/", "");
        request.headers_mut().insert("host", "web.example".parse().unwrap());
        assert!(gateway.connect().await.try_send(request).await.is_err(), "the client sees that it is not whole");
    }
    assert_eq!(upstream.heads().len(), 2);
    gateway.metrics_with("tollgate_cache_unfinished_total", &[("plugin", "kept")], 2.0).await;
}

#[tokio::test]
async fn a_body_longer_than_an_object_may_be_passes_through_unstored() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while wire.head().await.is_some() {
            wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ntransfer-encoding: chunked\r\n\r\n").await;
            for _ in 0..8 {
                wire.write("400\r\n").await;
                wire.write("y".repeat(1024)).await;
                wire.write("\r\n").await;
            }
            wire.write("0\r\n\r\n").await;
        }
    })
    .await;
    let small = "\nlimits = { cache_object = \"4KiB\" }";
    let config = tollgate_tests::config()
        .upstream("web", [&upstream])
        .plugin("kept", &format!("use = \"cache\"{small}"))
        .route_with("/{*rest}", "web", "plugins = [\"kept\"]");
    let gateway = Gateway::start(&config).await;
    for _ in 0..2 {
        let answer = super::get(&gateway, "/", &[]).await;
        assert_eq!((answer.status, answer.body.len()), (200, 8192));
    }
    assert_eq!(upstream.heads().len(), 2);
    tokio::time::timeout(Duration::from_secs(20), waiting(&gateway, 0.0)).await.unwrap();
}
