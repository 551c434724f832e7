//! Values, fragments, batches, and what becomes of errors.

use super::*;

#[test]
fn fragments_aliases_and_conditions_are_followed() {
    let _host = services(&[("/users/7", json!({"id": 7, "name": "Zoe", "contact": {}}))]);
    let query = "query Q($yes: Boolean!, $no: Boolean!) {
        a: me { ...Names id @include(if: $no) }
        b: me { ... on Node { id } ... @skip(if: $yes) { name } email @skip(if: $no) }
      }
      fragment Names on User { first: name ...Again } fragment Again on User { name __typename }";
    let request = |yes| json!({"query": query, "variables": {"yes": yes, "no": false}});
    let plugin = shop();
    let data = |yes| body(&post(&plugin, &request(yes)))["data"].clone();
    let a = json!({"first": "Zoe", "name": "Zoe", "__typename": "User"});
    assert_eq!(data(true), json!({"a": a, "b": {"id": "7", "email": null}}));
    assert_eq!(data(false), json!({"a": a, "b": {"id": "7", "name": "Zoe", "email": null}}));
}

#[test]
fn equal_calls_are_made_once() {
    let host = services(&[("/users/7", json!({"id": 7, "name": "Zoe", "boss_id": 7}))]);
    let answer = ask(&shop(), "{ me { boss { boss { name } } } a: user(id: 7) { name } b: user(id: \"7\") { id } }");
    assert_eq!(answer["data"]["me"]["boss"]["boss"]["name"], "Zoe");
    assert_eq!(paths(&host), ["/users/7"]);
}

#[test]
fn calls_for_the_items_of_a_list_are_one_call() {
    let users =
        json!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": "3", "name": "c"}, {"id": 1, "name": "d"}]);
    let host = services(&[
        ("/users?limit=4&status=OPEN", json!({"data": {"items": users}})),
        ("/orders?users=1,2,3", json!([{"id": 10, "user": 2}, {"id": 11, "user": "1"}, {"id": 12, "user": 2}])),
    ]);
    let answer = ask(&shop(), "{ users(first: 4, filter: {}) { name orders { id } } }");
    let expected = json!([
        {"name": "a", "orders": [{"id": "11"}]},
        {"name": "b", "orders": [{"id": "10"}, {"id": "12"}]},
        {"name": "c", "orders": []},
        {"name": "d", "orders": [{"id": "11"}]},
    ]);
    assert_eq!(answer, json!({"data": {"users": expected}}));
    assert_eq!(paths(&host).len(), 2);
}

#[test]
fn a_batch_is_cut_at_its_most_and_fails_for_those_in_it() {
    let sdl = SHOP.replace("match: \"user\"", "match: \"user\", max: 2, separator: \"&user=\"");
    let plugin = configure(&json!({"schema": sdl})).unwrap();
    let users: Vec<Value> = (1..4).map(|id| json!({"id": id, "name": "x"})).collect();
    let host = services(&[
        ("/users", json!({"data": {"items": users}})),
        ("/orders?users=1&user=2", json!([{"id": 10, "user": 2}])),
    ]);
    let answer = ask(&plugin, "{ users { orders { id } } }");
    assert_eq!(answer["data"]["users"], json!([{"orders": []}, {"orders": [{"id": "10"}]}, {"orders": null}]));
    assert_eq!(answer["errors"][0]["path"], json!(["users", 2, "orders"]));
    assert_eq!(paths(&host), ["/users", "/orders?users=1&user=2", "/orders?users=3"]);
}

#[test]
fn an_error_leaves_the_rest_and_says_where_it_is() {
    let host = services(&[("/users/7", json!({"id": 7, "name": "Zoe"}))]);
    let answer = ask(&shop(), "{ me {\n  name\n  orders { id }\n} }");
    assert_eq!(answer["data"], json!({"me": {"name": "Zoe", "orders": null}}));
    let error = &answer["errors"][0];
    assert_eq!((&error["path"], &error["locations"]), (&json!(["me", "orders"]), &json!([{"line": 3, "column": 3}])));
    assert_eq!(code(&answer), "UPSTREAM_ERROR");
    assert!(!answer.to_string().contains("10.0.0.7"));
    assert!(host.logs()[0].1.contains("10.0.0.7:3001 refused"));
}

#[test]
fn a_null_that_must_not_be_takes_the_nearest_that_may() {
    let users = json!({"data": {"items": [{"id": 1, "name": "a"}, {"id": 2}]}});
    let _host = services(&[("/users", users), ("/search?q=x", json!([{"__typename": "User", "id": 1}]))]);
    let answer = ask(&shop(), "{ users { name } }");
    assert_eq!((&answer["data"], code(&answer)), (&json!({"users": null}), "NULL_VALUE"));
    assert_eq!(answer["errors"][0]["path"], json!(["users", 1, "name"]));
    // From item to list to field, none of which may be null, to the root.
    assert_eq!(ask(&shop(), "{ search(text: \"x\") { ... on User { name } } }")["data"], Value::Null);
}

