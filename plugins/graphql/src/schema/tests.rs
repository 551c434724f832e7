//! Schemas that are wrong.

use tollgate_plugin_sdk::testing::Host;

use super::Service;

fn problems(sdl: &str) -> String {
    Service::parse(sdl, true).unwrap_err().join("\n")
}

#[test]
fn a_mistake_is_told_with_line_and_column() {
    for (sdl, says) in [
        ("type Query {\n  me: Usr @rest(upstream: \"u\", path: \"/\")\n}", "2:7: "),
        ("type Query {\n  me: Int\n}", "2:3: `Query.me` has no `@rest`"),
        ("type Query {\n  me: Int @rest(path: \"/\")\n}", "2:11: @rest: needs one of `upstream`, `origin` and `route`"),
        ("type Query {\n  me: Int @rest(upstream: \"u\")\n}", "2:11: "),
        ("type Query {", "1:"),
    ] {
        assert!(problems(sdl).contains(says), "{sdl}: {}", problems(sdl));
    }
}

#[test]
fn a_service_that_is_not_granted_is_told_of_where_it_is_named() {
    let _host = Host::new().ungranted("usres").ungranted("http://10.0.0.1:80").ungranted("profil");
    for target in ["upstream: \"usres\"", "origin: \"http://10.0.0.1:80\"", "route: \"profil\""] {
        let found = problems(&format!("type Query {{\n  me: Int @rest({target}, path: \"/\")\n}}"));
        assert!(found.starts_with("2:11: @rest: ") && found.contains("grant"), "{target}: {found}");
    }
}

