//! `aggregate`: several services, one answer.

use std::time::{Duration, Instant};

use http::Response;
use tollgate_tests::{Config, Gateway, Upstream, config};

fn aggregating(users: &str, orders: &str, mode: &str) -> Config {
    let parts = format!(
        r#"parts = [{{ name = "user", upstream = "users", path = "/users/{{id}}" }}, {{ name = "orders", upstream = "orders", path = "/orders?user={{id}}", timeout = "1s", {mode} }}]"#
    );
    config()
        .upstream("users", [users])
        .upstream("orders", [orders])
        .plugin(
            "dashboard",
            &format!("use = \"aggregate\"\ngrant = {{ http = [\"users\", \"orders\"] }}\nconfig = {{ {parts} }}"),
        )
        .route_without_upstream("/dashboard/{id}", "plugins = [\"dashboard\"]")
}

#[tokio::test]
async fn the_parts_are_asked_for_at_once_and_put_together_in_order() {
    let users = Upstream::slow(Duration::from_millis(600), r#"{"id":7,"price":1.10}"#).await;
    let orders = Upstream::slow(Duration::from_millis(600), "[1,2]").await;
    let gateway = Gateway::start(&aggregating(&users.to_string(), &orders.to_string(), "mode = \"required\"")).await;
    let started = Instant::now();
    let answer = gateway.get("/dashboard/a%20b").await;
    assert!(started.elapsed() < Duration::from_millis(1150), "one after the other: {:?}", started.elapsed());
    assert_eq!((answer.status, answer.text()), (200, r#"{"user":{"id":7,"price":1.10},"orders":[1,2]}"#));
    assert_eq!((users.last().path, orders.last().path), ("/users/a%20b".into(), "/orders?user=a%20b".into()));
}

#[tokio::test]
async fn what_a_failed_part_means_is_the_configs_to_say() {
    let users = Upstream::answering("{}").await;
    let dead = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let late = Upstream::hanging().await;
    let broken = Upstream::answering("<html>").await;
    let long = Upstream::handling(|_| Response::new(format!("\"{}\"", "x".repeat(1023)).into())).await;
    let cases = [
        (dead.clone(), "mode = \"required\"", 502, None),
        (late.to_string(), "mode = \"required\"", 504, None),
        (broken.to_string(), "mode = \"required\"", 502, None),
        (dead.clone(), "mode = \"optional\"", 200, Some(r#"{"user":{}}"#)),
        (long.to_string(), "mode = \"required\", max_size = \"1KiB\"", 502, None),
        (long.to_string(), "mode = \"optional\", max_size = \"1KiB\"", 200, Some(r#"{"user":{}}"#)),
        (dead, "mode = \"default\", default = []", 200, Some(r#"{"user":{},"orders":[]}"#)),
    ];
    for (orders, mode, status, body) in cases {
        let gateway = Gateway::start(&aggregating(&users.to_string(), &orders, mode)).await;
        let answer = gateway.get("/dashboard/7").await;
        assert_eq!(answer.status, status, "{mode}: {}", answer.text());
        if let Some(body) = body {
            assert_eq!(answer.text(), body, "{mode}");
        }
    }
}

#[tokio::test]
async fn a_part_made_of_another_ones_answer_begins_when_that_is_there_and_not_before_or_behind_others() {
    let users = Upstream::slow(Duration::from_millis(300), r#"{"id":7,"items":[{"p":1},{"p":2}]}"#).await;
    let slow = Upstream::slow(Duration::from_millis(900), r#""slow""#).await;
    let products = Upstream::slow(Duration::from_millis(300), r#"{"id":1,"name":"pen","secret":true}"#).await;
    let parts = r#"parts = [
        { name = "slow", upstream = "slow", path = "/" },
        { name = "user", upstream = "users", path = "/me", shape = { pick = ["items"] } },
        { name = "products", upstream = "products", path = "/products/{item.p}?u={part:user.id}", each = { of = "{part:user.items}" }, shape = { drop = ["secret"] }, join = { to = "user.items", key = "p", equals = "id", into = "product" } },
    ]"#;
    let gateway = Gateway::start(
        &config()
            .upstream("users", [&users.to_string()])
            .upstream("slow", [&slow.to_string()])
            .upstream("products", [&products.to_string()])
            .plugin(
                "dashboard",
                &format!(
                    "use = \"aggregate\"\ngrant = {{ http = [\"users\", \"slow\", \"products\"] }}\n[plugins.dashboard.config]\n{parts}"
                ),
            )
            .route_without_upstream("/dashboard", "plugins = [\"dashboard\"]"),
    )
    .await;
    let started = Instant::now();
    let answer = gateway.get("/dashboard").await;
    assert!(started.elapsed() < Duration::from_millis(1400), "one after the other: {:?}", started.elapsed());
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"slow":"slow","user":{"items":[{"p":1,"product":{"id":1,"name":"pen"}},{"p":2}]}}"#)
    );
    let mut asked: Vec<String> = products.seen().into_iter().map(|request| request.path).collect();
    asked.sort();
    assert_eq!(asked, ["/products/1?u=7", "/products/2?u=7"]);
}

#[tokio::test]
async fn optional_parts_that_there_is_no_time_for_are_left_out_before_the_hook_is_ended() {
    let slow = Upstream::slow(Duration::from_millis(1200), "1").await;
    let parts = r#"parts = [
        { name = "a", upstream = "slow", path = "/", timeout = "2s" },
        { name = "b", upstream = "slow", path = "/{part:a}", timeout = "2s", mode = "optional" },
        { name = "c", upstream = "slow", path = "/{part:b}", timeout = "2s", mode = "optional" },
    ]"#;
    let join = format!(
        "use = \"aggregate\"\ngrant = {{ http = [\"slow\"] }}\nlimits = {{ wall = \"3s\" }}\n[plugins.join.config]\ntimeout = \"2s\"\n{parts}"
    );
    let gateway = Gateway::start(
        &config()
            .upstream("slow", [&slow.to_string()])
            .plugin("join", &join)
            .route_without_upstream("/whole", "plugins = [\"join\"]"),
    )
    .await;
    let answer = gateway.get("/whole").await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"a":1}"#));
    assert_eq!((answer.header("x-tollgate-partial"), answer.header("cache-control")), ("b,c", "no-store"));
}

#[tokio::test]
async fn an_answer_that_would_be_longer_than_a_hook_may_return_is_a_502_and_no_fault() {
    let long = Upstream::handling(|_| Response::new(format!("\"{}\"", "x".repeat(900_000)).into())).await;
    let parts = |mode: &str| {
        let part =
            |name: char| format!("{{ name = \"{name}\", upstream = \"long\", path = \"/\", mode = \"{mode}\" }}");
        ('a'..='e').map(part).collect::<Vec<_>>().join(", ")
    };
    let plugin = |mode: &str| {
        format!("use = \"aggregate\"\ngrant = {{ http = [\"long\"] }}\nconfig = {{ parts = [{}] }}", parts(mode))
    };
    let config = config()
        .upstream("long", [&long])
        .plugin("required", &plugin("required"))
        .plugin("optional", &plugin("optional"))
        .route_without_upstream("/required", "plugins = [\"required\"]")
        .route_without_upstream("/optional", "plugins = [\"optional\"]");
    let gateway = Gateway::start(&config).await;
    let required = gateway.get("/required").await;
    assert_eq!((required.status, &required.json()["error"]), (502, &"upstream".into()));
    let optional = gateway.get("/optional").await;
    assert_eq!((optional.status, optional.header("x-tollgate-partial")), (200, "d,e"));
    assert_eq!(optional.body.len(), r#"{"a":,"b":,"c":}"#.len() + 3 * 900_002);
}
