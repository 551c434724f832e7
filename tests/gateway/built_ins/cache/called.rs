//! A cached route that a part of an aggregate calls: it is the same as a client's.

use tollgate_tests::{Config, Gateway, Upstream, config, request};

use super::{counting, get, with};

/// A route with a cache, and another one that calls it.
fn called(upstream: &Upstream) -> Config {
    let parts = r#"parts = [{ name = "n", route = "c", path = "/c/1" }]"#;
    config()
        .upstream("web", [upstream])
        .plugin("kept", "use = \"cache\"\nconfig = { across_routes = true }")
        .plugin("join", &format!("use = \"aggregate\"\ngrant = {{ routes = [\"c\"] }}\nconfig = {{ {parts} }}"))
        .table("[[routes]]\nname = \"c\"\npath = \"/c/{*rest}\"\nmethods = [\"GET\"]\nupstream = \"web\"\nplugins = [\"kept\"]")
        .table("[[routes]]\nname = \"change\"\npath = \"/c/{*rest}\"\nmethods = [\"PUT\"]\nupstream = \"web\"\nplugins = [\"kept\"]")
        .route_without_upstream("/whole", "plugins = [\"join\"]")
}

#[tokio::test]
async fn what_a_called_route_stores_is_found_by_its_url_and_goes_with_a_clients_change() {
    let upstream = counting(|_, answer| answer.header("cache-control", "max-age=100")).await;
    let gateway = Gateway::start(&called(&upstream)).await;
    let whole = async || get(&gateway, "/whole", &[]).await.text().to_owned();
    assert_eq!((whole().await, whole().await), (r#"{"n":1}"#.into(), r#"{"n":1}"#.into()));
    assert_eq!(get(&gateway, "/c/1", &[]).await.text(), "1", "a client gets what was stored for a part");
    let purge = request("DELETE", "/api/cache?url=http://web.example/c/1", "");
    let purged = tollgate_tests::Client::to(gateway.admin).await.send(purge).await;
    assert_eq!(purged.text(), "{\"removed\":1}\n");
    assert_eq!(whole().await, r#"{"n":2}"#);
    let change = gateway.send(with(request("PUT", "/c/1", "x"), &[("host", "web.example")])).await;
    assert_eq!((change.status, whole().await), (200, r#"{"n":4}"#.into()));
}

#[tokio::test]
async fn the_upstream_of_a_called_route_is_told_the_host_the_client_asked_for() {
    let upstream = counting(|_, answer| answer).await;
    let gateway = Gateway::start(&called(&upstream)).await;
    assert_eq!(get(&gateway, "/whole", &[]).await.text(), r#"{"n":1}"#);
    assert_eq!(upstream.last().header("x-forwarded-host"), "web.example");
}
