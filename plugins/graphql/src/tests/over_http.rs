//! Methods, media types and status codes.

use super::*;

fn get(plugin: &GraphQl) -> Answer {
    match plugin.on_request() {
        Verdict::Respond(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn content_type(answer: &Answer) -> &str {
    answer.headers.iter().find(|header| header.name == "content-type").map_or("", |header| &header.value)
}

#[test]
fn a_get_asks_and_a_get_that_changes_something_is_refused() {
    let user = [("/users/1%2F2", json!({"name": "Zoe"}))];
    let query =
        "query=query+Q(%24id:ID!)%7Buser(id:%24id)%7Bname%7D%7D&variables=%7B%22id%22:%221/2%22%7D&operationName=Q";
    let _host = services(&user).query(query);
    assert_eq!(body(&get(&shop())), json!({"data": {"user": {"name": "Zoe"}}}));
    let host = services(&user).query("query=mutation%7Border(input:%7Bitem:%22x%22%7D)%7Bid%7D%7D");
    let answer = get(&shop());
    assert_eq!(answer.status, 405);
    assert!(host.calls().is_empty());
}

#[test]
fn a_post_needs_json_and_other_methods_are_told_so() {
    let _host = Host::new().method("POST").header("content-type", "application/json; charset=utf-8");
    assert!(matches!(shop().on_request(), Verdict::NeedBody(131_072)));
    for content_type in ["text/plain", "application/json; charset=utf-16", ""] {
        let _host = Host::new().method("POST").header("content-type", content_type);
        assert_eq!(get(&shop()).status, 415, "{content_type}");
    }
    let _host = Host::new().method("PUT");
    assert_eq!(get(&shop()).status, 405);
}

#[test]
fn the_status_follows_from_the_media_type() {
    let new = "application/graphql-response+json";
    for (accept, request, status) in [
        (new, json!({"query": "{ __typename }"}), 200),
        (new, json!({"query": "{ me { name } }"}), 200),
        (new, json!({"query": "{"}), 400),
        (new, json!({"query": "{ x }"}), 400),
        (new, json!({"query": "query($id: ID!) { user(id: $id) { id } }"}), 400),
        (new, json!({"query": "query A { me { id } } query B { me { id } }"}), 400),
        (new, json!({"query": "query A { me { id } }", "operationName": "B"}), 400),
        ("application/json", json!({"query": "{"}), 200),
        ("application/json", json!({"query": "{ x }"}), 200),
        ("application/json", json!({"qery": "{ x }"}), 400),
        ("application/json", json!({"query": 1}), 400),
        ("application/json", json!({"query": "{ __typename }", "variables": [1]}), 400),
        ("application/json", json!([{"query": "{ __typename }"}]), 400),
    ] {
        let _host = services(&[]).header("accept", accept);
        let answer = post(&shop(), &request);
        assert_eq!(answer.status, status, "{accept} {request} {}", body(&answer));
        assert_eq!(content_type(&answer), format!("{accept}; charset=utf-8"));
    }
    let _host = services(&[]).header("accept", "text/html");
    assert_eq!(post(&shop(), &json!({"query": "{ __typename }"})).status, 406);
}

#[test]
fn a_browser_gets_an_editor_where_it_is_asked_for() {
    let _host = Host::new().header("accept", "text/html,*/*;q=0.8");
    let plugin = configure(&json!({"graphiql": true})).unwrap();
    assert_eq!(content_type(&get(&plugin)), "text/html; charset=utf-8");
    assert_eq!(get(&shop()).status, 400);
    let _host = Host::new().header("accept", "text/html,*/*;q=0.8").query("query=%7B__typename%7D");
    assert_eq!(body(&get(&plugin)), json!({"data": {"__typename": "Query"}}));
}

#[test]
fn a_list_of_operations_is_answered_with_a_list_where_that_is_on() {
    let host = services(&[("/users/7", json!({"id": 7, "name": "Zoe"}))]);
    let plugin = configure(&json!({"limits": {"operations": 3}})).unwrap();
    let list = json!([{"query": "{ me { name } }"}, {"query": "{ x }"}, {"query": "{ me { id } }"}]);
    let answer = post(&plugin, &list);
    assert_eq!((answer.status, content_type(&answer)), (200, "application/json; charset=utf-8"));
    let answers = body(&answer);
    assert_eq!(answers[0], json!({"data": {"me": {"name": "Zoe"}}}));
    assert_eq!(code(&answers[1]), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answers[2], json!({"data": {"me": {"id": "7"}}}));
    // Each is an operation by itself.
    assert_eq!(paths(&host), ["/users/7", "/users/7"]);
}

#[test]
fn a_list_is_refused_where_it_is_off_too_long_or_empty() {
    let host = services(&[]);
    let off = shop();
    let on = configure(&json!({"limits": {"operations": 2}})).unwrap();
    let operation = json!({"query": "{ __typename }"});
    for (plugin, list, says) in [
        (&off, vec![&operation], "one operation a request"),
        (&on, vec![&operation; 3], "a list of 3 operations, and 2 is the most"),
        (&on, vec![], "without an operation"),
    ] {
        let answer = post(plugin, &json!(list));
        assert_eq!((answer.status, code(&body(&answer))), (400, "BAD_REQUEST"));
        assert!(body(&answer).to_string().contains(says), "{}", body(&answer));
    }
    assert_eq!(post(&on, &json!([operation, 1])).status, 400);
    assert_eq!(body(&post(&on, &json!([operation]))), json!([{"data": {"__typename": "Query"}}]));
    assert!(host.calls().is_empty());
}

#[test]
fn a_subscription_is_told_that_there_are_none() {
    let _host = services(&[]);
    let answer = post(&shop(), &json!({"query": "subscription { me { id } }"}));
    assert_eq!(code(&body(&answer)), "SUBSCRIPTION_NOT_SUPPORTED");
    let sdl = "type Query { a: Int @rest(upstream: \"u\", path: \"/\") }\n\
               type Subscription { a: Int @rest(upstream: \"u\", path: \"/\") }";
    let error = configure(&json!({"schema": sdl})).unwrap_err();
    assert!(error.contains("shop.graphql:2:6: `Subscription` has subscriptions, which are not supported"), "{error}");
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
}

#[test]
fn only_an_answer_without_errors_may_be_kept() {
    let user = [("/users/7", json!({"id": 7, "name": "Zoe", "salary": 3}))];
    let plugin = configure(&json!({"limits": {"operations": 3}})).unwrap();
    let (good, partial) =
        (json!({"query": "{ user(id: 7) { name } }"}), json!({"query": "{ user(id: 7) { orders { id } } }"}));
    let (mine, guarded) = (json!({"query": "{ me { name } }"}), json!({"query": "{ user(id: 7) { salary } }"}));
    let hash = json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}});
    for (request, expected) in [
        (good.clone(), None),
        (json!([good, good]), None),
        (mine.clone(), Some("private")),
        (json!([good, mine]), Some("private")),
        (guarded, Some("private")),
        (partial.clone(), Some("no-store")),
        (json!([good, partial]), Some("no-store")),
        (json!([good, {"query": "{"}]), Some("no-store")),
        (json!({"query": "{ x }"}), Some("no-store")),
        (json!({"query": 1}), Some("no-store")),
        (hash, Some("no-store")),
    ] {
        let _host = services(&user).attribute("jwt.claim.scope", "payroll");
        let answer = post(&plugin, &request);
        assert_eq!(header(&answer, "cache-control"), expected, "{request}");
        assert_eq!(header(&answer, "vary"), Some("accept"), "{request}");
    }
}

