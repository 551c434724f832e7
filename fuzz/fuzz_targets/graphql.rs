//! `graphql` with any request and any answers of services: the client gets data or errors, in JSON,
//! whatever either of them says; what is refused has called nobody; no value leaves its place in a path.

#![no_main]

use std::cell::RefCell;
use std::fmt::Write as _;

use arbitrary::Arbitrary;
use graphql::GraphQl;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, BodyVerdict, Plugin, RequestFilter};

const SCHEMA: &str = r#"
enum Kind { A B }
input In { n: Int! = 1, kind: Kind, ids: [ID!], next: In }
scalar Any
interface Node { id: ID! }
union Both = User | Order
type Query {
  me: User @rest(upstream: "u", path: "/me")
  user(id: ID!, in: In): User @rest(upstream: "u", path: "/users/{args.id}/x?n={args.in.n}&k={args.in.kind}")
  all(first: Int): [User!] @listSize(slicingArguments: ["first"]) @rest(upstream: "u", path: "/all", select: "items")
  node(id: ID): Node @rest(upstream: "u", path: "/node?id={args.id}")
  both: [Both]! @rest(upstream: "u", path: "/both")
}
type Mutation { make(in: In!): User! @rest(upstream: "u", method: "POST", path: "/make", body: "{\"in\": {args.in}}") }
type User implements Node {
  id: ID!
  name: String
  kind: Kind
  any: Any
  age: Int @requiresScopes(scopes: [["s"]])
  boss: User @rest(upstream: "u", path: "/users/{parent.boss}/x")
  orders(first: Int): [Order!] @rest(
    upstream: "o", path: "/orders?user={parent.id}"
    batch: { key: "parent.id", path: "/orders?users={keys}", match: "user", max: 3 }
  )
}
type Order implements Node { id: ID! total: Float! done: Boolean grid: [[Int]] user: User @from(path: "of.user") }
"#;

/// Members and types of the schema, and what else stands in a document.
const WORDS: [&str; 48] = [
    "{", "}", "(", ")", "[", "]", ":", "...", "!", "=", "$a", "$b", "@skip(if: $a)", "@include(if: true)", "query",
    "mutation", "subscription", "fragment", "F", "G", "on", "User", "Order", "Node", "Both", "Query", "me", "user",
    "all", "node", "both", "make", "id", "name", "kind", "any", "age", "boss", "orders", "total", "done", "grid",
    "__typename", "__schema", "in", "first", "1", "\"x\"",
];

/// Selections on a user, or on what a user may be.
const SELECTIONS: [&str; 12] = [
    "id", "name", "x: name", "kind any age", "boss { id boss { name } }", "orders { id total grid user { id } }",
    "... on Node { id }", "...F", "... @skip(if: $a) { name }", "o: orders(first: 2) { id done }", "__typename", "boss { ...F }",
];

#[derive(Debug, Arbitrary)]
struct Case<'a> {
    request: Request<'a>,
    variables: &'a str,
    answers: Vec<Json<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Request<'a> {
    /// A body as it is.
    Body(&'a [u8]),
    Text(&'a str),
    /// Words of the language and the schema, in any order.
    Words(Vec<u8>),
    /// A document that is nearly always good.
    Good { root: u8, selections: Vec<u8>, fragment: Vec<u8> },
    /// Several of them in a list.
    List(Vec<Vec<u8>>),
}

/// What services answer: JSON whose names the schema knows, or anything.
#[derive(Debug, Arbitrary)]
enum Json<'a> {
    Bytes(&'a [u8]),
    Null,
    Number(f32),
    Text(&'a str),
    List(Vec<Json<'a>>),
    Object(Vec<(u8, Json<'a>)>),
}

impl Json<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        const NAMES: [&str; 14] = [
            "id", "name", "kind", "any", "age", "boss", "items", "user", "total", "done", "grid", "of", "__typename", "x",
        ];
        match self {
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Null => out.extend_from_slice(b"null"),
            Self::Number(number) => out.extend_from_slice(json!(number).to_string().as_bytes()),
            Self::Text(text) => {
                let known = ["User", "Order", "A", "B"].get(text.len());
                out.extend_from_slice(json!(known.unwrap_or(text)).to_string().as_bytes());
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b", " } else { b"" });
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b"," } else { b"" });
                    out.extend_from_slice(format!("{:?} : ", NAMES[usize::from(*name) % NAMES.len()]).as_bytes());
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

impl Request<'_> {
    fn body(&self, variables: &str) -> Vec<u8> {
        let variables: Value = serde_json::from_str(variables).unwrap_or(json!({"a": true, "b": {"n": 2}}));
        let with = |query: String| json!({"query": query, "variables": variables}).to_string().into_bytes();
        match self {
            Self::Body(bytes) => bytes.to_vec(),
            Self::Text(text) => with((*text).to_owned()),
            Self::Words(words) => with(joined(words, &WORDS)),
            Self::Good { root, selections, fragment } => with(good(*root, selections, fragment)),
            Self::List(list) => {
                let list = list.iter().map(|selections| json!({"query": good(0, selections, &[]), "variables": {"a": true}}));
                json!(list.collect::<Vec<_>>()).to_string().into_bytes()
            }
        }
    }
}

fn joined(places: &[u8], words: &[&str]) -> String {
    places.iter().map(|place| words[usize::from(*place) % words.len()]).collect::<Vec<_>>().join(" ")
}

fn good(root: u8, selections: &[u8], fragment: &[u8]) -> String {
    const ROOTS: [&str; 6] =
        ["me", "user(id: \"../a\", in: $b)", "all(first: 3)", "both", "make(in: {n: 3, next: {ids: 1}})", "node(id: 1)"];
    let root = ROOTS[usize::from(root) % ROOTS.len()];
    let kind = if root.starts_with("make") { "mutation" } else { "query" };
    let mut selections = joined(selections, &SELECTIONS);
    if root == "both" || root.starts_with("node") {
        selections = format!("... on User {{ id {selections} }}");
    }
    let mut text = format!("{kind} Q($a: Boolean!, $b: In) {{ r: {root} {{ __typename {selections} }}");
    text.push_str(" }");
    let _ = write!(text, " fragment F on User {{ id {} }}", joined(fragment, &SELECTIONS));
    text
}

thread_local! {
    static PLUGIN: GraphQl = {
        let config = json!({"schema": SCHEMA, "limits": {"operations": 4}});
        GraphQl::configure(serde_json::from_value(config).unwrap()).unwrap()
    };
}

fuzz_target!(|case: Case<'_>| {
    let mut answers: Vec<Vec<u8>> = Vec::new();
    for answer in &case.answers {
        let mut body = Vec::new();
        answer.write(&mut body);
        answers.push(body);
    }
    let answers = RefCell::new(answers);
    let host = Host::new().on_call(move |_| Ok(Answer::new(200).body(answers.borrow_mut().pop().unwrap_or_default())));
    let body = case.request.body(case.variables);
    let BodyVerdict::Respond(answer) = PLUGIN.with(|plugin| plugin.on_request_body(body)) else { panic!("it answers") };
    let body: Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
    let several = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
    for one in several {
        let is_failed = one["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        match one.get("data") {
            Some(data) => assert!(data.is_object() || is_failed, "{one}"),
            None => assert!(is_failed && (body.is_array() || host.calls().is_empty()), "{one}"),
        }
    }
    for call in host.calls() {
        assert!(call.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{}", call.path);
        let path = call.path.split('?').next().unwrap_or_default();
        assert!(!path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")), "{path}");
        assert!(!path.starts_with("/users/") || path.matches('/').count() == 3, "{path}");
    }
});
