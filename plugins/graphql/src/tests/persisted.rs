//! Operations by their hash, and a GraphQL service behind the gateway.

use super::*;

/// The SHA-256 of `{ __typename }`.
const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
const TEXT: &str = "{ __typename }";

fn by_hash(hash: &str) -> Value {
    json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}})
}

#[test]
fn a_client_registers_an_operation_and_sends_its_hash_from_then_on() {
    let _host = services(&[]);
    let (plugin, other_instance) = (shop(), shop());
    let unknown = body(&post(&plugin, &by_hash(HASH)));
    assert_eq!(
        (code(&unknown), &unknown["errors"][0]["message"]),
        ("PERSISTED_QUERY_NOT_FOUND", &json!("PersistedQueryNotFound"))
    );
    let mut both = by_hash(HASH);
    both["query"] = json!(TEXT);
    for request in [both.clone(), by_hash(HASH)] {
        assert_eq!(body(&post(&other_instance, &request)), json!({"data": {"__typename": "Query"}}));
    }
    both["query"] = json!("{ me { id } }");
    assert_eq!(code(&body(&post(&plugin, &both))), "BAD_REQUEST");
}

#[test]
fn an_allow_list_lets_nothing_else_through() {
    let _host = services(&[]);
    for list in [json!({HASH: TEXT}), json!({"format": "x", "operations": [{"id": HASH, "name": "Q", "body": TEXT}]})] {
        let persisted = json!({"mode": "only", "operations": list.to_string()});
        let plugin = configure(&json!({"persisted": persisted})).unwrap();
        assert_eq!(body(&post(&plugin, &by_hash(HASH))), json!({"data": {"__typename": "Query"}}));
        assert_eq!(ask(&plugin, TEXT), json!({"data": {"__typename": "Query"}}));
        assert_eq!(code(&ask(&plugin, "{ me { id } }")), "PERSISTED_QUERY_ONLY");
        let mut other = by_hash(HASH);
        other["query"] = json!("{ me { id } }");
        assert_eq!(code(&body(&post(&plugin, &other))), "PERSISTED_QUERY_ONLY");
    }
    let off = configure(&json!({"persisted": {"mode": "off"}})).unwrap();
    assert_eq!(code(&body(&post(&off, &by_hash(HASH)))), "PERSISTED_QUERY_NOT_SUPPORTED");
    assert!(configure(&json!({"persisted": {"mode": "only"}})).unwrap_err().starts_with("persisted.operations"));
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
        let passes = |plugin: &GraphQl, request: &Value| {
            matches!(plugin.on_request_body(request.to_string().into_bytes()), BodyVerdict::Next)
        };
        let host = Host::new();
        let plugin = forward(&json!({}));
        assert!(passes(&plugin, &json!({"query": "{ me { id } }"})));
        assert_eq!(host.request_body(), None);
        assert!(!passes(&plugin, &json!({"query": "{ me { boss { boss { id } } } }"})));
        assert!(!passes(&plugin, &json!({"query": "subscription { me { id } }"})));
        assert!(!passes(&plugin, &json!({"query": "{ me { id"})));
        assert!(!passes(&plugin, &json!({"query": "query A { me { id } }", "operationName": "B"})));
        // The service does not know the hash, so it gets the text.
        let plugin = forward(&json!({"persisted": {"mode": "only", "operations": list}}));
        assert!(passes(&plugin, &by_hash(HASH)));
        let sent: Value = serde_json::from_slice(&host.request_body().unwrap()).unwrap();
        assert_eq!(sent, json!({"query": TEXT, "variables": {}}));
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
    let passes = |plugin: &GraphQl, request: Value| {
        matches!(plugin.on_request_body(request.to_string().into_bytes()), BodyVerdict::Next)
    };
    let good = json!({"query": "{ me { id } }"});
    assert!(passes(&plugin(json!({})), json!([good, good])));
    assert!(!passes(&plugin(json!({})), json!([good, {"query": "{ me { boss { id } } }"}])));
    assert!(!passes(&plugin(json!({})), json!([good, good, good])));
    assert_eq!(host.request_body(), None);
    let only = plugin(json!({"persisted": {"mode": "only", "operations": list}}));
    assert!(passes(&only, json!([by_hash(HASH), {"query": TEXT}])));
    let sent: Value = serde_json::from_slice(&host.request_body().unwrap()).unwrap();
    assert_eq!(sent, json!([{"query": TEXT, "variables": {}}, {"query": TEXT, "variables": {}}]));
}
