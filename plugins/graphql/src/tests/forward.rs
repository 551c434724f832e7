//! A GraphQL service behind the gateway: what it gets is what was checked, and nothing else.

use super::persisted::{HASH, TEXT, by_hash};
use super::*;

/// A plugin that knows no schema, and a service that answers.
fn forward(more: &Value) -> GraphQl {
    let mut config = json!({"schema": null, "forward": true});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    configure(&config).unwrap()
}

fn only_listed() -> GraphQl {
    forward(&json!({"persisted": {"mode": "only", "operations": json!({HASH: TEXT}).to_string()}}))
}

fn passes(plugin: &GraphQl, request: &Value) -> bool {
    matches!(plugin.on_request_body(request.to_string().into_bytes()), BodyVerdict::Next)
}

fn sent(host: &Host) -> Value {
    serde_json::from_slice(&host.request_body().unwrap()).unwrap()
}

fn refusal(plugin: &GraphQl, request: &Value) -> Value {
    body(&post(plugin, request))
}

#[test]
fn a_parameter_that_comes_twice_is_refused() {
    for query in [
        "query=%7Bevil%7D&query=%7Bok%7D",
        "query=%7Bok%7D&qu%65ry=%7Bevil%7D",
        "query=%7Bok%7D&operationName=&operationName=A",
        "query=%7Bok%7D&variables=%7B%7D&variables=",
    ] {
        for plugin in [forward(&json!({})), shop()] {
            let _host = services(&[]).query(query);
            let Verdict::Respond(answer) = plugin.on_request() else { panic!("{query} goes on") };
            assert_eq!((answer.status, code(&body(&answer))), (400, "BAD_REQUEST"), "{query}");
        }
    }
}

#[test]
fn a_get_goes_on_with_the_parameters_that_were_checked_and_without_a_body() {
    let query = "id=evil&query=query+A(%24a:Int)%7Bok(a:%24a)%7D&variables=%7B%22a%22:1,%22a%22:2%7D&Query=%7Bevil%7D\
                 &operationName=A&extensions=%7B%22documentId%22:%22evil%22%7D";
    let host = Host::new().query(query).header("content-type", "application/json").header("content-length", "9");
    assert!(matches!(forward(&json!({})).on_request(), Verdict::Next));
    let expected = "query=query+A%28%24a%3AInt%29%7Bok%28a%3A%24a%29%7D&operationName=A&variables=%7B%22a%22%3A2%7D";
    assert_eq!(host.query_now().as_deref(), Some(expected));
    assert_eq!(host.request_body(), Some(Vec::new()));
    assert_eq!(host.request_header("content-type"), None);
}

#[test]
fn a_get_with_a_listed_query_loses_its_body() {
    let host = Host::new().query("query=%7B+__typename+%7D");
    assert!(matches!(only_listed().on_request(), Verdict::Next));
    assert_eq!(host.request_body(), Some(Vec::new()));
}

#[test]
fn a_post_goes_on_with_the_members_that_were_checked_and_without_a_query() {
    for plugin in [forward(&json!({})), only_listed()] {
        let host = Host::new()
            .method("POST")
            .query("query=%7Bevil%7D")
            .header("content-type", "application/json")
            .header("content-type", "application/graphql")
            .header("content-encoding", "identity");
        let text = format!(
            r#"{{"query": "{TEXT}", "Query": "{{ evil }}", "id": "evil", "documentId": "evil",
                "variables": {{"a": 1, "a": 2}}, "extensions": {{"documentId": "evil"}}}}"#
        );
        assert!(matches!(plugin.on_request_body(text.into_bytes()), BodyVerdict::Next));
        assert_eq!(sent(&host), json!({"query": TEXT, "variables": {"a": 2}}));
        assert_eq!(host.query_now(), None);
        let types = host.request_headers().into_iter().filter(|(name, _)| name.starts_with("content-"));
        assert_eq!(types.collect::<Vec<_>>(), [("content-type".to_owned(), "application/json".to_owned())]);
    }
}

#[test]
fn a_hash_becomes_its_text_and_leaves_no_query() {
    let host = Host::new().method("POST").query("query=%7Bevil%7D");
    assert!(passes(&only_listed(), &by_hash(HASH)));
    assert_eq!((sent(&host), host.query_now()), (json!({"query": TEXT}), None));
}

