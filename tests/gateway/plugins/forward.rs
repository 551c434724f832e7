//! A plugin that chooses the upstream of a request.

use std::process::Command;

use tollgate_tests::{Config, Upstream, binary, config, guests, request};

use super::{script, start};

const GRANT: &str = "\ngrant = { forward = [\"blue\", \"green\"] }";

/// Two upstreams, `blue` and `green`, and a route to `blue`; the plugin `p` follows the script.
fn two(blue: &Upstream, green: &Upstream, steps: &str, grant: &str) -> Config {
    config()
        .workers(1)
        .upstream("blue", [blue])
        .upstream("green", [green])
        .plugin("p", &(script(steps) + grant))
        .route_with("/p/{*rest}", "blue", "strip_prefix = \"/p\"\nplugins = [\"p\"]")
        .route_without_upstream("/none", "plugins = [\"p\"]")
}

async fn blue_and_green() -> (Upstream, Upstream) {
    (Upstream::answering("blue").await, Upstream::answering("green").await)
}

#[tokio::test]
async fn a_granted_upstream_gets_the_request_and_the_log_and_the_metrics_say_so() {
    let (blue, green) = blue_and_green().await;
    let gateway = start(&two(&blue, &green, r#"request = ["upstream green"]"#, GRANT)).await;
    for (path, seen) in [("/p/a?b=c", "/a?b=c"), ("/none", "/none")] {
        assert_eq!(gateway.get(path).await.text(), "green", "{path}");
        assert_eq!(green.last().path, seen);
        let line = gateway.access_line(path).await;
        assert_eq!((&line["upstream"], &line["upstream_chosen_by"]), (&"green".into(), &"p".into()), "{line}");
        assert_eq!(line["target"], format!("127.0.0.1:{}", green.port));
    }
    assert!(blue.seen().is_empty());
    let metrics = gateway.metrics_with("tollgate_upstream_requests_total", &[("upstream", "green")], 2.0).await;
    assert!(metrics.sum("tollgate_upstream_requests_total", &[("upstream", "blue")]) < 0.5);
}

#[tokio::test]
async fn the_choice_may_wait_for_the_body_and_the_last_one_counts() {
    let (blue, green) = blue_and_green().await;
    let steps = r#"request = ["upstream green", "need-body 100"], body = ["upstream blue"]"#;
    let gateway = start(&two(&blue, &green, steps, GRANT)).await;
    assert_eq!(gateway.post("/p/a", "hello").await.text(), "blue");
    assert_eq!(blue.last().body, "hello");
    let line = gateway.access_line("/p/a").await;
    assert_eq!((&line["upstream"], &line["upstream_chosen_by"]), (&"blue".into(), &"p".into()), "{line}");
}

#[tokio::test]
async fn what_is_not_granted_is_an_error_that_names_the_grant() {
    let (blue, green) = blue_and_green().await;
    // To call an upstream is another right.
    let grant = "\ngrant = { http = [\"green\"], forward = [\"blue\"] }";
    let gateway = start(&two(&blue, &green, r#"request = ["upstream green"]"#, grant)).await;
    let answer = gateway.get("/p/a").await;
    assert_eq!((answer.status, answer.text()), (500, r#"upstream green: [plugins.p] grant.forward has no "green""#));
    assert!(green.seen().is_empty() && blue.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_counted_for_the_upstream_that_was_chosen() {
    let blue = Upstream::answering("blue").await;
    let green = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    })
    .await;
    let gateway = start(&two(&blue, &green, r#"request = ["upstream green"]"#, GRANT)).await;
    assert!(gateway.connect().await.try_send(request("GET", "/p/a", "")).await.is_err());
    let labels = [("upstream", "green"), ("reason", "body")];
    let metrics = gateway.metrics_with("tollgate_upstream_failures_total", &labels, 1.0).await;
    assert!(metrics.sum("tollgate_upstream_failures_total", &[("upstream", "blue")]) < 0.5);
}

#[tokio::test]
async fn a_reload_in_the_middle_does_not_change_where_the_request_goes() {
    let (blue, green) = blue_and_green().await;
    let steps = r#"request = ["upstream green", "need-body 100"]"#;
    let gateway = start(&two(&blue, &green, steps, GRANT)).await;
    let mut client = gateway.raw().await;
    client.write("POST /p/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel").await;
    // `green` is another service now, then none at all.
    gateway.reload(&two(&blue, &blue, steps, GRANT)).await;
    gateway.reload(&config().upstream("blue", [&blue]).route("/", "blue")).await;
    client.write("lo").await;
    assert_eq!(client.answer().await.text(), "green");
    assert_eq!(green.last().body, "hello");
}

#[tokio::test]
async fn an_unchanged_plugin_follows_upstreams_that_move() {
    let (blue, green) = blue_and_green().await;
    let steps = r#"request = ["upstream green"]"#;
    let gateway = start(&two(&blue, &green, steps, GRANT)).await;
    assert_eq!(gateway.get("/p/a").await.text(), "green");
    // One more upstream in front of the others: their places in the config change, their names do not.
    let amber = Upstream::answering("amber").await;
    let moved = config().workers(1).upstream("amber", [&amber]);
    let moved = moved.upstream("green", [&green]).upstream("blue", [&blue]);
    let moved = moved.plugin("p", &(script(steps) + GRANT)).route_with("/p/{*rest}", "blue", "plugins = [\"p\"]");
    gateway.reload(&moved).await;
    assert_eq!(gateway.get("/p/a").await.text(), "green");
}

#[tokio::test]
async fn explain_says_which_plugin_may_choose_what() {
    let (blue, green) = blue_and_green().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/scripted.wasm"), guests::scripted()).unwrap();
    let config = folder.path().join("tollgate.toml");
    std::fs::write(&config, two(&blue, &green, "", GRANT).to_string()).unwrap();
    for (path, upstream) in [("/p/a", "blue (RoundRobin)"), ("/none", "none: a plugin of the chain chooses one")] {
        let explain = Command::new(binary::path()).args(["explain", "GET", path, "--config"]).arg(&config).output();
        let said = String::from_utf8(explain.unwrap().stdout).unwrap();
        assert!(said.contains("p: ") && said.contains("may choose the upstream: blue, green"), "{said}");
        assert!(said.contains(&format!("upstream   {upstream}")), "{said}");
    }
}
