//! Plugins that call routes of their own gateway.

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

use super::{script, start};

/// One worker; the plugin `p` answers `/p` with what the route `inner` answers to `call`.
fn calling(call: &str, web: &Upstream) -> Config {
    let settings = script(&format!("request = [\"call-route inner {call}\"]")) + "\ngrant = { routes = [\"inner\"] }";
    config().workers(1).upstream("web", [web]).plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]")
}

fn inner(config: Config, settings: &str) -> Config {
    config.route_with("/in/{id}", "web", &format!("name = \"inner\"\n{settings}"))
}

#[tokio::test]
async fn a_call_of_a_route_runs_through_its_chain_and_its_upstream() {
    let web = Upstream::echoing().await;
    let plugin = script(r#"request = ["set x-chain ran"]"#);
    let config = inner(calling("/in/7?q=1", &web), "plugins = [\"c\"]\nstrip_prefix = \"/in\"").plugin("c", &plugin);
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.status, 200);
    let seen = web.last();
    assert_eq!((seen.path.as_str(), seen.header("x-chain")), ("/7?q=1", "ran"));
    assert_eq!((seen.header("x-forwarded-for"), seen.header("x-request-id").len()), ("127.0.0.1", 32));
}

#[tokio::test]
async fn an_error_of_the_route_is_an_answer_of_the_call() {
    let web = Upstream::answering("web").await;
    let refusing = script(r#"request = ["respond 403 no"]"#);
    let config = inner(calling("/in/7", &web), "plugins = [\"c\"]").plugin("c", &refusing);
    let answer = start(&config).await.get("/p").await;
    assert_eq!((answer.status, answer.text()), (403, "no"));
    let config = inner(calling("/in/7", &web), "plugins = [\"c\"]").plugin("c", &script(r#"request = ["trap"]"#));
    let answer = start(&config).await.get("/p").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")));
}

#[tokio::test]
async fn a_path_that_is_not_the_routes_own_goes_to_it_all_the_same() {
    let web = Upstream::echoing().await;
    let config = inner(calling("/elsewhere", &web), "methods = [\"POST\"]\nhost = \"a.example\"");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.status, 200);
    assert_eq!((web.last().path, web.last().method), ("/elsewhere".into(), "GET".into()));
}

#[tokio::test]
async fn attributes_of_the_request_are_not_those_of_the_call() {
    let web = Upstream::echoing().await;
    let settings =
        script(r#"request = ["attribute who outer", "call-route inner /in/7"]"#) + "\ngrant = { routes = [\"inner\"] }";
    let config = config()
        .workers(1)
        .upstream("web", [&web])
        .plugin("p", &settings)
        .plugin("c", &script(r#"request = ["show-attribute who x-who"]"#))
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let gateway = start(&inner(config, "plugins = [\"c\"]")).await;
    gateway.get("/p").await;
    assert_eq!(web.last().header("x-who"), "none");
}

#[tokio::test]
async fn a_route_that_is_not_granted_is_denied() {
    let web = Upstream::answering("web").await;
    let config = config()
        .upstream("web", [&web])
        .plugin("p", &script(r#"request = ["call-route inner /in/7"]"#))
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let answer = start(&inner(config, "")).await.get("/p").await;
    assert!(answer.text().contains("grant.routes has no \"inner\""), "{}", answer.text());
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn a_route_that_calls_itself_ends_at_the_depth_limit() {
    let web = Upstream::answering("web").await;
    for depth in [0, 2] {
        let config = calling("/p", &web)
            .limit(&format!("depth = {depth}"))
            .route_without_upstream("/loop", "name = \"inner\"\nplugins = [\"p\"]");
        let gateway = start(&config).await;
        let answer = gateway.get("/p").await;
        assert!(answer.status == 500 && answer.text().contains("server.limits.depth"), "{}", answer.text());
        gateway
            .metrics_with(
                "tollgate_plugin_calls_total",
                &[("plugin", "p"), ("hook", "on-request")],
                f64::from(depth + 1),
            )
            .await;
    }
}

#[tokio::test]
async fn a_call_that_comes_back_over_the_network_ends_at_the_depth_limit() {
    // A port that is known before the gateway listens on it.
    let port = Upstream::refusing_port().await;
    let origin = format!("http://127.0.0.1:{port}");
    let settings =
        script(&format!("request = [\"call-origin {origin} /p\"]")) + &format!("\ngrant = {{ http = [\"{origin}\"] }}");
    let text = config().plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]").to_string();
    let text = text.replacen("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""), 1);
    let gateway =
        Gateway::with(&config()).plugin("scripted", guests::scripted()).file("tollgate.toml", text).start().await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (508, Some("loop")));
    // The client's request, and one for each level.
    gateway.metrics_with("tollgate_plugin_calls_total", &[("plugin", "p"), ("hook", "on-request")], 5.0).await;
}

#[tokio::test]
async fn a_call_counts_as_no_request_of_a_client() {
    let web = Upstream::answering("web").await;
    let gateway = start(&inner(calling("/in/7", &web), "")).await;
    assert_eq!(gateway.get("/p").await.text(), "web");
    let line = gateway.access_line("/p").await;
    assert_eq!(line["route"], "/p");
    let metrics = gateway.metrics_with("tollgate_requests_total", &[("route", "/p")], 1.0).await;
    assert!(metrics.sum("tollgate_requests_total", &[("route", "inner")]).abs() < 0.5);
    assert!((metrics.sum("tollgate_upstream_requests_total", &[("upstream", "web")]) - 1.0).abs() < 0.5);
    assert_eq!(gateway.access_lines(1).await.len(), 1);
}

#[tokio::test]
async fn a_body_goes_to_the_route_unless_it_is_longer_than_the_route_takes() {
    let web = Upstream::echoing().await;
    for (body, status) in [("four", 200), ("fives", 413)] {
        let settings =
            script(&format!("request = [\"post-route inner {body}\"]")) + "\ngrant = { routes = [\"inner\"] }";
        let config =
            config().upstream("web", [&web]).plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]");
        let answer = start(&inner(config, "body_limit = \"4B\"")).await.get("/p").await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(web.seen().iter().map(|seen| seen.body.clone()).collect::<Vec<_>>(), ["four"]);
}
