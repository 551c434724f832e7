//! What a service gets of an argument, whichever way the client wrote it.

use super::*;

const SDL: &str = r#"
enum Color { RED BLUE }
scalar Any
input In { a: String! s: Sub = {k: 7} ids: [ID!] }
input Sub { k: Int = 5 c: Color = RED l: [Int!] = [1, 2] one: [Int!] = 3 id: ID = 4 next: In any: Any }
type Query { echo(in: In, id: ID, ids: [[ID]], any: Any, sub: Sub = {k: 8}): String
  @rest(upstream: "u", method: "POST", path: "/",
    body: "{\"in\": {args.in}, \"id\": {args.id}, \"ids\": {args.ids}, \"any\": {args.any}, \"sub\": {args.sub}}") }
"#;

fn sent(query: &str, variables: &Value) -> Value {
    let host = Host::new().on_call(|_| Ok(Answer::new(200).json(&"x")));
    let plugin = configure(&json!({"schema": SDL})).unwrap();
    let answer = body(&post(&plugin, &json!({"query": query, "variables": variables})));
    assert_eq!(answer, json!({"data": {"echo": "x"}}), "{query}");
    serde_json::from_slice(&host.calls()[0].body).unwrap()
}

#[test]
fn a_variable_and_a_literal_are_sent_alike() {
    let defaults = json!({"k": 5, "c": "RED", "l": [1, 2], "one": [3], "id": "4"});
    for (ty, literal, variable, name, expected) in [
        (
            "In",
            "{a: \"x\"}",
            json!({"a": "x"}),
            "in",
            json!({"a": "x", "s": {"k": 7, "c": "RED", "l": [1, 2], "one": [3], "id": "4"}}),
        ),
        (
            "In",
            "{a: \"x\", s: null, ids: 7}",
            json!({"a": "x", "s": null, "ids": 7}),
            "in",
            json!({"a": "x", "s": null, "ids": ["7"]}),
        ),
        ("Sub", "{}", json!({}), "sub", defaults.clone()),
        ("Sub", "{any: {a: [7]}}", json!({"any": {"a": [7]}}), "sub", {
            let mut with = defaults.clone();
            with["any"] = json!({"a": [7]});
            with
        }),
        ("ID", "7", json!(7), "id", json!("7")),
        ("ID", "\"07\"", json!("07"), "id", json!("07")),
        ("[[ID]]", "[[7, null]]", json!([[7, null]]), "ids", json!([["7", null]])),
        ("Any", "7", json!(7), "any", json!(7)),
    ] {
        let by_literal = sent(&format!("{{ echo({name}: {literal}) }}"), &json!({}));
        let by_variable = sent(&format!("query Q($v: {ty}) {{ echo({name}: $v) }}"), &json!({"v": variable}));
        let by_default = sent(&format!("query Q($v: {ty} = {literal}) {{ echo({name}: $v) }}"), &json!({}));
        for sent in [by_literal, by_variable, by_default] {
            assert_eq!(sent[name], expected, "{ty} {literal}");
        }
    }
    assert_eq!(sent("query Q($v: Sub) { echo(sub: $v) }", &json!({}))["sub"]["k"], 8);
}

fn refused(query: &str) -> Value {
    let _host = Host::new();
    let answer = ask(&configure(&json!({"schema": SDL})).unwrap(), query);
    assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "{query}: {answer}");
    answer["errors"][0].clone()
}

#[test]
fn a_field_of_an_input_object_is_there_once() {
    for (query, column) in [
        ("{ echo(sub: {k: 1, k: 2}) }", 20),
        ("{ echo(in: {a: \"x\", s: {k: 1, next: {a: \"x\", a: \"y\"}}}) }", 46),
        ("{ echo(any: [{x: 1}, {x: 1, y: 2, x: 3}]) }", 35),
        ("query Q($s: Sub = {k: 1, k: 2}) { echo(sub: $s) }", 26),
        ("{ ...F } fragment F on Query { echo(any: {x: {}, x: 1}) }", 50),
    ] {
        let error = refused(query);
        assert!(error["message"].as_str().unwrap().ends_with("is there more than once"), "{error}");
        assert_eq!(error["locations"][0]["column"], column, "{query}");
    }
}

#[test]
fn a_variable_within_a_custom_scalar_is_defined() {
    for query in [
        "{ echo(any: {x: $v}) }",
        "{ echo(any: [[$v]]) }",
        "query Q($w: Int) { echo(any: {w: $w, x: {x: $v}}) }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ... { echo(any: {x: $v}) } }",
    ] {
        let error = refused(query);
        assert!(error["message"].as_str().unwrap().ends_with("variable `$v` is not defined"), "{query}: {error}");
    }
    let by_fragment = "query Q($v: Any) { ...F } fragment F on Query { echo(any: {x: [$v, $v], y: 1}) }";
    assert_eq!(sent(by_fragment, &json!({"v": {"z": 1}}))["any"], json!({"x": [{"z": 1}, {"z": 1}], "y": 1}));
}

#[test]
fn a_guarded_services_operations_are_held_to_the_same_rules() {
    let plugin = configure(&json!({"schema": null, "forward": true})).unwrap();
    let _host = Host::new();
    for query in ["{ a(b: {c: 1, c: 2}) }", "{ a(b: {c: $v}) }"] {
        assert_eq!(code(&ask(&plugin, query)), "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
}
