//! Files that are no plugin, or cannot be made one: the gateway refuses to start with them, and says
//! why. At a reload it keeps what it has.

use tollgate_tests::{Gateway, Upstream, fault, within};

use super::{start_fails, with_fault};

/// What the operator reads names the plugin and has all of these parts.
async fn is_refused(name: &str, settings: &str, told: &[&str]) {
    let upstream = Upstream::answering("ok").await;
    let said = within(name, start_fails(name, &with_fault(&upstream, settings))).await;
    for part in told.iter().chain(&["plugins.p", "tollgate.toml:"]) {
        assert!(said.contains(part), "{name}: no {part:?} in {said}");
    }
    assert!(!said.contains("panicked") && !said.contains('\x1b') && said.len() < 8000, "{name}: {said}");
}

#[tokio::test]
async fn a_file_that_is_no_component() {
    is_refused("not-wasm", "", &["not a WebAssembly file"]).await;
    is_refused("empty", "", &["not a WebAssembly file"]).await;
    is_refused("truncated", "", &["not a valid component"]).await;
    is_refused("core-module", "", &["a core WebAssembly module", "tollgate plugin build"]).await;
}

#[tokio::test]
async fn a_component_without_what_a_plugin_must_have() {
    is_refused("no-lifecycle", "", &["does not export", "tollgate:plugin/lifecycle@0.1.0"]).await;
    is_refused("no-hooks", "", &["does not export", "could never be called"]).await;
    is_refused("other-types", "", &["`describe` failed", "type mismatch"]).await;
}

#[tokio::test]
async fn a_component_that_wants_what_there_is_not() {
    is_refused("unknown-import", "", &["tollgate:plugin/teleport@0.1.0", "it offers tollgate:plugin@0.1.0"]).await;
    is_refused("unknown-function", "", &["tollgate:plugin/random@0.1.0", "dice"]).await;
    is_refused("newer-interface", "", &["tollgate:plugin/random@0.7.0", "newer interface"]).await;
    is_refused("wasi-keyvalue", "", &["wasi:keyvalue/store", "WASI 0.2"]).await;
}

#[tokio::test]
async fn a_component_that_is_too_large_from_the_start() {
    is_refused("memory-at-birth", "", &["memory"]).await;
    is_refused("table-at-birth", "", &["table"]).await;
    is_refused("many-modules", "", &["100"]).await;
}

#[tokio::test]
async fn a_component_that_uses_what_plugins_have_not() {
    is_refused("exceptions", "", &["exceptions proposal", "plugins have WebAssembly 2.0", "-fno-exceptions"]).await;
    is_refused("two-memories", "", &["memories count of 2", "a plugin's module has one memory"]).await;
}

#[tokio::test]
async fn a_component_that_faults_before_it_is_asked_anything() {
    is_refused("start-spins", "", &["limits.cpu"]).await;
    is_refused("start-traps", "", &["unreachable"]).await;
}

#[tokio::test]
async fn a_plugin_that_does_not_take_its_configuration() {
    is_refused("configure-traps", "", &["`configure` failed", "unreachable"]).await;
    is_refused("configure-spins", "", &["`configure` failed", "limits.cpu"]).await;
    is_refused("configure-refuses", "", &["refuses its config: not today"]).await;
    let settings = "grant = { http = [\"web\"] }";
    is_refused("configure-calls", settings, &["`http-client.submit` was called in `configure`"]).await;
}

#[tokio::test]
async fn at_a_reload_the_gateway_keeps_what_it_has() {
    let upstream = Upstream::answering("ok").await;
    let config = with_fault(&upstream, "");
    let gateway = Gateway::with(&config).plugin("fault", fault("leak")).start().await;
    for (tried, name) in ["describe-spins", "schema-invalid", "start-traps", "truncated"].into_iter().enumerate() {
        gateway.replace("plugins/fault.wasm", fault(name));
        let labels = [("result", "failed")];
        let failed = u32::try_from(tried + 1).unwrap();
        let metrics = gateway.metrics_with("tollgate_reloads_total", &labels, failed.into()).await;
        assert!(metrics.sum("tollgate_snapshots", &[]) < 1.5, "{name}");
        assert_eq!(gateway.get("/p").await.text(), "ok", "{name}");
    }
}