#[test]
fn an_answer_tells_that_accept_made_a_difference() {
    let _host = services(&[]).header("accept", "text/html");
    let answer = post(&shop(), &json!({"query": "{ __typename }"}));
    assert_eq!((header(&answer, "vary"), header(&answer, "cache-control")), (Some("accept"), Some("no-store")));
    let answer = get(&configure(&json!({"graphiql": true})).unwrap());
    assert_eq!(header(&answer, "vary"), Some("accept"));
    let _host = services(&[]).method("PUT");
    assert_eq!(header(&get(&shop()), "cache-control"), Some("no-store"));
}

#[test]
fn a_head_is_a_get() {
    let _host = services(&[]).method("HEAD").query("query=%7B__typename%7D");
    assert_eq!(body(&get(&shop())), json!({"data": {"__typename": "Query"}}));
    let _host = services(&[]).method("HEAD").query("query=mutation%7Border(input:%7Bitem:%22x%22%7D)%7Bid%7D%7D");
    assert_eq!(get(&shop()).status, 405);
    let _host = services(&[]).method("PUT");
    assert_eq!(header(&get(&shop()), "allow"), Some("GET, HEAD, POST"));
}

#[test]
fn an_operations_name_that_is_empty_is_none() {
    let _host = services(&[]);
    let answer = post(&shop(), &json!({"query": "query A { __typename }", "operationName": ""}));
    assert_eq!(body(&answer), json!({"data": {"__typename": "Query"}}));
    let two = post(&shop(), &json!({"query": "query A { __typename } query B { __typename }", "operationName": ""}));
    assert_eq!(code(&body(&two)), "OPERATION_RESOLUTION_FAILURE");
}