#[test]
fn abstract_types_are_told_by_typename() {
    let found =
        json!([{"__typename": "Order", "id": 1, "status": "PAID"}, {"__typename": "User", "id": 7, "name": "Zoe"}]);
    let _host = services(&[("/search?q=a%26b", found), ("/node/1", json!({"id": 1}))]);
    let query =
        "{ search(text: \"a&b\") { __typename ... on Node { id } ... on Order { status } ... on User { name } } }";
    let expected =
        json!([{"__typename": "Order", "id": "1", "status": "PAID"}, {"__typename": "User", "id": "7", "name": "Zoe"}]);
    assert_eq!(ask(&shop(), query)["data"]["search"], expected);
    // Without it nobody knows what it is.
    let answer = ask(&shop(), "{ node(id: 1) { id } }");
    assert_eq!((&answer["data"]["node"], code(&answer)), (&Value::Null, "INVALID_VALUE"));
}

#[test]
fn values_that_are_not_what_the_schema_says_are_errors() {
    let bad = json!({"id": [], "name": "x", "contact": {"email": {}}});
    let _host = services(&[("/users/7", bad), ("/orders?user=7", json!({}))]);
    let answer = ask(&shop(), "{ me { name email } }");
    assert_eq!((&answer["data"]["me"], code(&answer)), (&json!({"name": "x", "email": null}), "INVALID_VALUE"));
    assert_eq!(ask(&shop(), "{ me { id } }")["data"], json!({"me": null}));
}

#[test]
fn what_services_answer_instead_of_json_is_an_error_and_nothing_is_null() {
    for (answer, data, expected) in [
        (Ok(Answer::new(200).body("<html>")), Value::Null, "UPSTREAM_ERROR"),
        (Ok(Answer::new(200).body("{\"name\":")), Value::Null, "UPSTREAM_ERROR"),
        (Ok(Answer::new(200).body(b"\"\xff\"")), Value::Null, "UPSTREAM_ERROR"),
        (Ok(Answer::new(500).json(&1)), Value::Null, "UPSTREAM_ERROR"),
        (Ok(Answer::new(302)), Value::Null, "UPSTREAM_ERROR"),
        (Ok(Answer::new(404).json(&1)), Value::Null, ""),
        (Ok(Answer::new(204)), Value::Null, ""),
        (Ok(Answer::new(200).json(&Value::Null)), Value::Null, ""),
        (Ok(Answer::new(200).json(&json!([]))), Value::Null, "INVALID_VALUE"),
        (Err(ClientError::Timeout), Value::Null, "UPSTREAM_TIMEOUT"),
        (Err(ClientError::TooLarge), Value::Null, "UPSTREAM_ERROR"),
        (Err(ClientError::TooMany), Value::Null, "INTERNAL_SERVER_ERROR"),
        (Err(ClientError::Denied("x".into())), Value::Null, "INTERNAL_SERVER_ERROR"),
    ] {
        let shown = format!("{answer:?}");
        let _host = Host::new().on_call(move |_| answer.clone());
        let answer = ask(&shop(), "{ user(id: 1) { name } }");
        assert_eq!((&answer["data"]["user"], code(&answer)), (&data, expected), "{shown}");
    }
}

#[test]
fn mutations_run_one_after_the_other_and_send_their_input() {
    let order = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&order);
    let host = Host::new().on_call(move |call: &Outbound| {
        seen.borrow_mut().push(serde_json::from_slice(&call.body).unwrap_or(Value::Null));
        Ok(Answer::new(201).json(&json!({"id": 1, "user": 7, "name": "Zoe"})))
    });
    let query =
        "mutation M($b: NewOrder!) { a: order(input: {item: \"x\"}) { id user { name } } b: order(input: $b) { id } }";
    let answer = body(&post(&shop(), &json!({"query": query, "variables": {"b": {"item": "y", "count": 3}}})));
    assert_eq!(answer["data"], json!({"a": {"id": "1", "user": {"name": "Zoe"}}, "b": {"id": "1"}}));
    let (a, b) = (json!({"order": {"item": "x", "count": 1}}), json!({"order": {"item": "y", "count": 3}}));
    assert_eq!(*order.borrow(), [a, Value::Null, b]);
    assert_eq!(host.calls()[0].method, "POST");
}

