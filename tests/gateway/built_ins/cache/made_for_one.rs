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
        .route_with("/{*rest}", "web", "headers = { x-plan = \"gold\" }\nplugins = [\"gold\", \"kept\", \"made\"]")
        .route_with("/{*rest}", "web", "headers = { x-plan = \"iron\" }\nplugins = [\"iron\", \"kept\", \"made\"]")
        .route_with("/{*rest}", "web", "plugins = [\"kept\", \"made\"]")
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

const SCHEMA: &str = r#"
type Query {
  cookie: Whose @rest(upstream: "web", path: "/", forwardHeaders: ["Cookie"])
  field: Whose @rest(upstream: "web", path: "/", headers: [{name: "x-own", value: "{header:X-Mine}"}])
  path: Whose @rest(upstream: "web", path: "/{header:x-mine}")
  body: Whose @rest(upstream: "web", path: "/", method: "POST", forwardHeaders: ["x-own"], body: "[{header:x-mine}]")
  plan: Whose @rest(upstream: "web", path: "/{attribute:plan}")
  open: Whose @rest(upstream: "web", path: "/open")
  guarded: Whose @rest(upstream: "web", path: "/guarded") @requiresScopes(scopes: [["gold"]])
}
type Whose { who: String path: String }
"#;

async fn start_graphql(upstream: &Upstream, more: &str) -> Gateway {
    let settings = format!(
        "config = {{ schema = \"${{file.schema.graphql}}\", scopes_attribute = \"plan\", timeout = \"4s\"{more} }}"
    );
    let config = behind_a_cache(upstream, "graphql", &settings);
    let prepared = Gateway::with(&config).plugin("scripted", guests::scripted());
    prepared.file("schema.graphql", SCHEMA).start().await
}

fn query(field: &str) -> String {
    format!("/graphql?query=%7B{field}%7Bwho+path%7D%7D")
}

#[tokio::test]
async fn an_operations_answer_is_kept_for_each_value_of_the_fields_it_is_made_of() {
    let upstream = whose().await;
    let gateway = start_graphql(&upstream, "").await;
    for (name, field) in [("cookie", "cookie"), ("field", "x-mine"), ("path", "x-mine")] {
        assert_eq!(each_has_an_answer_of_its_own(&gateway, &query(name), field).await, [true, true], "{name}");
    }
    for (name, vary) in [("cookie", "cookie"), ("field", "x-mine"), ("body", "x-mine, x-own"), ("open", "")] {
        let answer = get(&gateway, &query(name), &[]).await;
        let lines: Vec<&str> = answer.headers.get_all("vary").iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(lines.join("|"), ["accept", vary].join("|").trim_end_matches('|'), "{name}");
        assert!(!answer.headers.contains_key("cache-control"), "{name}");
    }
}

#[tokio::test]
async fn an_operations_answer_is_kept_for_nobody_where_an_attribute_makes_a_difference() {
    let upstream = whose().await;
    let gateway = start_graphql(&upstream, "").await;
    assert_eq!(each_has_an_answer_of_its_own(&gateway, &query("plan"), "x-plan").await, [false, false]);
    for _ in 0..2 {
        let gold = get(&gateway, &query("guarded"), &[("x-plan", "gold")]).await;
        assert_eq!(
            (gold.header("cache-control"), &gold.json()["data"]["guarded"]["path"]),
            ("private", &"/guarded".into())
        );
        let iron = get(&gateway, &query("guarded"), &[("x-plan", "iron")]).await;
        assert_eq!(iron.json()["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_services_answer_is_kept_for_nobody_where_a_guard_let_its_client_on() {
    let api = Upstream::handling(|_| {
        let answer = http::Response::builder().header("cache-control", "max-age=60");
        answer.body(r#"{"data":{}}"#.into()).unwrap()
    })
    .await;
    let settings = "config = { schema = \"${file.schema.graphql}\", scopes_attribute = \"plan\", forward = true }";
    let config = behind_a_cache(&api, "graphql", settings);
    let prepared = Gateway::with(&config).plugin("scripted", guests::scripted());
    let gateway = prepared.file("schema.graphql", SCHEMA).start().await;
    for calls in [1, 2] {
        let gold = get(&gateway, &query("guarded"), &[("x-plan", "gold")]).await;
        assert_eq!((gold.text(), api.seen().len()), (r#"{"data":{}}"#, calls));
        let iron = get(&gateway, &query("guarded"), &[("x-plan", "iron")]).await;
        assert_eq!(iron.json()["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    for _ in 0..2 {
        assert_eq!(get(&gateway, &query("open"), &[("x-plan", "iron")]).await.text(), r#"{"data":{}}"#);
        assert_eq!(api.seen().len(), 3);
    }
}
