//! Several operations in one request.

use super::*;

#[tokio::test]
async fn a_list_of_operations_is_answered_with_a_list_and_none_waits_for_another() {
    let users = users().await;
    // It never answers: what is beside it is there all the same, once the time is up.
    let orders = Upstream::hanging().await;
    let settings = "[plugins.graphql.config]\nschema = \"${file.schema.graphql}\"\ntimeout = \"700ms\"\nlimits = { operations = 3 }";
    let plugin = format!("use = \"graphql\"\ngrant = {{ http = [\"users\", \"orders\"] }}\n{settings}");
    let config = config()
        .upstream("users", [&users])
        .upstream("orders", [&orders])
        .plugin("graphql", &plugin)
        .route_without_upstream("/graphql", "plugins = [\"graphql\"]");
    let gateway = Gateway::with(&config).file("schema.graphql", SCHEMA).start().await;
    let far = "{ me { friend { friend { friend { name } } } } }";
    let list = json!([{"query": "{ me { orders { id } } }"}, {"query": far}, {"query": "{ nothing }"}]);
    let answer = post(&gateway, "application/json", &list).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    assert_eq!(answers[0]["errors"][0]["extensions"]["code"], "UPSTREAM_TIMEOUT");
    assert_eq!(answers[1], json!({"data": {"me": {"friend": {"friend": {"friend": {"name": "Abe"}}}}}}));
    assert_eq!(answers[2]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn a_list_is_refused_unless_it_is_allowed() {
    let gateway = start("http://127.0.0.1:1", "http://127.0.0.1:1").await;
    let answer = post(&gateway, "application/json", &json!([{"query": "{ __typename }"}])).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["extensions"]["code"]), (400, &json!("BAD_REQUEST")));
}
