//! Faults under load, beside a route that has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tollgate_tests::{Client, Config, Gateway, Upstream, config, fault, guests};

use super::assert_says_nothing;

/// Clients that ask one route over and over, each on a connection of its own.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<(u16, Duration)>>,
}

impl Load {
    pub(super) fn on(gateway: &Gateway, path: &str, clients: usize) -> Self {
        let (stop, address) = (Arc::new(AtomicBool::new(false)), gateway.address);
        let mut load = Self { stop: Arc::clone(&stop), clients: JoinSet::new() };
        for _ in 0..clients {
            let (stop, path) = (Arc::clone(&stop), path.to_owned());
            load.clients.spawn(async move {
                let (mut client, mut answers) = (Client::to(address).await, Vec::new());
                while !stop.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    let answer = client.get(&path).await;
                    answers.push((answer.status, began.elapsed()));
                    if answer.status >= 500 {
                        assert_says_nothing(&answer);
                    }
                }
                answers
            });
        }
        load
    }

    /// Each client's answer to come is its last.
    pub(super) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Stops them, and returns the status of each answer and how long it took, the quickest first.
    pub(super) async fn stop(self) -> Vec<(u16, Duration)> {
        self.ask_to_stop();
        let mut answers = self.clients.join_all().await.concat();
        answers.sort_unstable_by_key(|(_, took)| *took);
        answers
    }
}

/// One worker, `/healthy` and `/filtered` (a plugin that sets a field), and a route for each of the faults.
fn beside(faults: &[&str], upstream: &Upstream, limits: &str) -> Config {
    let healthy = config()
        .workers(1)
        .upstream("web", [upstream])
        .plugin("good", "use = \"good.wasm\"")
        .route("/healthy", "web")
        .route_with("/filtered", "web", "plugins = [\"good\"]");
    faults.iter().fold(healthy, |config, name| {
        config.plugin(name, &format!("use = \"{name}.wasm\"\n{limits}")).route_with(
            &format!("/{name}"),
            "web",
            &format!("plugins = [\"{name}\"]"),
        )
    })
}

async fn start(faults: &[&str], config: &Config) -> Gateway {
    let prepared = Gateway::with(config).plugin("good", guests::response_only());
    faults.iter().fold(prepared, |prepared, name| prepared.plugin(name, fault(name))).start().await
}

#[tokio::test]
async fn a_healthy_route_loses_no_request_and_the_gauges_return() {
    const FAULTS: [&str; 6] = ["spin", "trap", "memory-bomb", "stack-overflow", "leak", "host-call-flood"];
    let upstream = Upstream::answering("ok").await;
    let limits = "limits = { cpu = \"10ms\", memory = \"16MiB\" }";
    let gateway = start(&FAULTS, &beside(&FAULTS, &upstream, limits)).await;
    let before = gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
    let healthy = ["/healthy", "/filtered"].map(|path| Load::on(&gateway, path, 2));
    let faulty = FAULTS.map(|name| Load::on(&gateway, &format!("/{name}"), 2));

    // Long enough for each to have failed again and again.
    for name in FAULTS {
        let (counted, reason) = match name {
            "leak" => ("tollgate_plugin_calls_total", ("verdict", "next")),
            _ => ("tollgate_plugin_calls_total", ("verdict", "error")),
        };
        let often = async || (gateway.metrics().await.sum(counted, &[("plugin", name), reason]) > 4.0).then_some(());
        tollgate_tests::wait::until_async(&format!("{name} to have been called often"), often).await;
    }
    for load in healthy {
        let answers = load.stop().await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
        assert!(answers.len() > 20, "only {} requests", answers.len());
    }
    for (name, load) in FAULTS.iter().zip(faulty) {
        for (status, _) in load.stop().await {
            assert!(if *name == "leak" { status == 200 } else { status == 500 }, "{name}: {status}");
        }
    }
    gateway.metrics_with("tollgate_long_hooks", &[], 0.0).await;
    for name in FAULTS {
        // One is kept, idle; of `leak` two may be, as two were asked at a time.
        let after = gateway.metrics().await.sum("tollgate_plugin_instances", &[("plugin", name)]);
        assert!(after <= 2.0, "{name}: {after} instances");
    }
    let resident = |metrics: &tollgate_tests::metrics::Metrics| metrics.sum("process_resident_memory_bytes", &[]);
    let grown = resident(&gateway.metrics().await) - resident(&before);
    assert!(grown < 64e6, "{grown} bytes more than before");
}

