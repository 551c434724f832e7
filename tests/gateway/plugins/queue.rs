//! `tollgate_plugin_queue` and its like: hooks that find no free instance.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tollgate_tests::{Gateway, Raw, Upstream};

use super::{script, start, with_p};

const ON_REQUEST: [(&str, &str); 2] = [("plugin", "p"), ("hook", "on-request")];

/// Answers only once the gate has a permit.
pub(super) async fn behind(gate: &Arc<Semaphore>) -> Upstream {
    let gate = Arc::clone(gate);
    Upstream::scripted(move |mut wire| {
        let gate = Arc::clone(&gate);
        async move {
            while wire.head().await.is_some() {
                let _open = gate.acquire().await;
                wire.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate").await;
            }
        }
    })
    .await
}

async fn ask(gateway: &Gateway) -> Raw {
    let mut client = gateway.raw().await;
    client.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client
}

#[tokio::test]
async fn a_hook_that_finds_no_free_instance_is_counted_and_so_is_the_time_it_waits() {
    let gate = Arc::new(Semaphore::new(0));
    let upstream = behind(&gate).await;
    let settings = script(r#"request = ["call web /"]"#)
        + "\ngrant = { http = [\"web\"] }\nlimits = { instances = 1, wall = \"1m\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let mut holds = ask(&gateway).await;
    upstream.open(1).await;
    let before = gateway.metrics().await;
    let numbers = ["tollgate_plugin_queued_total", "tollgate_plugin_queue_seconds_total", "tollgate_plugin_queue"];
    for name in numbers {
        let value = before.sum(name, &[("plugin", "p")]);
        assert!(value < f64::EPSILON, "{name} is {value}, and the hook had an instance at once");
    }

    let mut waits = ask(&gateway).await;
    gateway.metrics_with("tollgate_plugin_queue", &[("plugin", "p")], 1.0).await;
    let seen_waiting = Instant::now();
    // The gate stays closed while something else is done.
    assert_eq!(gateway.get("/nowhere").await.status, 404);
    let waited_for_sure = seen_waiting.elapsed().as_secs_f64();
    gate.add_permits(1);
    assert_eq!((holds.answer().await.text(), waits.answer().await.text()), ("late", "late"));

    gateway.metrics_with("tollgate_plugin_queue", &[("plugin", "p")], 0.0).await;
    let metrics = gateway.metrics_with("tollgate_plugin_queued_total", &ON_REQUEST, 1.0).await;
    let waited = metrics.sum("tollgate_plugin_queue_seconds_total", &ON_REQUEST);
    assert!(waited >= waited_for_sure, "{waited} s, and it was seen to wait for {waited_for_sure} s");
}

#[tokio::test]
async fn instances_that_no_hook_needs_any_more_are_given_up_but_for_one() {
    const CLIENTS: usize = 5;
    let gate = Arc::new(Semaphore::new(0));
    let upstream = behind(&gate).await;
    let settings = script(r#"request = ["call web /"]"#)
        + "\ngrant = { http = [\"web\"] }\nlimits = { idle_for = \"500ms\", wall = \"1m\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(ask(&gateway).await);
    }
    upstream.open(CLIENTS).await;
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 5.0).await;
    gate.add_permits(CLIENTS);
    for mut client in clients {
        assert_eq!(client.answer().await.text(), "late");
    }
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 1.0).await;
    gate.add_permits(1);
    assert_eq!(gateway.get("/p").await.text(), "late");
    let made = gateway.metrics().await.sum("tollgate_plugin_instances_created_total", &[("plugin", "p")]);
    assert!((made - 5.0).abs() < 0.5, "the one that was kept serves the next: {made} were made");
}
