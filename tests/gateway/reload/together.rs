//! Files that change together are one reload.

use std::time::{Duration, Instant};

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

/// How long nothing must change before the gateway reloads, as docs/operating.md has it.
const SETTLE: Duration = Duration::from_millis(10);
/// A machine that has much to do may take longer than that over a few names.
const ATTEMPTS: usize = 20;
/// Plugins, each from a file of its own and on a route of its own.
const PLUGINS: [&str; 4] = ["a", "b", "c", "d"];

/// The config says in each answer which version it is.
fn version(upstream: &Upstream, word: &str) -> Config {
    let says = format!("use = \"headers\"\nconfig = {{ response = {{ set = {{ x-config = \"{word}\" }} }} }}");
    let config = config().workers(1).upstream("web", [upstream]).plugin("says", &says);
    PLUGINS.iter().fold(config, |config, name| {
        config.plugin(name, &format!("use = \"{name}.wasm\"")).route_with(
            &format!("/{name}"),
            "web",
            &format!("plugins = [\"says\", \"{name}\"]"),
        )
    })
}

/// A gateway on the old version of everything, with the new one beside each file.
async fn start(upstream: &Upstream) -> Gateway {
    let prepared =
        Gateway::with(&version(upstream, "old")).file("tollgate.toml.new", version(upstream, "new").to_string());
    let both = |prepared: tollgate_tests::Prepared, name: &&str| {
        prepared.plugin(name, guests::scripted()).file(&format!("plugins/{name}.wasm.new"), guests::response_only())
    };
    PLUGINS.iter().fold(prepared, both).start().await
}

/// Puts all that is new in its place, and says how long that took.
fn rename_all(gateway: &Gateway) -> Duration {
    let began = Instant::now();
    for file in PLUGINS.map(|name| format!("plugins/{name}.wasm")).iter().chain([&"tollgate.toml".to_owned()]) {
        std::fs::rename(gateway.path(&format!("{file}.new")), gateway.path(file)).unwrap();
    }
    began.elapsed()
}

/// On each route: the version of the config, and whether the plugin's file is the new one.
async fn versions(gateway: &Gateway) -> Vec<(String, bool)> {
    let mut versions = Vec::new();
    for name in PLUGINS {
        let answer = gateway.get(&format!("/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        versions.push((answer.header("x-config").to_owned(), answer.headers.contains_key("x-response-only")));
    }
    versions
}

#[tokio::test]
async fn plugins_and_a_config_that_change_at_nearly_the_same_moment_are_one_reload() {
    let upstream = Upstream::answering("ok").await;
    for _ in 0..ATTEMPTS {
        let gateway = start(&upstream).await;
        assert_eq!(versions(&gateway).await, vec![("old".to_owned(), false); PLUGINS.len()]);
        if rename_all(&gateway) >= SETTLE {
            continue;
        }
        gateway.reloaded_since(0).await;
        let after_the_first = versions(&gateway).await;
        assert_eq!(after_the_first, vec![("new".to_owned(), true); PLUGINS.len()], "the reload came too early");
        assert_eq!(gateway.reloads(), 1);
        // Had more been told of, its reload would have come before this one.
        gateway.signal("HUP");
        gateway.reloaded_since(1).await;
        assert_eq!(gateway.reloads(), 2, "a reload came for nothing");
        return;
    }
    panic!("{ATTEMPTS} times it took more than {SETTLE:?} to rename {} files", PLUGINS.len() + 1);
}
