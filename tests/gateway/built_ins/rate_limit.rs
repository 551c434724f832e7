//! `rate-limit`: one limit for all workers, that outlives a reload.

use tollgate_tests::{Answer, Config, Gateway, Upstream, config, request};

fn limited(upstream: &Upstream, by: &str, route: &str) -> Config {
    config()
        .workers(2)
        .upstream("web", [upstream])
        .plugin("limit", &format!("use = \"rate-limit\"\nconfig = {{ limit = 5, per = \"1h\", by = {by} }}"))
        .route_with("/", "web", &format!("name = \"{route}\"\nplugins = [\"limit\"]"))
}

async fn ask(gateway: &Gateway, key: &str) -> Answer {
    let mut asked = request("GET", "/", "");
    asked.headers_mut().insert("x-api-key", key.parse().unwrap());
    gateway.send(asked).await
}

#[tokio::test]
async fn the_limit_holds_over_all_workers_and_connections() {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::start(&limited(&upstream, "\"client-address\"", "r")).await;
    let mut clients = [gateway.connect().await, gateway.connect().await, gateway.connect().await];
    let mut statuses = Vec::new();
    for round in 0..9 {
        statuses.push(clients[round % 3].get("/").await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429, 429]);
    assert_eq!(upstream.seen().len(), 5);
}

#[tokio::test]
async fn a_client_is_told_where_it_stands() {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::start(&limited(&upstream, "\"client-address\"", "r")).await;
    let first = gateway.get("/").await;
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=5;w=3600");
    assert!(first.header("ratelimit").starts_with("\"default\";r=4;t="), "{first:?}");
    for _ in 0..4 {
        gateway.get("/").await;
    }
    let refused = gateway.get("/").await;
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.status == 429 && (1..=720).contains(&wait), "one of five comes back every 12 minutes: {wait}");
    let lines = gateway.access_lines(6).await;
    assert_eq!(lines.iter().filter(|line| line["source"] == "plugin limit").count(), 1, "{lines:?}");
}

#[tokio::test]
async fn each_key_has_a_limit_of_its_own() {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::start(&limited(&upstream, "{ header = \"x-api-key\" }", "r")).await;
    for _ in 0..5 {
        assert_eq!(ask(&gateway, "a").await.status, 200);
    }
    assert_eq!((ask(&gateway, "a").await.status, ask(&gateway, "b").await.status), (429, 200));
}

#[tokio::test]
async fn a_client_that_cannot_be_counted_is_refused_and_those_that_are_counted_are_not() {
    let upstream = Upstream::answering("ok").await;
    let config = limited(&upstream, "{ header = \"x-api-key\" }", "r").table("[plugins.limit.limits]\nrate_keys = 2");
    let gateway = Gateway::start(&config).await;
    assert_eq!((ask(&gateway, "a").await.status, ask(&gateway, "b").await.status), (200, 200));
    let refused = ask(&gateway, "c").await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (503, Some("rate_limit_unavailable")));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask(&gateway, "a").await.status, 200);
    assert_eq!(upstream.seen().len(), 3);
    gateway.log().line_with("the gateway tracks its maximum of rate keys already").await;
}

#[tokio::test]
async fn a_reload_gives_nobody_new_requests() {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::start(&limited(&upstream, "\"client-address\"", "before")).await;
    for _ in 0..5 {
        assert_eq!(gateway.get("/").await.status, 200);
    }
    gateway.reload(&limited(&upstream, "\"client-address\"", "after")).await;
    assert_eq!(gateway.get("/").await.status, 429);
}
