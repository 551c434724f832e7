//! `cache_bytes` and `cache_waiting` of a plugin.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tollgate_tests::metrics::Metrics;
use tollgate_tests::{Config, Gateway, Upstream, config, until, within};

use super::{ask_all, get};

/// The most that is kept. An eighth of it is 8 KiB.
const BYTES: usize = 64 << 10;

fn limited(upstream: &Upstream, limits: &str) -> Config {
    let settings = format!("use = \"cache\"\nconfig = {{ wait = \"1m\" }}\nlimits = {{ {limits} }}");
    config().upstream("web", [upstream]).plugin("kept", &settings).route_with("/{*rest}", "web", "plugins = [\"kept\"]")
}

/// Answers with what may be kept, as many bytes as the path says.
async fn storable() -> Upstream {
    Upstream::handling(|seen| {
        let length = seen.path.rsplit('/').next().unwrap().parse().unwrap();
        let answer = http::Response::builder().header("cache-control", "max-age=1000");
        answer.body(vec![b'x'; length].into()).unwrap()
    })
    .await
}

fn asked_for(upstream: &Upstream, path: &str) -> usize {
    upstream.seen().iter().filter(|seen| seen.path == path).count()
}

fn kept(metrics: &Metrics, name: &str) -> f64 {
    metrics.sum(&format!("tollgate_cache_{name}"), &[("plugin", "kept")])
}

#[tokio::test]
#[allow(clippy::cast_precision_loss, reason = "so many bytes a float counts exactly")]
async fn what_is_used_least_goes_where_more_is_stored_than_fits() {
    let upstream = storable().await;
    let gateway = Gateway::start(&limited(&upstream, &format!("cache_bytes = \"{BYTES}B\""))).await;
    for number in 0..300 {
        for path in ["/often/500", &format!("/{number}/500")] {
            let answer = get(&gateway, path, &[]).await;
            assert_eq!((answer.status, answer.body.len()), (200, 500), "{path}");
        }
    }
    let metrics = gateway.metrics().await;
    let (bytes, stored, evicted) =
        (kept(&metrics, "bytes"), kept(&metrics, "stored_total"), kept(&metrics, "evicted_total"));
    assert!(bytes <= BYTES as f64 && bytes > 0.0, "{bytes} bytes are kept");
    assert!(stored > 300.0, "{stored} were stored");
    assert!(evicted > 100.0 && kept(&metrics, "keys") <= stored - evicted, "{evicted} of {stored} went");
    assert_eq!(asked_for(&upstream, "/often/500"), 1, "what is used most went");
    get(&gateway, "/0/500", &[]).await;
    assert_eq!(asked_for(&upstream, "/0/500"), 2, "what was used once, long ago, is still there");
}

#[tokio::test]
async fn a_body_longer_than_an_eighth_of_what_is_kept_is_not_stored() {
    let upstream = storable().await;
    // The default of `cache_object` would let it be stored.
    let gateway = Gateway::start(&limited(&upstream, &format!("cache_bytes = \"{BYTES}B\""))).await;
    for (path, asked) in [("/4000", 1), ("/9000", 3)] {
        for _ in 0..3 {
            let answer = get(&gateway, path, &[]).await;
            assert_eq!((answer.status, &*format!("/{}", answer.body.len())), (200, path));
        }
        assert_eq!(asked_for(&upstream, path), asked, "{path}");
    }
}

#[tokio::test]
async fn what_is_said_to_be_stored_is_stored_however_little_room_there_is() {
    let upstream = storable().await;
    let gateway = Gateway::start(&limited(&upstream, &format!("cache_bytes = \"{BYTES}B\""))).await;
    let (mut stored, mut refused) = (0, 0);
    for length in (5000..9000).step_by(100) {
        let path = format!("/{length}");
        let told = get(&gateway, &path, &[]).await.header("cache-status").contains("stored");
        get(&gateway, &path, &[]).await;
        assert_eq!(asked_for(&upstream, &path), if told { 1 } else { 2 }, "{path}: stored: {told}");
        *if told { &mut stored } else { &mut refused } += 1;
    }
    assert!(stored > 5 && refused > 5, "{stored} are stored, {refused} are not");
}

#[tokio::test]
async fn more_requests_than_may_wait_for_anothers_fetch_go_on_by_themselves() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let upstream = Upstream::scripted(move |mut wire| {
        let held = Arc::clone(&held);
        async move {
            while wire.head().await.is_some() {
                let _open = held.acquire().await;
                wire.write("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\ncontent-length: 4\r\n\r\ngood").await;
            }
        }
    })
    .await;
    let gateway = Gateway::start(&limited(&upstream, "cache_waiting = 2")).await;
    // One fetches, two wait for it, and two are too many.
    let mut asked = ask_all(&gateway, 5);
    until("three requests to get to the upstream", || (upstream.heads().len() == 3).then_some(())).await;
    let metrics = gateway.metrics_with("tollgate_cache_waiting", &[("plugin", "kept")], 2.0).await;
    assert!(kept(&metrics, "coalesced_total") < 0.5, "nobody was answered yet");
    gate.add_permits(1);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "good".into()));
    }
    assert_eq!(upstream.heads().len(), 3);
    gateway.metrics_with("tollgate_cache_coalesced_total", &[("plugin", "kept")], 2.0).await;
}

/// What is too long to be noted of a response is no reason to refuse it.
#[tokio::test]
async fn what_has_longer_fields_than_a_store_takes_is_served_and_not_stored() {
    let many = |what: &str| (0..400).map(|number| format!("{what}-{number}")).collect::<Vec<_>>().join(", ");
    let fields = [
        ("/vary-cookie", "vary", "cookie".to_owned()),
        ("/vary-many", "vary", many("x")),
        ("/private", "cache-control", format!("max-age=1000, private=\"{}\"", many("x"))),
        ("/meta", "etag", format!("\"{}\"", "e".repeat(30_000))),
        ("/plain", "x-a", "b".to_owned()),
    ];
    let answers = fields.clone();
    let upstream = Upstream::handling(move |seen| {
        let answer = http::Response::builder().header("cache-control", "max-age=1000");
        let (_, name, value) = answers.iter().find(|(path, ..)| seen.path.starts_with(path)).unwrap();
        let answer = if *name == "etag" { answer.header("last-modified", "x".repeat(30_000)) } else { answer };
        answer.header(*name, value).body("whole".into()).unwrap()
    })
    .await;
    let gateway = Gateway::start(&limited(&upstream, "")).await;
    let cookie = "c".repeat(9000);
    let long = format!("/plain/{}", "l".repeat(9000));
    for path in fields.iter().map(|(path, ..)| *path).chain([long.as_str()]) {
        for asked in 1..=2 {
            let answer = get(&gateway, path, &[("cookie", &cookie)]).await;
            assert_eq!((answer.status, answer.text()), (200, "whole"), "{path}");
            assert_eq!(asked_for(&upstream, path), if path == "/plain" { 1 } else { asked }, "{path}");
        }
    }
    let labels = [("plugin", "kept")];
    assert!(gateway.metrics().await.sum("tollgate_plugin_errors_total", &labels) < 0.5, "a hook failed");
}
