//! A plugin's file is replaced while it is used.

use std::os::unix::fs::symlink;

use tollgate_tests::{Gateway, Upstream, guests};

use super::{script, with_p};
use crate::reload::load::Load;

/// The same component with other bytes: a custom section with a number. Ten of them: what is measured
/// is replacing, not compiling.
fn version(number: u8) -> Vec<u8> {
    let mut component = guests::scripted().to_vec();
    component.extend([0, 3, 1, b'v', number]);
    component
}

#[tokio::test]
async fn a_hundred_replacements_fail_no_request_and_leave_no_instance_behind() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"request = ["set x-in 1"], response = ["set x-out 1"]"#).replace("scripted", "p");
    let gateway = Gateway::with(&with_p(&upstream, &settings)).plugin("p", version(0)).start().await;
    assert_eq!(gateway.get("/p").await.header("x-out"), "1");
    let instances =
        |metrics: &tollgate_tests::metrics::Metrics| metrics.sum("tollgate_plugin_instances", &[("plugin", "p")]);
    let load = Load::on(&gateway, "/p", &[(200, "ok")]);
    for number in 1..=100 {
        let before = gateway.reloads();
        gateway.replace("plugins/p.wasm", version(number % 10));
        gateway.reloaded_since(before).await;
    }
    let requests = load.stop().await;
    assert!(requests >= 100, "{requests} requests");
    assert!(upstream.seen().iter().all(|seen| seen.header("x-in") == "1"), "a request went around the plugin");
    let metrics = gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
    // No more than the requests that were under way at once, however many versions there were.
    assert!(instances(&metrics) <= 5.0, "{} instances", instances(&metrics));
}

#[tokio::test]
async fn a_plugin_that_comes_after_the_config_that_names_it_is_used_when_it_is_there() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"response = ["set x-out 1"]"#);
    let gateway = Gateway::with(&with_p(&upstream, &settings)).plugin("scripted", version(0)).start().await;
    let later = settings.replace("scripted", "later").replace("x-out 1", "x-out later");
    let before = gateway.reloads();
    gateway.write("tollgate.toml", with_p(&upstream, &later).to_string());
    gateway.metrics_with("tollgate_reloads_total", &[("result", "failed")], 1.0).await;
    assert_eq!(gateway.get("/p").await.header("x-out"), "1");
    gateway.replace("plugins/later.wasm", version(1));
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/p").await.header("x-out"), "later");
}

/// As a deployment does that keeps its versions: `plugins/p.wasm -> ../versions/now/p.wasm`, `now -> 1`.
#[tokio::test]
async fn a_plugin_behind_symlinks_is_replaced_when_they_are_swapped() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"response = ["set x-out 1"]"#).replace("scripted", "p");
    let prepared = Gateway::with(&with_p(&upstream, &settings));
    for number in [1, 2] {
        let folder = prepared.path(&format!("versions/{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("p.wasm"), version(number)).unwrap();
    }
    symlink("1", prepared.path("versions/now")).unwrap();
    symlink("../versions/now/p.wasm", prepared.path("plugins/p.wasm")).unwrap();
    let gateway = prepared.start().await;
    let before = gateway.reloads();
    symlink("2", gateway.path("versions/new")).unwrap();
    std::fs::rename(gateway.path("versions/new"), gateway.path("versions/now")).unwrap();
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/p").await.header("x-out"), "1");
    gateway.metrics_with("tollgate_plugin_instances_created_total", &[("plugin", "p")], 2.0).await;
}
