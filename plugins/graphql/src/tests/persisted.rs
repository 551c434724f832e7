//! Operations by their hash.

use super::*;

/// The SHA-256 of `{ __typename }`.
pub(super) const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
pub(super) const TEXT: &str = "{ __typename }";

pub(super) fn by_hash(hash: &str) -> Value {
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
fn what_is_not_accepted_is_not_kept() {
    let sha = |text: &str| {
        let hash =
            tollgate_plugin_sdk::crypto::hash(tollgate_plugin_sdk::crypto::HashAlgorithm::Sha256, text.as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let forward = configure(&json!({"schema": null, "forward": true})).unwrap();
    for (plugin, text) in [
        (&shop(), "garbage"),
        (&shop(), "{ x }"),
        (&shop(), "query($id: ID!) { user(id: $id) { id } }"),
        (&shop(), "query A { __typename } query B { __typename }"),
        (&forward, "{ ...F }"),
    ] {
        let _host = services(&[]).method("POST");
        let mut both = by_hash(&sha(text));
        both["query"] = json!(text);
        assert_ne!(code(&body(&post(plugin, &both))), "", "{text}");
        assert_eq!(code(&body(&post(plugin, &by_hash(&sha(text))))), "PERSISTED_QUERY_NOT_FOUND", "{text}");
    }
}
