//! Operations that are meant to hurt.

use proptest::prelude::*;

use super::*;

fn refused(query: &str) -> String {
    let host = services(&[]);
    let answer = ask(&shop(), query);
    assert!(host.calls().is_empty());
    assert!(answer.get("data").is_none(), "{answer}");
    code(&answer).to_owned()
}

#[test]
fn a_deep_query_is_refused() {
    assert_eq!(
        refused(&format!("{{ me {} }}", "{ boss ".repeat(20) + "{ id }" + &" }".repeat(20))),
        "OPERATION_TOO_LARGE"
    );
    let far = "{ me ".to_owned() + &"{ boss ".repeat(100_000);
    assert_eq!(refused(&far), "GRAPHQL_PARSE_FAILED");
}

#[test]
fn a_wide_query_is_refused() {
    let fields: String = (0..40).map(|n| format!("f{n}: me {{ id }} ")).collect();
    assert_eq!(refused(&format!("{{ {fields} }}")), "OPERATION_TOO_LARGE");
    // 10 users, each 10 orders, each a user, each 10 orders...
    let within = "{ orders { user { orders { user { orders { id total status } } } } } }";
    assert_eq!(refused(&format!("{{ users {within} }}")), "OPERATION_TOO_LARGE");
    assert_eq!(refused("{ users(first: 1000000) { name } }"), "OPERATION_TOO_LARGE");
}

#[test]
fn a_megabyte_of_tokens_is_refused() {
    for text in [
        "a ".repeat(500_000),
        "{".repeat(1_000_000),
        "\"".repeat(1_000_000),
        "[".repeat(1_000_000),
        "(a:".repeat(300_000),
    ] {
        assert_eq!(refused(&text), "GRAPHQL_PARSE_FAILED");
        assert_eq!(refused(&format!("{{ me {text}")), "GRAPHQL_PARSE_FAILED");
    }
}

#[test]
fn fragments_that_go_round_or_unfold_are_refused() {
    assert_eq!(refused("{ me { ...A } } fragment A on User { boss { ...A } }"), "GRAPHQL_VALIDATION_FAILED");
    let mut text = String::from("{ me { ...F0 } }");
    for n in 0..9 {
        let m = n + 1;
        text.push_str(&format!(
            " fragment F{n} on User {{ {} }}",
            (0..3).map(|a| format!("a{a}: boss {{ ...F{m} }} ")).collect::<String>()
        ));
    }
    text.push_str(" fragment F9 on User { id }");
    assert_eq!(refused(&text), "OPERATION_TOO_LARGE");
}

#[test]
fn an_answer_with_too_many_values_is_an_error_of_its_field() {
    let _host = Host::new().on_call(|_| Ok(Answer::new(200).body(format!("[{}0]", "0,".repeat(300_000)))));
    let sdl = "type Query { n: [Int] @rest(upstream: \"u\", path: \"/\") }";
    let answer = ask(&configure(&json!({"schema": sdl})).unwrap(), "{ n }");
    assert_eq!((&answer["data"]["n"], code(&answer)), (&Value::Null, "RESPONSE_TOO_LARGE"));
}

/// Bytes that are often JSON, and often nearly.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let pieces = "(\\{|\\}|\\[|\\]|,|:|\"id\"|\"name\"|\"items\"|\"data\"|\"__typename\"|\"User\"|\"user\"|null|true|7|1\\.5|\"x\"|é){0,24}";
    prop_oneof![
        pieces.prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..24),
        Just(
            br#"{"id": 7, "name": "Zoe", "boss_id": 8, "data": {"items": [{"id": 1, "name": "a"}, {"id": 2}]}}"#
                .to_vec()
        ),
        Just(
            br#"[{"__typename": "User", "id": 1, "user": 1}, {"__typename": "Order", "id": 2, "user": [2]}]"#.to_vec()
        ),
    ]
}

proptest! {
    #[test]
    fn whatever_services_answer_the_answer_is_json_with_data(bodies in proptest::collection::vec(answers(), 8)) {
        let bodies = RefCell::new(bodies);
        let _host = Host::new().on_call(move |_| Ok(Answer::new(200).body(bodies.borrow_mut().pop().unwrap_or_default())));
        let query = "{ me { name email boss { orders { id total user { id } } } orders { status } }
            users { id name orders { id } } search(text: \"x\") { __typename ... on Node { id } ... on User { orders { id } } } }";
        let answer = ask(&shop(), query);
        prop_assert!(answer.get("data").is_some(), "{}", answer);
    }

    #[test]
    fn whatever_a_client_sends_it_gets_data_or_errors(text in "(\\{|\\}|\\(|\\)|\\.\\.\\.|@skip|if|:|\\$a|me|id|query|fragment|on|User|\"|\\PC| ){0,40}", body: Vec<u8>) {
        let _host = services(&[]);
        for body in [json!({"query": text}).to_string().into_bytes(), body] {
            let BodyVerdict::Respond(answer) = shop().on_request_body(body) else { panic!("it answers") };
            let answer = super::body(&answer);
            prop_assert!(answer.get("data").is_some() || answer["errors"].is_array());
        }
    }
}
