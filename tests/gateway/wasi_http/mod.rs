//! Components that know nothing of this gateway and answer routes by `wasi:http` 0.2.

mod answers;
mod calls;
mod commands;
mod faults;
mod wrong;

use tollgate_tests::{Config, Gateway, Prepared, config, guests};

/// Lines of a plugin's table.
fn table(settings: &str) -> String {
    format!("use = \"site.wasm\"\n{settings}")
}

/// One worker, and a route `/site/...` that is the component's. `settings` are further lines of its table.
fn site(settings: &str) -> Config {
    config().workers(1).plugin("site", &table(settings)).route_without_upstream("/site/{*rest}", "plugins = [\"site\"]")
}

fn prepare(config: &Config) -> Prepared {
    Gateway::with(config).plugin("site", guests::answering())
}

async fn start(config: &Config) -> Gateway {
    prepare(config).start().await
}

/// How many faults of this kind the gateway has counted.
async fn faults(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metrics().await.sum("tollgate_plugin_errors_total", &[("plugin", "site"), ("reason", reason)])
}