#[test]
fn without_a_schema_introspection_can_be_off_too() {
    let plugin = forward(&json!({"introspection": false}));
    for query in [
        "{ __schema { types { name } } }",
        "{ a: __type(name: \"A\") { name } }",
        "{ ... { ...F } } fragment F on Query { ... on Query { __schema { queryType { name } } } }",
        "query A { me } query B { __schema { queryType { name } } }",
    ] {
        let _host = Host::new().method("POST");
        assert_eq!(code(&refusal(&plugin, &json!({"query": query, "operationName": "A"}))), "INTROSPECTION_DISABLED");
    }
    let _host = Host::new().method("POST");
    assert!(passes(&plugin, &json!({"query": "{ __typename __schema: me { id } }"})));
    assert!(passes(&forward(&json!({})), &json!({"query": "{ __schema { types { name } } }"})));
}

/// A service's schema, some of which is not for everyone.
const GUARDED: &str = "
type Query { me: User found: Found node: Node }
interface Node { id: ID }
union Found = User | Secret
type User implements Node { id: ID name: String salary: Int @requiresScopes(scopes: [[\"payroll\"]]) }
type Secret @authenticated { text: String }
";

#[test]
fn a_field_with_a_guard_is_asked_of_a_service_only_by_who_may_see_it() {
    let plugin = forward(&json!({"schema": GUARDED}));
    for (query, field, place) in [
        ("{ me { salary } }", "User.salary", (1, 8)),
        ("{ me { ...F } }\nfragment F on User { pay: salary name }", "User.salary", (2, 27)),
        ("{ node { id ... on User { salary } } }", "User.salary", (1, 27)),
        ("{ found { ... on Secret { text } } }", "Secret.text", (1, 27)),
    ] {
        let _host = Host::new().method("POST");
        let answer = refusal(&plugin, &json!({"query": query}));
        let expected = json!({
            "message": format!("`{field}` is not for you"),
            "locations": [{"line": place.0, "column": place.1}],
            "extensions": {"code": "FORBIDDEN"},
        });
        assert_eq!(answer, json!({"errors": [expected]}), "{query}");
        let _host = Host::new().method("POST").attribute("jwt.claim.sub", "7").attribute("jwt.claim.scope", "payroll");
        assert!(passes(&plugin, &json!({"query": query})), "{query}");
    }
    let _host = Host::new().method("POST");
    assert!(passes(
        &plugin,
        &json!({"query": "{ me { name salary @skip(if: true) } found { ... on User { name } } }"})
    ));
}

#[test]
fn a_service_behind_the_gateway_sees_only_what_is_within_the_limits() {
    let list = json!({HASH: TEXT}).to_string();
    for schema in [Value::Null, json!("type Query { me: User } type User { id: ID boss: User }")] {
        let forward = |more: &Value| {
            let mut config = json!({"schema": schema, "forward": true, "limits": {"depth": 3}});
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            configure(&config).unwrap()
        };
        let host = Host::new();
        let plugin = forward(&json!({}));
        assert!(passes(&plugin, &json!({"query": "{ me { id } }"})));
        assert!(!passes(&plugin, &json!({"query": "{ me { boss { boss { id } } } }"})));
        assert!(!passes(&plugin, &json!({"query": "subscription { me { id } }"})));
        assert!(!passes(&plugin, &json!({"query": "{ me { id"})));
        assert!(!passes(&plugin, &json!({"query": "query A { me { id } }", "operationName": "B"})));
        // The service does not know the hash, so it gets the text.
        let plugin = forward(&json!({"persisted": {"mode": "only", "operations": list}}));
        assert!(passes(&plugin, &by_hash(HASH)));
        let sent: Value = serde_json::from_slice(&host.request_body().unwrap()).unwrap();
        assert_eq!(sent, json!({"query": TEXT}));
        assert!(!passes(&plugin, &json!({"query": "{ me { id } }"})));
    }
}

#[test]
fn a_service_behind_the_gateway_sees_a_list_only_if_all_of_it_is_good() {
    let list = json!({HASH: TEXT}).to_string();
    let limits = json!({"depth": 2, "operations": 2});
    let plugin = |more: Value| {
        let mut config = json!({"schema": null, "forward": true, "limits": limits});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        configure(&config).unwrap()
    };
    let host = Host::new();
    let good = json!({"query": "{ me { id } }"});
    assert!(passes(&plugin(json!({})), &json!([good, good])));
    assert!(!passes(&plugin(json!({})), &json!([good, {"query": "{ me { boss { id } } }"}])));
    assert!(!passes(&plugin(json!({})), &json!([good, good, good])));
    let only = plugin(json!({"persisted": {"mode": "only", "operations": list}}));
    assert!(passes(&only, &json!([by_hash(HASH), {"query": TEXT}])));
    let sent: Value = serde_json::from_slice(&host.request_body().unwrap()).unwrap();
    assert_eq!(sent, json!([{"query": TEXT}, {"query": TEXT}]));
}
