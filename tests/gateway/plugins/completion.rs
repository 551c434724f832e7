//! `on-complete`: plugins are told what has become of a request, and nobody waits for them.

use std::time::Duration;

use tollgate_tests::{Config, Gateway, Upstream, config, guests, request};

use super::{faults, script};

/// Writes a line `NAME PATH STATUS ENDING MADE-BY ERROR UPSTREAM TARGET IN OUT took-time` for each request.
fn witness(name: &str) -> String {
    witness_with(&format!(r#"complete = ["tell {name} told"]"#))
}

fn witness_with(config: &str) -> String {
    format!("use = \"witness.wasm\"\nconfig = {{ {config} }}")
}

/// One worker, an upstream `web`, and a route `/p` with the plugin `p`.
fn with_p(upstream: &Upstream, settings: &str) -> Config {
    config().workers(1).upstream("web", [upstream]).plugin("p", settings).route_with(
        "/p",
        "web",
        "name = \"r\"\nplugins = [\"p\"]",
    )
}

async fn start(config: &Config) -> Gateway {
    let prepared = Gateway::with(config).plugin("scripted", guests::scripted());
    prepared.plugin("witness", guests::witness()).start().await
}

/// Sends the head and a first piece, then waits for the end of the connection.
async fn half() -> Upstream {
    Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        wire.closed().await;
    })
    .await
}

async fn asks(gateway: &Gateway, path: &str) -> tollgate_tests::Raw {
    let mut client = gateway.raw().await;
    client.write(&format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    client
}

#[tokio::test]
async fn a_request_is_told_with_all_there_is_to_know() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &witness("done"))).await;
    gateway.post("/p", "12345678").await;
    let line = gateway.log().line_with("done ").await;
    let told = format!("done /p 200 complete upstream - web 127.0.0.1:{} 8 8 took-time", upstream.port);
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["message"], told);
    assert_eq!((&json["hook"], &json["route"]), (&"on-complete".into(), &"r".into()));
    assert_eq!(json["id"], upstream.last().header("x-request-id"));
    let done = [("plugin", "p"), ("hook", "on-complete"), ("verdict", "done")];
    gateway.metrics_with("tollgate_plugin_calls_total", &done, 1.0).await;
}

