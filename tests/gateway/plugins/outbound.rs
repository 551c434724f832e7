//! Plugins that call other services.

use std::time::Duration;

use tollgate_tests::{Gateway, Upstream, config, guests};

use super::{script, start};

#[tokio::test]
async fn a_granted_upstream_and_a_granted_origin_can_be_called() {
    let other = Upstream::answering("other").await;
    let config = config()
        .upstream("other", [&other])
        .plugin("p", &(script(r#"request = ["call other /x?y=z"]"#) + "\ngrant = { http = [\"other\"] }"))
        .plugin(
            "o",
            &(script(&format!(r#"request = ["call-origin {other} /o"]"#))
                + &format!("\ngrant = {{ http = [\"{other}\"] }}")),
        )
        .route_without_upstream("/p", "plugins = [\"p\"]")
        .route_without_upstream("/o", "plugins = [\"o\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.text(), "other");
    assert_eq!(other.last().path, "/x?y=z");
    assert_eq!(other.last().header("accept-encoding"), "identity", "a plugin can make nothing of a compressed answer");
    assert_eq!(gateway.get("/o").await.text(), "other");
    assert_eq!(other.last().path, "/o");
    assert_eq!(other.last().header("host"), format!("127.0.0.1:{}", other.port));
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_not_asked() {
    let other = Upstream::answering("other").await;
    for step in ["call other /x".to_owned(), format!("call-origin {other} /x")] {
        let config = config()
            .upstream("other", [&other])
            .plugin("p", &script(&format!("request = [\"{step}\"]")))
            .route_without_upstream("/p", "plugins = [\"p\"]");
        let answer = start(&config).await.get("/p").await;
        assert!(answer.status == 500 && answer.text().contains("not granted"), "{step}: {}", answer.text());
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_plugin_learns_what_it_may_call_before_anybody_asks_for_it() {
    let other = Upstream::answering("other").await;
    let grant = format!("\ngrant = {{ http = [\"other\", \"{other}\", \"https://*\"], routes = [\"/p\"] }}");
    let (granted, origin) = ("granted", other.to_string());
    for (target, told) in [
        ("upstream other", granted),
        ("upstream others", r#"[plugins.p] grant.http has no "others""#),
        (&format!("origin {origin}"), granted),
        (&format!("origin {origin}/x"), &format!("[plugins.p] grant.http has no \"{origin}/x\"")),
        ("origin https://any.example:8443", r#"[plugins.p] grant.http has no "https://any.example:8443""#),
        ("origin https://any.example", granted),
        ("route /p", granted),
        ("route /q", r#"[plugins.p] grant.routes has no "/q""#),
    ] {
        let settings = script(&format!("ask = \"may-call {target}\", request = [\"tell configured\"]")) + &grant;
        let config = config()
            .upstream("other", [&other])
            .plugin("p", &settings)
            .route_without_upstream("/p", "plugins = [\"p\"]");
        assert_eq!(start(&config).await.get("/p").await.text(), told, "{target}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_the_plugin_sees() {
    let origin = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let config = config()
        .plugin(
            "p",
            &(script(&format!(r#"request = ["call-origin {origin} /"]"#))
                + &format!("\ngrant = {{ http = [\"{origin}\"] }}")),
        )
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let answer = start(&config).await.get("/p").await;
    assert!(answer.status == 500 && answer.text().contains("unreachable"), "{}", answer.text());
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_is_an_error_the_plugin_sees() {
    let other = Upstream::answering("0123456789").await;
    let config = config()
        .upstream("other", [&other])
        .plugin(
            "p",
            &(script(r#"request = ["call other /"]"#) + "\ngrant = { http = [\"other\"] }\nlimits = { body = \"9B\" }"),
        )
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let answer = start(&config).await.get("/p").await;
    assert!(answer.status == 500 && answer.text().contains("limits.body"), "{}", answer.text());
}

#[tokio::test]
async fn a_route_on_which_no_plugin_answers_is_a_500() {
    let config =
        config().plugin("p", &script(r#"request = ["set x-a b"]"#)).route_without_upstream("/p", "plugins = [\"p\"]");
    let gateway = start(&config).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("nothing-answered")));
    let line = gateway.log().line_with("the route has no upstream").await;
    assert!(line.contains(r#""route":"/p""#), "{line}");
}

#[tokio::test]
async fn an_answer_can_be_taken_once_and_only_by_the_number_of_its_call() {
    let other = Upstream::answering("other").await;
    let settings = script(r#"request = ["take-twice other"]"#) + "\ngrant = { http = [\"other\"] }";
    let config =
        config().upstream("other", [&other]).plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]");
    let gateway = start(&config).await;
    // Twice, for the second hook finds nothing of the first one's calls.
    for _ in 0..2 {
        assert_eq!(gateway.get("/p").await.text(), "200, UnknownCall, UnknownCall");
    }
}

/// Lines of a plugin's table: it calls an origin, and is granted something.
fn granted(origin: &str, grant: &str) -> String {
    script(&format!(r#"request = ["call-origin {origin} /x"]"#)) + &format!("\ngrant = {{ http = [\"{grant}\"] }}")
}

#[tokio::test]
async fn a_wildcard_reaches_nothing_inside_whatever_it_is_called() {
    let other = Upstream::answering("other").await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let origin = format!("http://{host}:{}", other.port);
        let config = config()
            .plugin("p", &granted(&origin, &format!("http://*:{}", other.port)))
            .route_without_upstream("/p", "plugins = [\"p\"]");
        let answer = start(&config).await.get("/p").await;
        assert!(answer.status == 500 && answer.text().contains("not at a public address"), "{host}: {}", answer.text());
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_connection_made_by_name_is_not_used_through_a_wildcard() {
    let other = Upstream::answering("other").await;
    let origin = other.to_string();
    let config = config()
        .workers(1)
        .plugin("named", &granted(&origin, &origin))
        .plugin("any", &granted(&origin, &format!("http://*:{}", other.port)))
        .route_without_upstream("/named", "plugins = [\"named\"]")
        .route_without_upstream("/any", "plugins = [\"any\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/named").await.text(), "other");
    other.open(1).await;
    assert!(gateway.get("/any").await.text().contains("not at a public address"));
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_the_plugins_own_affair() {
    let inside = Upstream::answering("inside").await;
    let to = inside.to_string();
    let other = Upstream::handling(move |_| {
        http::Response::builder().status(302).header("location", &to).body("elsewhere".into()).unwrap()
    })
    .await;
    let config = config()
        .plugin("p", &granted(&other.to_string(), &other.to_string()))
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let answer = start(&config).await.get("/p").await;
    assert_eq!((answer.status, answer.text()), (302, "elsewhere"));
    assert_eq!(inside.connections(), 0);
}

/// Ticks come meanwhile, and none of them finds it computing. It was put aside for them once, behind all others that
/// came back from a call.
#[tokio::test]
async fn who_has_waited_for_an_answer_goes_on_at_once() {
    let other = Upstream::slow(Duration::from_millis(50), "other").await;
    let config = config()
        .workers(1)
        .upstream("other", [&other])
        .plugin("p", &(script(r#"request = ["call other /x"]"#) + "\ngrant = { http = [\"other\"] }"))
        .route_without_upstream("/p", "plugins = [\"p\"]");
    // Ticks that are much longer than a hook computes, however slow the machine.
    let prepared = Gateway::with(&config).plugin("scripted", guests::scripted());
    let gateway = prepared.environment("TOLLGATE_TICK_MS", "10").start().await;
    let mut waited = Vec::new();
    for _ in 0..20 {
        assert_eq!(gateway.get("/p").await.text(), "other");
        waited.push(gateway.metrics().await.sum("tollgate_plugin_turn_wait_seconds_total", &[]));
    }
    // A tick may come just when one does compute.
    let aside = waited.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(aside < 12, "put aside {aside} times: {waited:?}");
}
