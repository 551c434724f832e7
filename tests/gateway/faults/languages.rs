//! Faults of plugins in Rust and C, made with their own tools, under load beside a route that has none.

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

use super::under_load::Load;

/// What the scripted guest, in Rust, may be told to do. To recurse so deep is to overflow the stack.
const IN_RUST: [&str; 4] = ["trap", "spin", "eat", "recurse 100000000"];
/// Words of `tests/guests/c`.
const IN_C: [&str; 6] = ["overflow", "wild", "abort", "spin", "greed", "corrupt"];
const LIMITS: &str = "limits = { cpu = \"10ms\", memory = \"16MiB\" }";

/// `/healthy`, `/filtered` (a plugin that sets a field), and `/rust-N` and `/c-N` for each of the faults.
fn beside(upstream: &Upstream) -> Config {
    let mut config = config()
        .workers(1)
        .upstream("web", [upstream])
        .plugin("good", "use = \"good.wasm\"")
        .plugin("c", &format!("use = \"c.wasm\"\n{LIMITS}"))
        .route("/healthy", "web")
        .route_with("/filtered", "web", "plugins = [\"good\"]");
    for (number, step) in IN_RUST.iter().enumerate() {
        let name = format!("rust-{number}");
        let script = format!("use = \"rust.wasm\"\nconfig = {{ request = [\"{step}\"] }}\n{LIMITS}");
        config =
            config.plugin(&name, &script).route_with(&format!("/{name}"), "web", &format!("plugins = [\"{name}\"]"));
    }
    for (number, fault) in IN_C.iter().enumerate() {
        let name = format!("c-{number}");
        let tells = format!("use = \"headers\"\nconfig = {{ request = {{ set = {{ x-fault = \"{fault}\" }} }} }}");
        let chain = format!("plugins = [\"{name}\", \"c\"]");
        config = config.plugin(&name, &tells).route_with(&format!("/{name}"), "web", &chain);
    }
    config
}

/// The paths of the faults, and what is asked of each.
fn faults() -> Vec<(String, &'static str)> {
    let of = |language: &'static str, faults: &'static [&str]| {
        faults.iter().enumerate().map(move |(number, fault)| (format!("{language}-{number}"), *fault))
    };
    of("rust", &IN_RUST).chain(of("c", &IN_C)).collect()
}

/// Waits until each of the faults has cost its route some requests.
async fn each_has_failed_often(gateway: &Gateway) {
    for (name, fault) in faults() {
        let labels = [("route", &*format!("/{name}")), ("hook", "on-request")];
        let often = async || (gateway.metrics().await.sum("tollgate_plugin_errors_total", &labels) > 4.0).then_some(());
        tollgate_tests::wait::until_async(&format!("{name} ({fault}) to have failed often"), often).await;
    }
}

/// Waits until of each faulty plugin there is no more than the one instance that is kept.
async fn instances_return(gateway: &Gateway) {
    for name in (0..IN_RUST.len()).map(|number| format!("rust-{number}")).chain(["c".to_owned()]) {
        let few = async || {
            let live = gateway.metrics().await.sum("tollgate_plugin_instances", &[("plugin", &name)]);
            (live < 1.5).then_some(())
        };
        tollgate_tests::wait::until_async(&format!("the instances of {name} to be gone"), few).await;
    }
    gateway.metrics_with("tollgate_long_hooks", &[], 0.0).await;
}

#[tokio::test]
async fn a_healthy_route_loses_no_request_beside_faults_in_rust_and_c() {
    let Some(c) = guests::in_language("c", &["bin/wit-bindgen", "clang-19", "wasm-ld-19"]) else { return };
    let upstream = Upstream::answering("ok").await;
    let prepared = Gateway::with(&beside(&upstream)).plugin("good", guests::response_only());
    let gateway = prepared.plugin("rust", guests::scripted()).plugin("c", c).start().await;
    let healthy = ["/healthy", "/filtered"].map(|path| Load::on(&gateway, path, 2));
    let faulty: Vec<_> = faults().iter().map(|(name, _)| Load::on(&gateway, &format!("/{name}"), 1)).collect();

    each_has_failed_often(&gateway).await;
    for load in healthy {
        let answers = load.stop().await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
        assert!(answers.len() > 20, "only {} requests", answers.len());
    }
    faulty.iter().for_each(Load::ask_to_stop);
    for ((name, fault), load) in faults().iter().zip(faulty) {
        let answers = load.stop().await;
        assert!(answers.iter().all(|(status, _)| *status == 500), "{name} ({fault}): {answers:?}");
    }
    assert!(upstream.seen().iter().all(|seen| ["/healthy", "/filtered"].contains(&&*seen.path)), "a fault went on");
    instances_return(&gateway).await;
}
