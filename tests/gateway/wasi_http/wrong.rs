//! Configs that such a component does not fit in. How they are worded is in `host/tests/config`.

use super::{prepare, site};

/// What the gateway says to the config in which `from` is `to`.
async fn refused(from: &str, to: &str) -> String {
    let config = site("").table("[plugins.headers]").table("[upstreams.web]\ntargets = [\"http://127.0.0.1:1\"]");
    let config = config.to_string();
    assert!(config.contains(from), "{config}");
    prepare(&site("")).file("tollgate.toml", config.replace(from, to)).start_fails().await
}

#[tokio::test]
async fn what_would_never_be_asked_is_a_mistake() {
    let said = refused("plugins = [\"site\"]", "plugins = [\"site\", \"headers\"]").await;
    assert!(
        said.contains("what is behind `site` in the chain is never asked") && said.contains("put `site` last"),
        "{said}"
    );
    let said = refused("plugins = [\"site\"]", "plugins = [\"site\"]\nupstream = \"web\"").await;
    assert!(said.contains("the upstream is never asked"), "{said}");
}

#[tokio::test]
async fn what_it_has_no_use_for_is_a_mistake() {
    for (line, words) in [
        ("config = { a = 1 }", "has no way to read a `config`"),
        ("isolation = \"shared\"", "has an instance for each request"),
        ("on_error = \"skip\"", "there is nobody else to answer"),
    ] {
        let said = refused("use = \"site.wasm\"", &format!("use = \"site.wasm\"\n{line}")).await;
        assert!(said.contains(words) && said.contains("wasi:http 0.2"), "{said}");
    }
}
