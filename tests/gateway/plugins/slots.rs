//! All the instances there is room for, of all plugins and workers together.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tollgate_tests::{Raw, Upstream, config};

use super::queue::behind;
use super::{script, start};

/// As in the message, and in docs/plugins.md.
const SLOTS: usize = 4096;
/// As deep as calls may be nested: a request holds an instance on each level.
const LEVELS: usize = 32;

#[tokio::test]
async fn where_every_slot_is_taken_a_request_is_refused_and_what_runs_goes_on() {
    let gate = Arc::new(Semaphore::new(0));
    let upstream = behind(&gate).await;
    let healthy = Upstream::answering("healthy").await;
    let mut config = config()
        .upstream("web", [&upstream])
        .upstream("healthy", [&healthy])
        .limit(&format!("depth = {LEVELS}"))
        .route("/healthy", "healthy");
    for level in 0..LEVELS {
        let (step, grant) = if level + 1 == LEVELS {
            ("call web /".to_owned(), "http = [\"web\"]".to_owned())
        } else {
            (format!("call-route /{} /{}", level + 1, level + 1), format!("routes = [\"/{}\"]", level + 1))
        };
        let settings = script(&format!("request = [\"{step}\"]"))
            + &format!("\ngrant = {{ {grant} }}\nlimits = {{ instances = {SLOTS}, wall = \"2m\", cpu = \"1s\" }}");
        let name = format!("p{level}");
        config = config
            .plugin(&name, &settings)
            .route_without_upstream(&format!("/{level}"), &format!("plugins = [\"{name}\"]\ntimeout = \"2m\""));
    }
    let gateway = start(&config).await;
    let mut held: Vec<Raw> = Vec::new();
    let refused = loop {
        // One after the other, so that none is refused half-way that another is.
        let mut client = gateway.raw().await;
        client.write("GET /0 HTTP/1.1\r\nhost: a\r\n\r\n").await;
        tokio::select! {
            answer = client.answer() => break answer,
            () = upstream.open(held.len() + 1) => held.push(client),
        }
        assert!(held.len() <= SLOTS / LEVELS, "{} requests hold {LEVELS} instances each", held.len());
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(gateway.get("/healthy").await.text(), "healthy");
    let line = gateway.log().line_with("all instances that the gateway has room for").await;
    assert!(line.contains(&SLOTS.to_string()), "{line}");

    gate.add_permits(Semaphore::MAX_PERMITS);
    for client in &mut held {
        assert_eq!(client.answer().await.text(), "late");
    }
    assert_eq!(gateway.get("/0").await.text(), "late");
}
