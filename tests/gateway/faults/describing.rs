//! Plugins that lie about themselves: the gateway refuses to start with them, and says why.

use tollgate_tests::{Upstream, within};

use super::{start_fails, with_fault};

/// What the operator reads names the plugin and has all of these parts.
async fn is_refused(name: &str, settings: &str, told: &[&str]) {
    let upstream = Upstream::answering("ok").await;
    let said = within(name, start_fails(name, &with_fault(&upstream, settings))).await;
    for part in told.iter().chain(&["plugins.p", "tollgate.toml:"]) {
        assert!(said.contains(part), "{name}: no {part:?} in {said}");
    }
    assert!(!said.contains("panicked") && said.len() < 8000, "{name}: {said}");
}

#[tokio::test]
async fn a_name_or_a_version_that_is_none() {
    is_refused("describe-illegal-name", "", &["Bad Name", "lower-case"]).await;
    is_refused("describe-illegal-version", "", &["the newest one", "semver"]).await;
    is_refused("describe-not-utf8", "", &["`describe` failed", "utf-8"]).await;
}

#[tokio::test]
async fn a_description_that_does_not_end_or_end_well() {
    is_refused("describe-traps", "", &["`describe` failed", "unreachable"]).await;
    is_refused("describe-spins", "", &["`describe` failed", "limits.cpu"]).await;
    is_refused("describe-huge", "", &["`describe` failed", "limits.host_call"]).await;
}

#[tokio::test]
async fn a_description_that_depends_on_anything_outside() {
    is_refused("describe-random", "", &["`random.number` was called in `describe`"]).await;
    is_refused("describe-keeps", "", &["`kv.set` was called in `describe`"]).await;
}

#[tokio::test]
async fn a_schema_that_is_none() {
    is_refused("schema-not-json", "", &["schema is not usable", "not JSON"]).await;
    is_refused("schema-invalid", "", &["schema is not usable", "object"]).await;
    is_refused("schema-huge", "", &["config schema has 524288 bytes", "262144"]).await;
    is_refused("schema-deep", "", &["schema is not usable", "recursion limit"]).await;
}

#[tokio::test]
async fn a_schema_that_is_elsewhere() {
    is_refused("schema-remote-ref", "", &["schema is not usable", "http://127.0.0.1:9/schema.json"]).await;
    is_refused("schema-file-ref", "", &["schema is not usable", "file:///etc/passwd"]).await;
}

/// The value is what makes the schema expensive.
#[tokio::test]
async fn a_schema_that_would_take_for_ever() {
    let value = format!("config = {{ key = \"{}!\" }}", "a".repeat(50));
    is_refused("schema-exponential-pattern", &value, &["key"]).await;
    is_refused("schema-huge-pattern", "config = { key = \"a\" }", &["schema is not usable", "regex"]).await;
    is_refused("schema-doubling", "", &["schema is not usable", "steps"]).await;
    let nested = format!("config = {}1{}", "{ a = ".repeat(60), " }".repeat(60));
    is_refused("schema-doubling-inside", &nested, &["schema is not usable", "steps"]).await;
}

#[tokio::test]
async fn a_schema_that_is_defined_as_itself() {
    is_refused("schema-circular", "config = { a = 1 }", &["schema is not usable", "defined as itself"]).await;
}

/// Nothing a plugin says moves the cursor of the operator's terminal, or looks like a line of the gateway's own.
#[tokio::test]
async fn what_would_forge_lines_on_a_terminal() {
    let upstream = Upstream::answering("ok").await;
    for name in ["describe-forges", "schema-forges", "schema-forges-pattern"] {
        let said = start_fails(name, &with_fault(&upstream, "config = { a = \"b\" }")).await;
        let moves = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(
            !said.contains(moves) && (said.contains("\\u{1b}[31m") || said.contains("\\u001b[31m")),
            "{name}: {said:?}"
        );
        assert!(said.contains("FORGED") && !said.lines().any(|line| line.starts_with("FORGED")), "{name}: {said}");
    }
}
