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