#[test]
fn a_place_without_a_value_is_a_mistake() {
    let with = |rest: &str| {
        format!(
            "type Query {{ user(id: ID): User @rest(upstream: \"u\", path: \"/{{args.id}}\") }}\n\
             type User {{ id: ID a: Int @rest(upstream: \"u\", path: \"/a\") b: Int @rest(upstream: \"u\", {rest}) }}"
        )
    };
    for (rest, says) in [
        (r#"path: "/{args.x}""#, "`b` has no argument `x`"),
        (r#"path: "/{parent}""#, "has a brace that is no place"),
        (r#"path: "a""#, "does not start with `/`"),
        (r#"path: "/a b""#, "must be percent-encoded"),
        (r#"path: "/", body: "{ \"a\": {arg.x} }""#, "body: is not JSON"),
        (r#"path: "/", method: "HEAD""#, "method: `HEAD`"),
        (r#"path: "/", headers: [{name: "content-length", value: "1"}]"#, "`content-length` cannot be set"),
        (r#"path: "/", forwardHeaders: ["a b"]"#, "`a b` is no header name"),
        (r#"path: "/", forwardHeaders: ["Expect"]"#, "`Expect` cannot be set"),
        (r#"path: "/", forwardHeaders: ["if-range"]"#, "`if-range` cannot be set"),
        (r#"path: "/", timeoutMs: 0"#, "timeoutMs: is less than 1"),
        (r#"path: "/", select: "$.x""#, "select: `$.x` is no path"),
        (r#"path: "/", batch: {key: "args.id", path: "/{keys}", match: "id"}"#, "is not `parent.NAME`"),
        (r#"path: "/", batch: {key: "parent.id", path: "/", match: "id"}"#, "has the place `{keys}`"),
        (r#"path: "/", batch: {key: "parent.id", path: "/{keys}/{parent.id}", match: "id"}"#, "differs"),
    ] {
        let found = problems(&with(rest));
        assert!(found.contains(says), "{rest}: {found}");
        assert!(found.starts_with("2:"), "{found}");
    }
    assert!(Service::parse(&with(r#"path: "/{parent.id}""#), true).is_ok());
    assert!(problems("type Query { a: Int @rest(upstream: \"u\", path: \"/{parent.id}\") }").contains("has no parent"));
}

#[test]
fn clients_do_not_see_what_binds_the_schema() {
    let sdl = "type Query { a: Int @rest(upstream: \"u\", path: \"/\") }";
    let service = Service::parse(sdl, true).unwrap();
    assert!(!service.schema.directive_definitions.contains_key("rest"));
    assert!(!service.schema.types.contains_key("TollgateBatch"));
}

#[test]
fn each_wrong_argument_of_a_call_is_told() {
    let rest = r#"method: "HEAD", path: "a", forwardHeaders: ["te", "x"], select: "$", timeoutMs: 0, batch: {key: "id", path: "b", match: "$"}"#;
    let found = problems(&format!("type Query {{ a: Int @rest({rest}) }}"));
    for says in [
        "@rest: needs one of `upstream`, `origin` and `route`",
        "@rest: method: `HEAD`",
        "@rest: path: `a` does not",
        "@rest: forwardHeaders: `te`",
        "@rest: select: `$`",
        "@rest: timeoutMs: is less",
        "@rest: batch: key: `id`",
        "@rest: batch: path: `b`",
        "@rest: batch: match: `$`",
    ] {
        let lines = found.lines().filter(|line| line.starts_with(&format!("1:21: {says}")));
        assert_eq!(lines.count(), 1, "{says}: {found}");
    }
    assert_eq!(found.lines().count(), 9, "{found}");
}

#[test]
fn two_targets_of_a_call_are_told_apart_from_none() {
    let found = problems(r#"type Query { a: Int @rest(upstream: "u", origin: "https://a", path: "/") }"#);
    assert_eq!(found, "1:21: @rest: has `upstream` and `origin`, and needs one of `upstream`, `origin` and `route`");
}

#[test]
fn a_cost_that_is_no_number_is_told_where_it_is() {
    let found = problems(
        "type Query {\n  a: Int @cost(weight: \"x\") @rest(upstream: \"u\", path: \"/\")\n  b: T @rest(upstream: \"u\", path: \"/\")\n}\ntype T @cost(weight: \"-1\") { a: Int }",
    );
    assert!(found.starts_with("2:10: @cost: weight: `x` is no number"), "{found}");
    assert!(found.contains("\n5:8: @cost: weight: `-1` is no number"), "{found}");
}

#[test]
fn a_misspelled_directive_is_told_what_it_may_have_been() {
    for (written, meant) in [("rset", "rest"), ("form", "from"), ("costs", "cost"), ("requireScopes", "requiresScopes")]
    {
        let found = problems(&format!("type Query {{ a: Int @{written} }}"));
        assert!(
            found.contains(&format!(
                "1:21: cannot find directive `@{written}` in this document; did you mean `@{meant}`?"
            )),
            "{found}"
        );
    }
    assert!(!problems("type Query { a: Int @deferred }").contains("did you mean"));
}

#[test]
fn a_service_may_define_directives_of_these_names_itself() {
    let sdl = "
        directive @requiresScopes(scopes: [[Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
        directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
        directive @cost(weight: Int, complexity: Int) on FIELD_DEFINITION
        directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
        directive @from(path: Int, service: String) on FIELD_DEFINITION | FIELD
        directive @rest(url: String) on FIELD_DEFINITION
        scalar Scope
        type Query {
          a: Int @requiresScopes(scopes: [[\"s\"]]) @cost(weight: 7) @from(path: 1)
          b: [Int] @authenticated @cost(complexity: 3) @listSize(assumedSize: 4, sizedFields: [\"x\"])
          c: Int @rest(url: \"http://x\")
        }";
    let service = Service::parse(sdl, false).unwrap();
    let field = |name| service.field("Query", name).unwrap();
    assert_eq!((field("a").weight, field("a").guards.len()), (7, 1));
    assert_eq!((field("b").weight, field("b").guards.len()), (1, 1));
    assert_eq!(field("b").list_size.as_ref().unwrap().assumed, Some(4));
    // A client may use it in an operation.
    assert!(service.schema.directive_definitions.contains_key("from"));
    assert!(!service.schema.types.contains_key("TollgateBatch"));
    // What a service does not define is there all the same.
    assert!(Service::parse("type Query { a: Int @authenticated @cost(weight: \"2\") }", false).is_ok());
}

#[test]
fn a_call_is_written_as_it_is_defined_here() {
    let found = problems("directive @rest(url: String) on FIELD_DEFINITION\ntype Query { a: Int @rest(url: \"x\") }");
    assert!(found.contains("the directive `@rest` is defined multiple times"), "{found}");
}

#[test]
fn a_default_that_leads_back_to_itself_is_a_mistake() {
    let with = |inputs: &str| {
        format!("type Query {{ a(in: A): Int @rest(upstream: \"u\", path: \"/{{args.in.n}}\") }}\n{inputs}")
    };
    for inputs in [
        "input A { n: Int a: A = {} }",
        "input A { n: Int b: B = {n: 1} } input B { n: Int a: [A] = [{n: 1}] }",
        "input A { n: Int b: B = {a: {}} } input B { a: A }",
    ] {
        let found = problems(&with(inputs));
        assert!(found.starts_with("2:") && found.contains("leads back to itself"), "{inputs}: {found}");
    }
    let good = "input A { n: Int a: A = {a: null} b: B = {} } input B { n: Int = 1 a: A }";
    assert!(Service::parse(&with(good), true).is_ok());
}
