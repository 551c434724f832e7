//! Plugins that keep a worker busy and do nothing forbidden: in one piece, which no tick interrupts, or before
//! they serve.

use std::time::Instant;

use tokio::task::JoinSet;
use tollgate_tests::wait::until_async;
use tollgate_tests::{Client, Gateway, Upstream, config, fault, in_general};

use super::under_load::Load;
use super::{assert_is_well, assert_says_nothing, start, with_fault};

/// One instruction fills 32 MiB that nobody touched before, which takes longer than the hook may.
#[tokio::test]
async fn a_hook_that_fills_memory_is_stopped_meanwhile() {
    let upstream = Upstream::answering("ok").await;
    let settings = "isolation = \"fresh\"\nlimits = { cpu = \"3ms\" }";
    for component in [fault("memory-fill"), in_general(&fault("memory-fill"))] {
        let gateway = Gateway::with(&with_fault(&upstream, settings)).plugin("fault", component).start().await;
        let answer = gateway.get("/p").await;
        assert_eq!(answer.status, 500);
        assert_says_nothing(&answer);
        gateway.log().line_with("limits.cpu").await;
        assert_is_well(&gateway).await;
    }
}

/// One call of the host, which computes for the plugin. When that is over it is found to have used too much in any
/// case: so what counts is how much it has used.
#[tokio::test]
async fn a_hook_that_has_much_hashed_is_stopped_meanwhile() {
    let upstream = Upstream::answering("ok").await;
    // More than a tick: so much counts where the kernel puts the thread aside, and an instance is to be made as well.
    let config = with_fault(&upstream, "limits = { cpu = \"3ms\" }")
        .plugin("whole", "use = \"fault.wasm\"\nlimits = { cpu = \"5s\" }")
        .route_with("/whole", "web", "plugins = [\"whole\"]");
    let gateway = start("hash-large", &config).await;
    for _ in 0..5 {
        assert_eq!((gateway.get("/p").await.status, gateway.get("/whole").await.status), (500, 200));
    }
    gateway.log().line_with("limits.cpu").await;
    let metrics = gateway.metrics().await;
    let used = |plugin| metrics.sum("tollgate_plugin_cpu_seconds_total", &[("plugin", plugin)]);
    assert!(used("p") < used("whole") / 2.0, "{} s of {} s", used("p"), used("whole"));
    assert_is_well(&gateway).await;
}

#[tokio::test]
async fn a_hook_that_does_much_in_one_piece_waits_for_its_turn() {
    let upstream = Upstream::answering("ok").await;
    let limits = "cpu = \"5s\", wall = \"1m\", host_call = \"64MiB\", kv_bytes = \"64MiB\"";
    let settings = format!("limits = {{ {limits} }}");
    for component in [fault("kv-large"), in_general(&fault("kv-large"))] {
        let gateway = Gateway::with(&with_fault(&upstream, &settings)).plugin("fault", component).start().await;
        let labels = [("plugin", "p"), ("route", "faulty"), ("hook", "on-request")];
        let waited = async || {
            assert_eq!(gateway.get("/p").await.status, 200);
            let waited = gateway.metrics().await.sum("tollgate_plugin_turn_wait_seconds_total", &labels);
            (waited > 0.0).then_some(())
        };
        // A few are enough where the copying is slow, and some more where it is quick.
        until_async("a hook that waited for its turn", waited).await;
        assert_is_well(&gateway).await;
    }
}

/// Each worker has an instance of the plugin before it serves by the new config.
#[tokio::test]
async fn while_a_plugin_is_made_ready_a_worker_takes_new_connections() {
    let upstream = Upstream::answering("ok").await;
    let without = config().workers(1).upstream("web", [&upstream]).route("/healthy", "web");
    let prepared = Gateway::with(&without).plugin("fault", fault("configure-computes"));
    let gateway = prepared.start().await;
    let before = gateway.reloads();
    let settings = "limits = { cpu = \"1m\", wall = \"2m\" }";
    gateway.write("tollgate.toml", with_fault(&upstream, settings).to_string());
    let is_made_ready =
        async || (gateway.metrics().await.sum("tollgate_plugin_instances", &[("plugin", "p")]) > 0.5).then_some(());
    until_async("a worker to make an instance", is_made_ready).await;
    assert_eq!(gateway.get("/healthy").await.status, 200);
    assert_eq!(gateway.reloads(), before, "the worker made the plugin ready first");
    gateway.reloaded_since(before).await;
    assert_is_well(&gateway).await;
}

/// More of them than the thread takes that gives memory back, which takes the kernel milliseconds for each.
#[tokio::test]
async fn clients_that_leave_at_once_do_not_keep_the_worker_from_the_others() {
    const CLIENTS: usize = 12;
    let (hanging, upstream) = (Upstream::hanging().await, Upstream::answering("ok").await);
    let config = config()
        .workers(1)
        .upstream("web", [&hanging])
        .upstream("other", [&upstream])
        .plugin("p", "use = \"fault.wasm\"\ngrant = { http = [\"web\"] }\nlimits = { cpu = \"1m\", wall = \"1m\" }")
        .route("/healthy", "other")
        .route_with("/p", "other", "plugins = [\"p\"]");
    let gateway = start("memory-held", &config).await;
    let instances = async || gateway.metrics().await.sum("tollgate_plugin_instances", &[("plugin", "p")]);
    let mut longest = Vec::new();
    // Once is enough: the machine may put any of them aside.
    for _ in 0..10 {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let address = gateway.address;
            clients.spawn(async move { Client::to(address).await.get("/p").await });
        }
        hanging.open(CLIENTS).await;
        let healthy = Load::on(&gateway, "/healthy", 1);
        let left = Instant::now();
        clients.shutdown().await;
        until_async("the instances to be gone", async || (instances().await < 0.5).then_some(())).await;
        let all = left.elapsed();
        let answers = healthy.stop().await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
        let one = answers.last().unwrap().1;
        if one < all / 2 {
            return;
        }
        longest.push((one, all));
    }
    panic!("a request waited for nearly all that was given back: {longest:?}");
}

/// Each is over before anybody could say that it computes for long.
#[tokio::test]
async fn many_short_hooks_that_are_ready_at_once_do_not_keep_the_worker_from_the_others() {
    const CLIENTS: usize = 128;
    let upstream = Upstream::answering("ok").await;
    let gateway = start("short", &with_fault(&upstream, "")).await;
    let mut longest = Vec::new();
    // Once is enough: the machine may put any of them aside.
    for _ in 0..10 {
        let mut connected = Vec::new();
        for _ in 0..CLIENTS {
            connected.push(gateway.connect().await);
        }
        let mut clients = JoinSet::new();
        for mut client in connected {
            clients.spawn(async move { client.get("/p").await.status });
        }
        let healthy = Load::on(&gateway, "/healthy", 1);
        let began = Instant::now();
        assert!(clients.join_all().await.iter().all(|status| *status == 200));
        let all = began.elapsed();
        let one = healthy.stop().await.iter().map(|(_, took)| *took).max().unwrap();
        if one < all / 3 {
            return;
        }
        longest.push((one, all));
    }
    panic!("a request waited for many of the others: {longest:?}");
}
