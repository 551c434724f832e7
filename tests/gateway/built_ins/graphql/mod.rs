//! `graphql`: an API over two services, and a guard before one that has an API.

mod forward;
mod hostile;
mod kept;
mod lists;

use std::time::Duration;

use http::Response;
use serde_json::{Value, json};
use tollgate_tests::{Config, Gateway, Upstream, config, request};

const SCHEMA: &str = r#"
type Query {
  me: User @rest(upstream: "users", path: "/users/7")
  user(id: ID!): User @rest(upstream: "users", path: "/users/{args.id}")
  users: [User!] @rest(upstream: "users", path: "/users")
}
type User {
  id: ID!
  name: String!
  email: String @from(path: "contact.email")
  friend: User @rest(upstream: "users", path: "/users/{parent.friend}")
  orders: [Order!] @rest(
    upstream: "orders"
    path: "/orders?user={parent.id}"
    batch: { key: "parent.id", path: "/orders?user={keys}", match: "user" }
  )
}
type Order { id: ID! total: Float }
"#;

fn shop(users: &str, orders: &str, settings: &str) -> Config {
    let plugin = format!(
        "use = \"graphql\"\ngrant = {{ http = [\"users\", \"orders\"] }}\n\
         config = {{ schema = \"${{file.schema.graphql}}\", schema_name = \"schema.graphql\" }}\n{settings}"
    );
    config()
        .upstream("users", [users])
        .upstream("orders", [orders])
        .plugin("graphql", &plugin)
        .route_without_upstream("/graphql", "plugins = [\"graphql\"]")
}

async fn start(users: &str, orders: &str) -> Gateway {
    Gateway::with(&shop(users, orders, "")).file("schema.graphql", SCHEMA).start().await
}

async fn ask(gateway: &Gateway, query: &str) -> Value {
    let mut asked = request("POST", "/graphql", json!({"query": query}).to_string());
    asked.headers_mut().insert("content-type", "application/json".try_into().unwrap());
    let answer = gateway.send(asked).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"));
    answer.json()
}

async fn users() -> Upstream {
    Upstream::handling(|seen| {
        let body = match seen.path.as_str() {
            "/users/7" => json!({"id": 7, "name": "Zoe", "contact": {"email": "zoe@example.com"}, "friend": 8}),
            "/users/8" => json!({"id": 8, "name": "Abe", "friend": 7}),
            "/users" => json!([{"id": 7, "name": "Zoe"}, {"id": 8, "name": "Abe"}]),
            path => panic!("{path}"),
        };
        Response::new(body.to_string().into())
    })
    .await
}

#[tokio::test]
async fn one_query_runs_over_two_services() {
    let users = users().await;
    let orders = Upstream::answering(r#"[{"id":1,"total":9.50,"user":7},{"id":2,"total":3,"user":8}]"#).await;
    let gateway = start(&users.to_string(), &orders.to_string()).await;
    let orders_of_me = json!([{"id": "1", "total": 9.5}, {"id": "2", "total": 3}]);
    assert_eq!(
        ask(&gateway, "{ me { name email orders { id total } } }").await,
        json!({"data": {"me": {"name": "Zoe", "email": "zoe@example.com", "orders": orders_of_me}}})
    );
    assert_eq!(orders.last().path, "/orders?user=7");
    let answer = ask(&gateway, "{ users { name orders { id } } }").await;
    assert_eq!(answer["data"]["users"][1], json!({"name": "Abe", "orders": [{"id": "2"}]}));
    assert_eq!((orders.last().path.as_str(), orders.seen().len()), ("/orders?user=7,8", 2));
}

#[tokio::test]
async fn a_field_starts_when_its_parent_is_there_and_not_behind_a_slow_sibling() {
    let users = users().await;
    // It never answers, and yet what is beside it is asked for to the end.
    let orders = Upstream::hanging().await;
    let gateway = Gateway::with(&shop(&users.to_string(), &orders.to_string(), ""))
        .file(
            "schema.graphql",
            SCHEMA.replace("path: \"/orders?user={parent.id}\"", "timeoutMs: 700 path: \"/orders\""),
        )
        .start()
        .await;
    let answer = ask(&gateway, "{ me { orders { id } friend { name friend { name orders { id } } } } }").await;
    let friend = json!({"name": "Abe", "friend": {"name": "Zoe", "orders": null}});
    assert_eq!(answer["data"], json!({"me": {"orders": null, "friend": friend}}));
    let codes: Vec<&Value> =
        answer["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]).collect();
    assert_eq!(codes, ["UPSTREAM_TIMEOUT", "UPSTREAM_TIMEOUT"]);
}

#[tokio::test]
async fn services_that_are_down_late_or_broken_leave_partial_data() {
    let users = users().await;
    let broken = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"id\":1").await;
    })
    .await;
    let garbage = Upstream::slow(Duration::from_millis(50), "<html>").await;
    let down = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    for orders in [broken.to_string(), garbage.to_string(), down] {
        let gateway = start(&users.to_string(), &orders).await;
        let answer = ask(&gateway, "{ me { name orders { id } } }").await;
        assert_eq!(answer["data"], json!({"me": {"name": "Zoe", "orders": null}}));
        assert_eq!(answer["errors"][0]["path"], json!(["me", "orders"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UPSTREAM_ERROR");
    }
}

#[tokio::test]
async fn a_mistake_in_the_schema_is_told_with_file_line_and_column() {
    let said = Gateway::with(&shop("http://127.0.0.1:1", "http://127.0.0.1:1", ""))
        .file("schema.graphql", "type Query {\n  me: Usr @rest(upstream: \"users\", path: \"/\")\n}\n")
        .start_fails()
        .await;
    assert!(said.contains("schema.graphql:2:7:"), "{said}");
}

#[tokio::test]
async fn a_service_with_an_api_of_its_own_is_guarded() {
    let service = Upstream::echoing().await;
    let config = config()
        .upstream("api", [&service])
        .plugin(
            "guard",
            "use = \"graphql\"\ngrant = { http = [\"api\"] }\nconfig = { forward = true, limits = { depth = 2 } }",
        )
        .route_with("/graphql", "api", "plugins = [\"guard\"]");
    let gateway = Gateway::start(&config).await;
    let allowed = ask_raw(&gateway, "{ me { name } }").await;
    assert_eq!((allowed.status, allowed.text()), (200, r#"{"query":"{ me { name } }"}"#));
    let refused = ask_raw(&gateway, "{ me { boss { name } } }").await;
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "OPERATION_TOO_LARGE");
    assert_eq!(service.seen().len(), 1);
}

async fn ask_raw(gateway: &Gateway, query: &str) -> tollgate_tests::Answer {
    post(gateway, "application/json", &json!({"query": query})).await
}

async fn post(gateway: &Gateway, accept: &str, body: &Value) -> tollgate_tests::Answer {
    let mut asked = request("POST", "/graphql", body.to_string());
    asked.headers_mut().insert("content-type", "application/json".try_into().unwrap());
    asked.headers_mut().insert("accept", accept.try_into().unwrap());
    gateway.send(asked).await
}