#[tokio::test]
async fn notes_of_every_hook_and_the_head_as_it_was_sent_on_can_be_read() {
    let upstream = Upstream::answering("ok").await;
    let notes = script(r#"request = ["path /sent", "attribute a in"], response = ["attribute b out"]"#);
    let tells = witness_with(r#"complete = ["tell one a", "tell two b"]"#);
    let config = config().upstream("web", [&upstream]).plugin("tells", &tells).plugin("notes", &notes).route_with(
        "/p",
        "web",
        "plugins = [\"tells\", \"notes\"]",
    );
    let gateway = start(&config).await;
    gateway.get("/p").await;
    gateway.log().line_with("\"one /sent in\"").await;
    gateway.log().line_with("\"two /sent out\"").await;
}

#[tokio::test]
async fn after_a_short_circuit_only_those_the_request_got_to_are_told_the_last_one_first() {
    let upstream = Upstream::answering("ok").await;
    let responds = witness_with(r#"request = ["respond 403"], complete = ["tell second told"]"#);
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("a", &witness("first"))
        .plugin("b", &responds)
        .plugin("c", &witness("third"))
        .route_with("/p", "web", "plugins = [\"a\", \"b\", \"c\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.status, 403);
    gateway.log().line_with("first /p 403 complete b - - - 0 0").await;
    let text = gateway.log().text();
    assert!(text.find("second /p 403 complete b - - -").unwrap() < text.find("first /p").unwrap(), "{text}");
    assert!(!text.contains("third"), "{text}");
}

#[tokio::test]
async fn the_plugin_that_failed_is_not_told_and_those_before_it_are() {
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("a", &witness("first"))
        .plugin("b", &witness_with(r#"request = ["trap"], complete = ["tell second told"]"#))
        .route_with("/p", "web", "plugins = [\"a\", \"b\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.status, 500);
    gateway.log().line_with("first /p 500 complete gateway policy-failed - - 0 ").await;
    assert!(!gateway.log().text().contains("second /p"));
}

#[tokio::test]
async fn an_error_of_the_gateway_is_told_by_its_name() {
    let nobody = Upstream::refusing_port().await;
    let config = config()
        .upstream("web", [format!("http://127.0.0.1:{nobody}")])
        .plugin("p", &witness("done"))
        .route_with("/p", "web", "plugins = [\"p\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.status, 502);
    gateway
        .log()
        .line_with(&format!("done /p 502 complete gateway upstream-unreachable web 127.0.0.1:{nobody} "))
        .await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_answers_body_is_told() {
    let upstream = half().await;
    let gateway = start(&with_p(&upstream, &witness("done"))).await;
    let mut client = asks(&gateway, "/p").await;
    client.read_until("hello").await;
    drop(client);
    let told = format!("done /p 200 client-gone upstream - web 127.0.0.1:{} 0 5 ", upstream.port);
    gateway.log().line_with(&told).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_before_there_is_an_answer_is_told() {
    let upstream = Upstream::hanging().await;
    let gateway = start(&with_p(&upstream, &witness("done"))).await;
    let client = asks(&gateway, "/p").await;
    upstream.open(1).await;
    drop(client);
    gateway.log().line_with("done /p 0 client-gone gateway - web - 0 0 ").await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_a_hook_is_told_to_the_plugins_before_it() {
    let upstream = Upstream::hanging().await;
    let waits = witness_with(r#"request = ["call web /slow"], complete = ["tell second told"]"#);
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("a", &witness_with(r#"request = ["note who zoe"], complete = ["tell first told", "tell note who"]"#))
        .plugin("b", &(waits + "\ngrant = { http = [\"web\"] }"))
        .route_with("/p", "web", "plugins = [\"a\", \"b\"]");
    let gateway = start(&config).await;
    let client = asks(&gateway, "/p").await;
    upstream.open(1).await;
    drop(client);
    gateway.log().line_with("first /p 0 client-gone gateway - - - 0 0 ").await;
    gateway.log().line_with("\"note /p zoe\"").await;
    assert!(!gateway.log().text().contains("second /p"), "its own hook never came to an end");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_told() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    })
    .await;
    let gateway = start(&with_p(&upstream, &witness("done"))).await;
    assert!(gateway.connect().await.try_send(request("GET", "/p", "")).await.is_err());
    gateway.log().line_with(&format!("done /p 200 upstream-broke upstream - web 127.0.0.1:{} ", upstream.port)).await;
}

#[tokio::test]
async fn no_client_waits_for_a_plugin_that_is_told() {
    let (upstream, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let settings = witness_with(r#"complete = ["call slow /x"]"#) + "\ngrant = { http = [\"slow\"] }";
    let gateway = start(&with_p(&upstream, &settings).upstream("slow", [&slow])).await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("/p").await.text(), "ok");
    }
    slow.open(3).await;
    assert_eq!(client.get("/p").await.text(), "ok", "while three of them wait");
}

#[tokio::test]
async fn those_that_find_no_room_to_wait_are_dropped_and_counted() {
    let (upstream, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let limits = "\ngrant = { http = [\"slow\"] }\nlimits = { completions = 2, instances = 2, wall = \"1m\" }";
    let settings = witness_with(r#"complete = ["call slow /x"]"#) + limits;
    let gateway = start(&with_p(&upstream, &settings).upstream("slow", [&slow])).await;
    let mut client = gateway.connect().await;
    for _ in 0..5 {
        assert_eq!(client.get("/p").await.text(), "ok");
    }
    gateway.metrics_with("tollgate_plugin_completions_dropped_total", &[("plugin", "p")], 3.0).await;
    // Half of the instances are the clients'.
    slow.open(1).await;
}

#[tokio::test]
async fn none_waits_for_its_turn_longer_than_a_hook_may_take() {
    let (upstream, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let limits = "\ngrant = { http = [\"slow\"] }\nlimits = { instances = 2, wall = \"300ms\" }";
    let settings = witness_with(r#"complete = ["call slow /x"]"#) + limits;
    let gateway = start(&with_p(&upstream, &settings).upstream("slow", [&slow])).await;
    let mut client = gateway.connect().await;
    for _ in 0..8 {
        assert_eq!(client.get("/p").await.text(), "ok");
    }
    // One by one they would need 2.4 seconds; whether the second is just in time is the scheduler's to say.
    let told = async || {
        let metrics = gateway.metrics().await;
        let dropped = metrics.sum("tollgate_plugin_completions_dropped_total", &[("plugin", "p")]);
        let ran = metrics.sum("tollgate_plugin_calls_total", &[("plugin", "p"), ("hook", "on-complete")]);
        (dropped + ran > 7.5).then_some((dropped, ran))
    };
    let (dropped, ran) = tollgate_tests::wait::until_async("all to be over", told).await;
    assert!(dropped > 5.5 && ran > 0.5, "{dropped} dropped, {ran} ran");
}

#[tokio::test]
async fn a_fault_there_is_logged_and_counted_and_costs_no_client_anything() {
    let upstream = Upstream::answering("ok").await;
    for (step, reason, says) in [
        ("trap", "trap", "as the script says"),
        ("spin", "cpu", "more CPU time"),
        ("change", "trap", "`request.set-path` was called in `on-complete`"),
    ] {
        let gateway = start(&with_p(&upstream, &witness_with(&format!("complete = [\"{step}\"]")))).await;
        let mut client = gateway.connect().await;
        for _ in 0..2 {
            assert_eq!(client.get("/p").await.text(), "ok", "{step}");
        }
        let failed = [("plugin", "p"), ("hook", "on-complete"), ("reason", reason)];
        gateway.metrics_with("tollgate_plugin_errors_total", &failed, 2.0).await;
        assert!((faults(&gateway, reason).await - 2.0).abs() < 0.5, "{step}: no other hook failed");
        gateway.log().line_with(says).await;
        gateway.log().line_with("plugin failed").await;
    }
}

#[tokio::test]
async fn a_plugin_that_skips_it_is_not_called() {
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("skips", &witness_with(r#"skip = true, complete = ["tell skipped told"]"#))
        .plugin("tells", &witness("done"))
        .route_with("/p", "web", "plugins = [\"tells\", \"skips\"]");
    let gateway = start(&config).await;
    gateway.get("/p").await;
    // It would have been told first.
    gateway.log().line_with("done /p 200").await;
    assert!(!gateway.log().text().contains("skipped /p"));
}

#[tokio::test]
async fn a_gateway_that_stops_waits_for_them() {
    let upstream = Upstream::answering("ok").await;
    let slow = Upstream::slow(Duration::from_millis(500), "late").await;
    let settings = witness_with(r#"complete = ["call slow /x"]"#) + "\ngrant = { http = [\"slow\"] }";
    let mut gateway = start(&with_p(&upstream, &settings).upstream("slow", [&slow])).await;
    assert_eq!(gateway.get("/p").await.text(), "ok");
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.log().line_with("call late").await;
}

#[tokio::test]
async fn a_gateway_that_stops_waits_no_longer_than_its_drain() {
    let (upstream, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let settings =
        witness_with(r#"complete = ["call slow /x"]"#) + "\ngrant = { http = [\"slow\"] }\nlimits = { wall = \"1m\" }";
    let config = with_p(&upstream, &settings).upstream("slow", [&slow]).server("drain = \"200ms\"");
    let mut gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.text(), "ok");
    slow.open(1).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.log().line_with("`on-complete` hooks were cut").await;
}

#[tokio::test]
async fn a_request_that_outlives_a_reload_is_told_to_the_plugins_it_began_with() {
    let upstream = half().await;
    let gateway = start(&with_p(&upstream, &witness("old"))).await;
    let mut client = asks(&gateway, "/p").await;
    client.read_until("hello").await;
    gateway.reload(&with_p(&upstream, &witness("new"))).await;
    drop(client);
    gateway.log().line_with("old /p 200 client-gone").await;
    assert!(!gateway.log().text().contains("new /p"));
    gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
}
