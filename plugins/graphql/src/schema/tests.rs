//! Schemas that are wrong.

use super::Service;

fn problems(sdl: &str) -> String {
    Service::parse(sdl, "shop.graphql", true).unwrap_err()
}

#[test]
fn a_mistake_is_told_with_line_and_column() {
    for (sdl, says) in [
        ("type Query {\n  me: Usr @rest(upstream: \"u\", path: \"/\")\n}", "shop.graphql:2:7: "),
        ("type Query {\n  me: Int\n}", "shop.graphql:2:3: `Query.me` has no `@rest`"),
        (
            "type Query {\n  me: Int @rest(path: \"/\")\n}",
            "shop.graphql:2:11: @rest: needs one of `upstream`, `origin` and `route`",
        ),
        ("type Query {\n  me: Int @rest(upstream: \"u\")\n}", "shop.graphql:2:11: "),
        ("type Query {", "shop.graphql:1:"),
    ] {
        assert!(problems(sdl).contains(says), "{sdl}: {}", problems(sdl));
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
        (r#"path: "/", timeoutMs: 0"#, "timeoutMs: is less than 1"),
        (r#"path: "/", select: "$.x""#, "select: `$.x` is no path"),
        (r#"path: "/", batch: {key: "args.id", path: "/{keys}", match: "id"}"#, "is not `parent.NAME`"),
        (r#"path: "/", batch: {key: "parent.id", path: "/", match: "id"}"#, "has the place `{keys}`"),
        (r#"path: "/", batch: {key: "parent.id", path: "/{keys}/{parent.id}", match: "id"}"#, "differs"),
    ] {
        let found = problems(&with(rest));
        assert!(found.contains(says), "{rest}: {found}");
        assert!(found.starts_with("shop.graphql:2:"), "{found}");
    }
    assert!(Service::parse(&with(r#"path: "/{parent.id}""#), "s", true).is_ok());
    assert!(problems("type Query { a: Int @rest(upstream: \"u\", path: \"/{parent.id}\") }").contains("has no parent"));
}

#[test]
fn clients_do_not_see_what_binds_the_schema() {
    let sdl = "type Query { a: Int @rest(upstream: \"u\", path: \"/\") }";
    let service = Service::parse(sdl, "s", true).unwrap();
    assert!(!service.schema.directive_definitions.contains_key("rest"));
    assert!(!service.schema.types.contains_key("TollgateBatch"));
}
