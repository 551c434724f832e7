//! Answers, and what caches may do with them.

use super::*;

async fn behind_a_cache(users: &Upstream, orders: &Upstream) -> Gateway {
    let plugin = "use = \"graphql\"\ngrant = { http = [\"users\", \"orders\"] }\n\
                  config = { schema = \"${file.schema.graphql}\" }";
    let config = config()
        .upstream("users", [users])
        .upstream("orders", [orders])
        .plugin("kept", "use = \"cache\"\nconfig = { fresh = { \"200\" = \"20s\" } }")
        .plugin("graphql", plugin)
        .route_without_upstream("/graphql", "plugins = [\"kept\", \"graphql\"]");
    Gateway::with(&config).file("schema.graphql", SCHEMA).start().await
}

#[tokio::test]
async fn a_cache_keeps_what_is_whole_and_nothing_with_an_error() {
    let (users, orders) = (users().await, Upstream::answering("<html>").await);
    let gateway = behind_a_cache(&users, &orders).await;
    for (query, calls) in [
        ("query=%7Bme%7Bname%7D%7D", 1),
        ("query=%7Bme%7Bname+orders%7Bid%7D%7D%7D", 2),
        ("extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22ab%22%7D%7D", 0),
        ("query=%7B", 0),
    ] {
        let before = users.seen().len();
        let target = format!("/graphql?{query}");
        let (first, second) =
            (gateway.send(request("GET", &target, "")).await, gateway.send(request("GET", &target, "")).await);
        assert_eq!((first.text(), first.status), (second.text(), 200));
        assert_eq!(users.seen().len() - before, calls, "{query}");
        let is_whole = first.json().get("errors").is_none();
        assert_eq!(first.headers.get("cache-control").is_none(), is_whole, "{query}");
        assert_eq!(second.headers.contains_key("age"), is_whole, "{query}");
        assert_eq!(first.header("vary"), "accept");
    }
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_the_body() {
    let users = users().await;
    let gateway = start(&users.to_string(), "http://127.0.0.1:1").await;
    let answer = gateway.send(request("HEAD", "/graphql?query=%7Bme%7Bname%7D%7D", "")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(users.last().headers["accept-encoding"], "identity");
}
