//! Mistakes people make in a config, and what they are told: `tests/config/NAME.toml` is the
//! mistake, `NAME.stderr` the answer. `UPDATE_GOLDEN=1 cargo test` writes the answers anew; read
//! them before you commit them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use tollgate::config::{self, Diagnostics, Loaded};

const BUILT_INS: &[&str] = &["aggregate", "headers", "jwt-auth", "rate-limit"];

/// The schema the plugin `mine` of the golden files comes with.
const PLUGIN_SCHEMA: &str = include_str!("config/plugin-schema.json");

/// The plugin of the golden files that is taken for a component that answers by `wasi:http`.
const ANSWERING: &str = "site";

#[test]
fn every_mistake_gets_the_answer_in_its_golden_file() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= 30, "only {} golden files", mistakes.len());
    let mut wrong = Vec::new();
    for mistake in mistakes {
        let golden = mistake.with_extension("stderr");
        let answer = answer(&mistake);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &answer).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if answer != expected {
            wrong.push(format!("{}:\n--- expected\n{expected}--- got\n{answer}", mistake.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_golden_file_shows_a_secret() {
    for mistake in mistakes() {
        let answer = answer(&mistake);
        assert!(!answer.contains("hunter2"), "{}:\n{answer}", mistake.display());
    }
}

#[test]
fn the_first_config_is_valid() {
    let loaded = load_text(config::init_text()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.config.upstreams.len(), 1);
    let chain: Vec<&str> =
        loaded.config.routes[0].plugins.iter().map(|id| loaded.config.plugins[id.0].name.as_str()).collect();
    assert_eq!(chain, ["headers", "limit"]);
}

/// What the operator sees: the errors of the load, or of the plugin's `config` table, or of a chain that
/// ends in a plugin that answers.
fn answer(mistake: &Path) -> String {
    let loaded = match config::load(mistake, BUILT_INS) {
        Err(errors) => return errors.to_string(),
        Ok(loaded) => loaded,
    };
    let mut errors = loaded.document.check_answering(ANSWERING, &loaded.config);
    if errors.is_empty() {
        errors = loaded.document.check_plugin_config("mine", PLUGIN_SCHEMA);
    }
    assert!(!errors.is_empty(), "{} has no mistake in it", mistake.display());
    Diagnostics::new(mistake.to_owned(), errors).to_string()
}

fn load_text(text: &str) -> Result<Loaded, Diagnostics> {
    config::load_str(text, Path::new("tollgate.toml"), BUILT_INS)
}

fn mistakes() -> Vec<PathBuf> {
    let entries = fs::read_dir("tests/config").unwrap().map(|entry| entry.unwrap().path());
    // A folder is one config in several files.
    let mut all: Vec<PathBuf> =
        entries.filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "toml")).collect();
    all.sort();
    all
}

#[test]
fn every_key_and_default_of_the_schema_is_in_the_reference() {
    let schema = config::schema();
    let page = fs::read_to_string("../docs/config.md").unwrap();
    let mut missing = Vec::new();
    for (table, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().unwrap() {
            let default = match &property["default"] {
                value @ (serde_json::Value::String(_) | serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => {
                    format!("`{value}`")
                }
                _ => String::new(),
            };
            let is_there =
                page.lines().any(|line| line.starts_with(&format!("| `{key}` | ")) && line.contains(&default));
            if !is_there {
                missing.push(format!("{table}.{key} {default}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/config.md lacks {missing:#?}");
}
