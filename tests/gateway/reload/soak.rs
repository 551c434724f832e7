//! As many reloads as a gateway sees in its life, in one process: nothing of an old version stays.

use std::time::Duration;

use tollgate_tests::{Config, Gateway, Upstream, config, guests, wait::until_async};

use super::load::Load;

/// What must not grow.
#[derive(Debug, Clone, Copy)]
struct Taken {
    resident_mib: f64,
    descriptors: f64,
    threads: u64,
}

#[tokio::test]
async fn two_hundred_reloads_leave_nothing_behind() {
    soak(200, 2).await;
}

/// `make soak`: some minutes.
#[tokio::test]
#[ignore = "takes minutes; `make soak` runs it"]
async fn ten_thousand_reloads_leave_nothing_behind() {
    // Metrics keep a thousand names that are gone: a tenth of the way fills them.
    soak(10_000, 10_000).await;
}

/// Each reload has another plugin file, and other names of everything that metrics, stores and pools
/// are kept by: `names` in turn. Every seventh fails, after its plugin was loaded.
async fn soak(reloads: usize, names: usize) {
    let upstream = Upstream::answering("ok").await;
    let gateway = Gateway::with(&version(&upstream, 0, 0, false)).plugin("p", component(0)).start().await;
    let load = Load::with_pauses(&gateway, "/p", &[(200, "ok")], Duration::from_millis(20));
    let mut curve = Vec::new();
    for number in 1..=reloads {
        let is_bad = number % 7 == 0;
        gateway.replace("plugins/p.wasm", component(number % 2));
        gateway.replace("tollgate.toml", version(&upstream, number, number % names, is_bad).to_string());
        gateway.signal("HUP");
        assert_eq!(result(&gateway, number).await, if is_bad { "failed" } else { "ok" });
        if number % (reloads / 20) == 0 {
            let taken = taken(&gateway).await;
            eprintln!("{number} reloads: {taken:?}");
            curve.push(taken);
        }
    }
    let requests = load.stop().await;
    assert!(requests > reloads / 10, "{requests} requests");
    assert!(upstream.seen().iter().all(|seen| seen.header("x-in") == "1"), "a request went around the plugin");

    let metrics = gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
    assert!((metrics.sum("tollgate_components", &[]) - 2.0).abs() < 0.5, "{}", metrics.sum("tollgate_components", &[]));
    let instances = metrics.sum("tollgate_plugin_instances", &[]);
    // Of two plugins on two workers; one client each may have had one made.
    assert!((4.0..=16.0).contains(&instances), "{instances} instances");
    stays(&curve);
}

/// The first tenth is for what is filled once: caches, pools, names that metrics keep. Code and constants are given
/// back after each reload, and a sample may be taken just then: of memory the most counts, of five samples.
fn stays(curve: &[Taken]) {
    let (begin, end) = (curve[1], curve[curve.len() - 1]);
    let most = |samples: &[Taken]| samples.iter().map(|taken| taken.resident_mib).fold(0.0, f64::max);
    let (before, after) = (most(&curve[1..6]), most(&curve[curve.len() - 5..]));
    assert!(after < before * 1.1 + 8.0, "{curve:#?}");
    assert!(end.descriptors <= begin.descriptors + 4.0, "{curve:#?}");
    assert!(end.threads <= begin.threads, "{curve:#?}");
}

/// What became of the reload of this number. Asked for without the metrics, which are long here.
async fn result(gateway: &Gateway, number: usize) -> String {
    until_async(&format!("reload {number}"), async || {
        let status = gateway.admin("/api/status").await.json();
        let last = &status["last_reload"];
        (last["number"] == number).then(|| last["result"].as_str().unwrap().to_owned())
    })
    .await
}

async fn taken(gateway: &Gateway) -> Taken {
    let metrics = gateway.metrics().await;
    Taken {
        resident_mib: metrics.sum("process_resident_memory_bytes", &[]) / f64::from(1 << 20),
        descriptors: metrics.sum("process_open_fds", &[]),
        threads: gateway.kernel_knows("Threads"),
    }
}

fn version(upstream: &Upstream, number: usize, name: usize, is_bad: bool) -> Config {
    let refuse = if is_bad { "refuse = \"this one is bad\", " } else { "" };
    let script = format!("{refuse}request = [\"set x-in 1\"], response = [\"set x-out {number}\"]");
    let plugin = format!("use = \"p.wasm\"\nconfig = {{ {script} }}");
    config()
        .table("[reload]\nwatch = \"off\"")
        .upstream(&format!("u{name}"), [upstream])
        .plugin(&format!("p{name}"), &plugin)
        .plugin("still", "use = \"headers\"\nconfig = { response = { set = { x-a = \"1\" } } }")
        .route_with("/p", &format!("u{name}"), &format!("name = \"r{name}\"\nplugins = [\"p{name}\", \"still\"]"))
}

/// The same component with other bytes: a custom section with a number.
fn component(number: usize) -> Vec<u8> {
    let mut component = guests::scripted().to_vec();
    component.extend([0, 3, 1, b'v', u8::try_from(number).unwrap()]);
    component
}
