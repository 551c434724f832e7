//! Whole requests through the plugin.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use tollgate_plugin_sdk::http_client::{ClientError, Outbound, Target};
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter, Verdict};

use super::GraphQl;

mod execution;
mod forward;
mod hostile;
mod input;
mod over_http;
mod persisted;

/// A shop: users, their orders, and things to look for.
const SHOP: &str = r#"
scalar Money
enum Status { OPEN PAID }
interface Node { id: ID! }
union Found = User | Order
input Filter { status: Status = OPEN, tags: [String!] }
input NewOrder { item: String!, count: Int! = 1 }

type Query {
  me: User @rest(upstream: "users", path: "/users/{attribute:jwt.claim.sub}")
  user(id: ID!): User @rest(upstream: "users", path: "/users/{args.id}")
  users(first: Int, filter: Filter): [User!]
    @listSize(slicingArguments: ["first"])
    @rest(upstream: "users", path: "/users?limit={args.first}&status={args.filter.status}", select: "data.items")
  node(id: ID!): Node @rest(upstream: "search", path: "/node/{args.id}")
  search(text: String!): [Found!]! @rest(upstream: "search", path: "/search?q={args.text}")
}
type Mutation {
  order(input: NewOrder!): Order @rest(upstream: "orders", method: "POST", path: "/orders", body: "{\"order\": {args.input}}")
}
type User implements Node {
  id: ID!
  name: String!
  email: String @from(path: "contact.email")
  salary: Int @requiresScopes(scopes: [["payroll"]])
  boss: User @rest(upstream: "users", path: "/users/{parent.boss_id}")
  orders: [Order!] @rest(
    upstream: "orders"
    path: "/orders?user={parent.id}"
    batch: { key: "parent.id", path: "/orders?users={keys}", match: "user" }
  )
}
type Order implements Node { id: ID! total: Money status: Status user: User @rest(upstream: "users", path: "/users/{parent.user}") }
"#;

fn configure(change: &Value) -> Result<GraphQl, String> {
    let mut config = json!({"schema": SHOP, "schema_name": "shop.graphql"});
    for (key, value) in change.as_object().unwrap() {
        config[key] = value.clone();
    }
    GraphQl::configure(serde_json::from_value(config).map_err(|error| error.to_string())?)
}

fn shop() -> GraphQl {
    configure(&json!({})).unwrap()
}

/// Services by path, path and query as they are asked for; anything else is down.
fn services(answers: &[(&str, Value)]) -> Host {
    let answers: BTreeMap<String, Value> =
        answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
    Host::new().attribute("jwt.claim.sub", "7").on_call(move |call| match answers.get(&call.path) {
        Some(answer) => Ok(Answer::new(200).json(answer)),
        None => Err(ClientError::Unreachable("10.0.0.7:3001 refused".to_owned())),
    })
}

fn post(plugin: &GraphQl, request: &Value) -> Answer {
    match plugin.on_request_body(request.to_string().into_bytes()) {
        BodyVerdict::Respond(answer) => answer,
        BodyVerdict::Next => panic!("the plugin answers itself"),
    }
}

fn ask(plugin: &GraphQl, query: &str) -> Value {
    body(&post(plugin, &json!({"query": query})))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn paths(host: &Host) -> Vec<String> {
    host.calls().into_iter().map(|call| call.path).collect()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[test]
fn the_query_of_the_readme_runs_over_two_services() {
    let host = services(&[
        ("/users/7", json!({"id": 7, "name": "Zoe", "contact": {"email": "zoe@example.com"}, "secret": 1})),
        ("/orders?user=7", json!([{"id": 1, "total": 9.50, "user": 7}, {"id": 2, "total": 3, "user": 7}])),
    ]);
    let answer = post(&shop(), &json!({"query": "{ me { name email orders { id total } } }"}));
    let expected = r#"{"data":{"me":{"name":"Zoe","email":"zoe@example.com","orders":[{"id":"1","total":9.5},{"id":"2","total":3}]}}}"#;
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    let upstreams: Vec<Target> = host.calls().into_iter().map(|call| call.target).collect();
    assert_eq!(upstreams, [Target::Upstream("users".into()), Target::Upstream("orders".into())]);
    assert_eq!(host.logs(), []);
}

#[test]
fn a_schema_with_a_mistake_is_refused_with_its_place() {
    let error = configure(&json!({"schema": "type Query {\n  me: Usr\n}"})).unwrap_err();
    assert!(error.starts_with("schema: shop.graphql:2:7: "), "{error}");
    let error = configure(&json!({"schema": null})).unwrap_err();
    assert!(error.starts_with("schema: is missing"), "{error}");
}

#[test]
fn each_mistake_of_the_config_is_a_line_of_its_own_with_its_key() {
    let schema = "type Query {\n  a: Int\n  b: Int @rest(upstream: \"u\")\n  c: Usr @rset\n}";
    let error = configure(&json!({"schema": schema, "schema_name": null, "persisted": {"mode": "only"}})).unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("schema: 3:10: "), "{error}");
    assert!(lines[1].starts_with("schema: 4:6: cannot find type `Usr`"), "{error}");
    assert!(lines[2].starts_with("schema: 4:10: cannot find directive `@rset`"), "{error}");
    assert_eq!(lines[3], "persisted.operations: is missing, and `mode = \"only\"` needs it");
    assert_eq!(lines.len(), 4, "{error}");
    let error = configure(&json!({"schema": "type Query {\n  a: Int\n  b: Int\n}"})).unwrap_err();
    assert!(error.lines().all(|line| line.starts_with("schema: shop.graphql:")), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn the_name_of_a_file_in_place_of_a_schema_is_told_how_to_write_it() {
    for name in ["schema.graphql", "shop/api.gql", "./a.graphqls"] {
        let error = configure(&json!({"schema": name})).unwrap_err();
        let expected = format!("schema: is the name of a file; its text is `\"${{file.{name}}}\"`");
        assert_eq!(error, expected);
    }
}