#[test]
fn what_was_read_before_a_change_is_read_again_behind_it() {
    let host = Host::new().on_call(|_| Ok(Answer::new(200).json(&json!({"id": 1, "user": 7, "name": "Zoe"}))));
    let order = "order(input: {item: \"x\"}) { user { name } }";
    ask(&shop(), &format!("mutation {{ a: {order} b: {order} }}"));
    assert_eq!(paths(&host), ["/orders", "/users/7", "/orders", "/users/7"]);
}

#[test]
fn a_field_with_a_guard_is_null_for_who_lacks_the_scope() {
    let user = [("/users/7", json!({"id": 7, "name": "Zoe", "salary": 3}))];
    let host = services(&user);
    let answer = ask(&shop(), "{ me { name salary } }");
    assert_eq!((&answer["data"]["me"], code(&answer)), (&json!({"name": "Zoe", "salary": null}), "FORBIDDEN"));
    drop(host);
    let _host = services(&user).attribute("jwt.claim.scope", "read payroll");
    assert_eq!(ask(&shop(), "{ me { name salary } }"), json!({"data": {"me": {"name": "Zoe", "salary": 3}}}));
}

#[test]
fn a_parent_without_a_key_and_a_path_that_climbs_make_no_call() {
    let host = services(&[("/users/7", json!({"id": 7, "name": "Zoe", "boss_id": null}))]);
    assert_eq!(ask(&shop(), "{ me { boss { name } } }"), json!({"data": {"me": {"boss": null}}}));
    for id in ["..", ".", ""] {
        let answer = ask(&shop(), &format!("{{ user(id: \"{id}\") {{ name }} }}"));
        assert_eq!((&answer["data"]["user"], code(&answer)), (&Value::Null, "BAD_USER_INPUT"), "{id}");
    }
    assert_eq!(paths(&host), ["/users/7"]);
}

#[test]
fn the_schema_can_be_asked_for_unless_that_is_off() {
    let _host = services(&[]);
    let query = "{ __schema { directives { name } } t: __type(name: \"Order\") { fields { name } } __typename }";
    let answer = ask(&shop(), query);
    let names: Vec<&str> = answer["data"]["__schema"]["directives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"skip") && !names.contains(&"rest"), "{names:?}");
    assert_eq!(answer["data"]["t"]["fields"][1]["name"], "total");
    assert_eq!(answer["data"]["__typename"], "Query");
    let off = configure(&json!({"introspection": false})).unwrap();
    assert_eq!(code(&ask(&off, query)), "INTROSPECTION_DISABLED");
    assert_eq!(ask(&off, "{ __typename }"), json!({"data": {"__typename": "Query"}}));
}

/// `getIntrospectionQuery()` of graphql-js 16, which `GraphiQL` sends.
const INTROSPECTION: &str = "
query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) {
    name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";

#[test]
fn an_editor_for_operations_gets_the_schema() {
    let _host = services(&[]);
    let answer = ask(&shop(), INTROSPECTION);
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query", "{answer}");
    let forward = configure(&json!({"schema": null, "forward": true})).unwrap();
    let request = json!({"query": INTROSPECTION}).to_string().into_bytes();
    assert!(matches!(forward.on_request_body(request), BodyVerdict::Next));
}

#[test]
fn the_operator_is_told_of_an_answer_that_is_compressed() {
    let host = Host::new().on_call(|_| Ok(Answer::new(200).body(b"\x1f\x8b\x08\x00rest")));
    assert_eq!(code(&ask(&shop(), "{ user(id: 1) { name } }")), "UPSTREAM_ERROR");
    let said = &host.logs()[0].1;
    assert!(said.contains("compressed (gzip), though `accept-encoding: identity` was sent"), "{said}");
}

#[test]
fn a_value_that_cannot_be_in_a_header_field_is_the_clients_mistake() {
    let sdl = r#"type Query { a(v: String): String @rest(upstream: "u", path: "/", headers: [{name: "x-v", value: "v{args.v}"}]) }"#;
    let plugin = configure(&json!({"schema": sdl})).unwrap();
    for value in ["a\\nb", "\\r", "\\u0000", "\\u007f"] {
        let host = Host::new();
        let answer = ask(&plugin, &format!("{{ a(v: \"{value}\") }}"));
        assert_eq!((&answer["data"]["a"], code(&answer)), (&Value::Null, "BAD_USER_INPUT"), "{value}");
        assert_eq!(answer["errors"][0]["path"], json!(["a"]));
        assert_eq!((host.calls(), host.logs()), (vec![], vec![]), "{value}");
    }
    let host = Host::new().on_call(|_| Ok(Answer::new(200).json(&"x")));
    assert_eq!(ask(&plugin, "{ a(v: \"a\\t\u{e9}\") }"), json!({"data": {"a": "x"}}));
    assert_eq!(host.calls()[0].headers[0].value, "va\t\u{e9}");
}
