//! Configs and schemas that are made to hurt: none may panic, hang or overflow the stack.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use proptest::prelude::*;
use tollgate::config::{self, Document};

const BUILT_INS: &[&str] = &["aggregate", "headers", "jwt-auth", "rate-limit"];

const ROUTE: &str = "[[routes]]\npath = \"/\"\nplugins = [\"mine\"]\n";

fn load(text: &str) -> Result<config::Loaded, config::Diagnostics> {
    config::load_str(text, Path::new("tollgate.toml"), BUILT_INS)
}

fn document(config: &str) -> Document {
    let text = format!("[plugins.mine]\nuse = \"headers\"\n[plugins.mine.config]\n{config}\n{ROUTE}");
    load(&text).unwrap_or_else(|errors| panic!("{errors}")).document
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{ b = ".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        format!("[plugins.headers.config]\na = {}{}", "[".repeat(70), "]".repeat(70)),
        format!("[plugins.headers.config]\n{}a = 1", "a.".repeat(1_000)),
    ] {
        let _ = load(&text).map_err(|errors| errors.to_string());
    }
}

#[test]
fn a_schema_that_refers_to_itself_for_ever_ends() {
    let document = document("a = 1");
    for schema in [
        r##"{"$ref": "#"}"##,
        r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}"##,
        r##"{"allOf": [{"$ref": "#"}]}"##,
        r##"{"$dynamicRef": "#"}"##,
        r##"{"anyOf": [{"$ref": "#/anyOf/0"}]}"##,
        r##"{"not": {"$ref": "#"}}"##,
        r#"{"$id": "x:a", "if": {"$ref": "x:a"}}"#,
    ] {
        let _ = document.check_plugin_config("mine", schema);
    }
}

#[test]
fn a_schema_that_is_not_one_is_an_error_in_the_plugins_name() {
    let document = document("a = 1");
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(config::MAX_SCHEMA));
    let deep = format!("{}1{}", "{\"not\":".repeat(100), "}".repeat(100));
    for schema in [
        "nonsense",
        "[]",
        "1",
        r#"{"type": "nonsense"}"#,
        r#"{"$ref": "https://example.com/s.json"}"#,
        r#"{"$ref": "file:///etc/passwd"}"#,
        r#"{"pattern": "("}"#,
        &large,
        &deep,
    ] {
        let errors = document.check_plugin_config("mine", schema);
        assert_eq!(errors.len(), 1, "{schema:.60}: {errors:?}");
        assert!(errors[0].message.contains("schema"), "{}", errors[0]);
        assert_eq!(errors[0].label, "in plugins.mine");
        assert_eq!(errors[0].place.as_ref().map(|place| place.line), Some(1));
    }
}

#[test]
fn the_empty_schema_allows_no_configuration() {
    let errors = document("a = 1").check_plugin_config("mine", "");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "unknown key `a`");
    assert!(document("").check_plugin_config("mine", "").is_empty());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*(\n\\PC*)*") {
        let _ = load(&text).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_text_made_of_toml_panics(parts in prop::collection::vec(part(), 0..40)) {
        let _ = load(&parts.concat()).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_change_to_a_good_config_panics(at in 0.0..1.0_f64, length in 0..30_usize, put in "\\PC{0,5}|[\\[\\]{}=\"\n.$]{0,5}") {
        let good = config::init_text();
        let boundary = |at: usize| good.floor_char_boundary(at.min(good.len()));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let start = boundary((at * good.len() as f64) as usize);
        let text = format!("{}{put}{}", &good[..start], &good[boundary(start + length)..]);
        let _ = load(&text).map_err(|errors| errors.to_string());
    }
}

fn part() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[server]\n",
        "[[routes]]\n",
        "[upstreams.a]\n",
        "[plugins.a]\n",
        "[plugins.a.keys.k]\n",
        "[secrets]\n",
        "[log]\n",
        "path = ",
        "upstream = ",
        "targets = ",
        "plugins = ",
        "listen = ",
        "use = ",
        "headers = ",
        "value = ",
        "env = ",
        "algorithm = ",
        "\"/{a}\"",
        "\"a\"",
        "[\"a\"]",
        "[\"http://a:1\"]",
        "\"${env.PATH}\"",
        "\"$${\"",
        "\"HS256\"",
        "{ a = true }",
        "1",
        "true",
        "-inf",
        "1979-05-27",
        "\n",
        "\n",
        "\n",
        " ",
        "=",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\"",
        "'''",
        "#",
        "\r",
        "\t",
        "\\u0000",
        "é",
    ])
    .prop_map(str::to_owned)
}
