//! Guests that misbehave, one for each fault: `tests/guests/faults`. Whatever a plugin does costs it
//! the request or keeps it from being loaded, the operator reads why, and all else goes on.

mod calling;
mod describing;
mod languages;
mod loading;
mod pieces;
mod serving;
mod tables;
mod under_load;

use tollgate_tests::{Answer, Config, Gateway, Upstream, all_faults, binary, config, fault};

/// One worker, an upstream `web`, and two routes: `/p` with the plugin, `/healthy` without.
fn with_fault(upstream: &Upstream, settings: &str) -> Config {
    config()
        .workers(1)
        .upstream("web", [upstream])
        .plugin("p", &format!("use = \"fault.wasm\"\n{settings}"))
        .route("/healthy", "web")
        .route_with("/p", "web", "name = \"faulty\"\nplugins = [\"p\"]")
}

async fn start(name: &str, config: &Config) -> Gateway {
    Gateway::with(config).plugin("fault", fault(name)).start().await
}

/// What the gateway says where it does not start.
async fn start_fails(name: &str, config: &Config) -> String {
    Gateway::with(config).plugin("fault", fault(name)).start_fails().await
}

/// A client is told nothing of the inside.
fn assert_says_nothing(answer: &Answer) {
    let text = format!("{:?} {}", answer.headers, answer.text());
    for word in ["fault", "wasm", "plugin", "unreachable", "trap", "limits"] {
        assert!(!text.contains(word), "{word:?} in {text}");
    }
}

/// The gateway serves, and has no more instances of the plugin than the idle ones it keeps.
async fn assert_is_well(gateway: &Gateway) {
    assert_eq!(gateway.get("/healthy").await.status, 200);
    let quiet = async || {
        let metrics = gateway.metrics().await;
        let gauge = |name| metrics.sum(name, &[]);
        let instances = metrics.sum("tollgate_plugin_instances", &[("plugin", "p")]);
        let waiting =
            gauge("tollgate_plugin_queue") + gauge("tollgate_long_hooks") + gauge("tollgate_long_hooks_waiting");
        (instances < 1.5 && waiting < 0.5).then_some(())
    };
    tollgate_tests::wait::until_async("the gauges to return", quiet).await;
}

#[test]
fn each_guest_is_claimed_by_a_test() {
    let folder = binary::workspace().join("tests/gateway/faults");
    let tests: String =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let unclaimed: Vec<_> = all_faults().into_iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert!(unclaimed.is_empty(), "no test names {unclaimed:?}");
}
