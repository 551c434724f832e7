//! Plugins: what they can do, what they cannot, and what their faults cost.

mod background;
mod bodies;
mod chain;
mod completion;
mod crypto;
mod faults;
mod files;
mod filters;
mod forward;
mod large_bodies;
mod limits;
mod load_faults;
mod metrics;
mod outbound;
mod queue;
mod quotas;
mod reading;
mod replacing;
mod response_bodies;
mod routes;
mod secrets;
mod shared_kv;
mod slots;

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

/// Lines of a plugin's table: a guest that follows this script.
fn script(config: &str) -> String {
    format!("use = \"scripted.wasm\"\nconfig = {{ {config} }}")
}

/// One worker, an upstream, and two routes: `/p` with the plugin `p`, `/healthy` without any.
fn with_p(upstream: &Upstream, settings: &str) -> Config {
    config().workers(1).upstream("web", [upstream]).plugin("p", settings).route("/healthy", "web").route_with(
        "/p",
        "web",
        "plugins = [\"p\"]",
    )
}

async fn start(config: &Config) -> Gateway {
    Gateway::with(config).plugin("scripted", guests::scripted()).start().await
}

/// One worker, and a route `/p` on which the plugin `p` answers. `settings` are what it is granted.
fn answering(script_of_p: &str, settings: &str) -> Config {
    config()
        .workers(1)
        .plugin("p", &format!("{}\n{settings}", script(script_of_p)))
        .route_without_upstream("/p", "plugins = [\"p\"]")
}

/// How many faults of this kind the gateway has counted.
async fn faults(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metrics().await.sum("tollgate_plugin_errors_total", &[("plugin", "p"), ("reason", reason)])
}
