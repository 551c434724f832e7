//! Answers that a plugin behind the cache makes of the request's fields, and of what other plugins noted.

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

use super::get;

/// Answers the field that tells who is asking; with it, what else it was asked for with.
async fn whose() -> Upstream {
    Upstream::handling(|seen| {
        let field = |name: &str| seen.headers.get(name).map_or("nobody", |value| value.to_str().unwrap());
        let who = [field("cookie"), field("x-own"), field("x-plan")].join(" ");
        http::Response::new(format!("{{\"who\":\"{who}\",\"path\":\"{}\"}}", seen.path).into())
    })
    .await
}

fn behind_a_cache(upstream: &Upstream, plugin: &str, settings: &str) -> Config {
    let kept = "use = \"cache\"\nconfig = { fresh = { \"200\" = \"60s\" }, across_routes = true }";
    config()
        .upstream("web", [upstream])
        .plugin("kept", kept)
        .plugin("made", &format!("use = \"{plugin}\"\ngrant = {{ http = [\"web\"] }}\n{settings}"))
        .plugin("gold", "use = \"scripted.wasm\"\nconfig.request = [\"attribute plan gold\"]")
        .plugin("iron", "use = \"scripted.wasm\"\nconfig.request = [\"attribute plan iron\"]")
        .route_without_upstream("/{*rest}", "headers = { x-plan = \"gold\" }\nplugins = [\"gold\", \"kept\", \"made\"]")
        .route_without_upstream("/{*rest}", "headers = { x-plan = \"iron\" }\nplugins = [\"iron\", \"kept\", \"made\"]")
        .route_without_upstream("/{*rest}", "plugins = [\"kept\", \"made\"]")
}

async fn start(upstream: &Upstream, plugin: &str, settings: &str) -> Gateway {
    let config = behind_a_cache(upstream, plugin, settings);
    Gateway::with(&config).plugin("scripted", guests::scripted()).start().await
}

/// Asks for the path with each value of the field, and again; says which of the first were answered from the cache.
async fn each_has_an_answer_of_its_own(gateway: &Gateway, path: &str, field: &'static str) -> [bool; 2] {
    let mut answers = Vec::new();
    for value in ["gold", "iron", "gold", "iron"] {
        let answer = get(gateway, path, &[(field, value)]).await;
        assert_eq!(answer.status, 200, "{path} {field}: {}", answer.text());
        assert!(answer.text().contains(value), "{path}: `{value}` got {}", answer.text());
        answers.push(answer.headers.contains_key("age"));
    }
    assert_eq!(answers[..2], [false, false], "{path} {field}");
    [answers[2], answers[3]]
}

fn parts(part: &str) -> String {
    format!("config = {{ parts = [{{ name = \"a\", upstream = \"web\", {part} }}] }}")
}

#[tokio::test]
async fn a_composed_answer_is_kept_for_each_value_of_the_fields_it_is_made_of() {
    let upstream = whose().await;
    for (part, field) in [
        ("path = \"/\", forward_headers = [\"cookie\"]", "cookie"),
        ("path = \"/\", headers = { x-own = \"{header:x-mine}\" }", "x-mine"),
        ("path = \"/{header:X-Mine}\"", "x-mine"),
    ] {
        let gateway = start(&upstream, "aggregate", &parts(part)).await;
        assert_eq!(each_has_an_answer_of_its_own(&gateway, "/", field).await, [true, true], "{part}");
    }
}

#[tokio::test]
async fn a_composed_answer_is_kept_for_nobody_where_it_is_made_of_an_attribute() {
    let upstream = whose().await;
    let gateway = start(&upstream, "aggregate", &parts("path = \"/{attribute:plan}\"")).await;
    assert_eq!(each_has_an_answer_of_its_own(&gateway, "/", "x-plan").await, [false, false]);
}