#[tokio::test]
async fn more_long_hooks_than_may_wait_are_told_to_come_again() {
    let upstream = Upstream::answering("ok").await;
    let config = beside(&["spin"], &upstream, "limits = { cpu = \"300ms\", wall = \"20s\" }")
        .limit("long_hooks = 1")
        .limit("long_hooks_queue = 1");
    let gateway = start(&["spin"], &config).await;
    let load = Load::on(&gateway, "/spin", 6);
    let labels = [("plugin", "spin"), ("route", "/spin"), ("reason", "long-hooks")];
    let refused = async || (gateway.metrics().await.sum("tollgate_plugin_errors_total", &labels) > 3.0).then_some(());
    tollgate_tests::wait::until_async("hooks to be refused", refused).await;
    let busy = gateway.get("/spin").await;
    assert_eq!(gateway.get("/healthy").await.status, 200);
    let answers = load.stop().await;
    let with = |status| answers.iter().filter(|answer| answer.0 == status).count();
    assert!(with(500) > 0 && with(503) > 0 && with(500) + with(503) == answers.len(), "{answers:?}");
    if busy.status == 503 {
        assert_eq!(busy.header("retry-after"), "1");
    }
    gateway.log().line_with("server.limits.long_hooks").await;
}

/// How much later a healthy request is answered beside plugins that compute. On a quiet machine, with a gateway
/// built with `--release`:
/// `TOLLGATE_BIN=target/release/tollgate cargo test --test gateway -- --ignored --nocapture beside_spinners`
///
/// Clients and service have one thread, the gateway's worker another: with more threads than cores the kernel's slices
/// are measured.
///
/// `FAULTS` names others than those below, with commas between, and `SETTINGS` is written to each plugin's table.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "measures, and so must run alone"]
async fn the_delay_of_a_healthy_request_beside_spinners() {
    let said = std::env::var("FAULTS");
    let said = said.as_deref().unwrap_or("spin,host-call-flood,trap,memory-bomb,memory-fill,hash-large");
    let names: Vec<_> = said.split(',').collect();
    let settings = std::env::var("SETTINGS").unwrap_or_default();
    let upstream = Upstream::answering("ok").await;
    let gateway = start(&names, &beside(&names, &upstream, &settings)).await;
    for (path, clients) in [("/healthy", 1), ("/healthy", 16), ("/filtered", 1), ("/filtered", 16)] {
        let mut undisturbed = None;
        for spinners in [0, 1, 4, 16, 64] {
            let faulty: Vec<_> = (0..spinners)
                .map(|number| Load::on(&gateway, &format!("/{}", names[number % names.len()]), 1))
                .collect();
            let healthy = Load::on(&gateway, path, clients);
            tokio::time::sleep(Duration::from_secs(3)).await;
            let answers = healthy.stop().await;
            // All at once: a hook that spins has its answer in seconds, and the others would go on meanwhile.
            faulty.iter().for_each(Load::ask_to_stop);
            for load in faulty {
                load.stop().await;
            }
            assert!(answers.iter().all(|(status, _)| *status == 200), "a healthy request was lost");
            let at = |share: usize| answers[(answers.len() - 1) * share / 1000].1.as_secs_f64() * 1e3;
            let (median, p99) = (at(500), at(990));
            let times = p99 / *undisturbed.get_or_insert(p99);
            println!(
                "{path} {clients:2} clients, {spinners:2} faulty: {:6} requests, median {median:6.2} ms, p99 {p99:6.2} ms ({times:.1} x)",
                answers.len()
            );
        }
    }
}
