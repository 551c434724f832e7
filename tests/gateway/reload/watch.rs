//! How a changed file becomes known: `[reload]`.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_tests::{Config, Gateway, config, guests, until, wait::until_async};

/// A gateway that answers with this word.
fn saying(word: &str, reload: &str) -> Config {
    config()
        .table(&format!("[reload]\n{reload}"))
        .plugin("p", &format!("use = \"scripted.wasm\"\nconfig = {{ request = [\"respond 200 {word}\"] }}"))
        .route_without_upstream("/", "plugins = [\"p\"]")
}

async fn start(config: &Config) -> Gateway {
    Gateway::with(config).plugin("scripted", guests::scripted()).start().await
}

async fn answers(gateway: &Gateway, word: &str) {
    until_async(&format!("the answer {word:?}"), async || (gateway.get("/").await.text() == word).then_some(())).await;
}

#[tokio::test]
async fn with_polling_a_change_is_seen_without_events() {
    let poll = "watch = \"poll\"\npoll_interval = \"50ms\"";
    let gateway = start(&saying("one", poll)).await;
    // No watch of the kernel's is held.
    let watches = |gateway: &Gateway| {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", gateway.process())).unwrap();
        let open = folder.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        open.filter(|target| target.to_string_lossy().contains("inotify")).count()
    };
    assert_eq!(watches(&gateway), 0);
    gateway.write("tollgate.toml", saying("two", poll).to_string());
    answers(&gateway, "two").await;
    // The way it is watched is itself reloaded.
    gateway.write("tollgate.toml", saying("three", "watch = \"events\"").to_string());
    answers(&gateway, "three").await;
    until("a watch of the kernel's", || (watches(&gateway) == 1).then_some(())).await;
    gateway.write("tollgate.toml", saying("four", poll).to_string());
    answers(&gateway, "four").await;
    until("the watch to be given back", || (watches(&gateway) == 0).then_some(())).await;
}

#[tokio::test]
async fn without_a_watch_only_hup_reloads() {
    let gateway = start(&saying("one", "watch = \"off\"")).await;
    gateway.write("tollgate.toml", saying("two", "watch = \"off\"").to_string());
    // Longer than files are looked at where they are.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!((gateway.get("/").await.text(), gateway.reloads()), ("one", 0));
    gateway.signal("HUP");
    answers(&gateway, "two").await;
}

#[tokio::test]
async fn a_log_that_is_written_beside_the_config_reloads_nothing_and_delays_no_reload() {
    let with_log = |word: &str| saying(word, "").table("[log]\naccess = \"plugins/access.log\"");
    let gateway = start(&with_log("one")).await;
    for _ in 0..20 {
        answers(&gateway, "one").await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(gateway.reloads(), 0);
    gateway.write("tollgate.toml", with_log("two").to_string());
    answers(&gateway, "two").await;
    gateway.reloaded_since(0).await;
    assert_eq!(gateway.reloads(), 1);
}

/// Milliseconds since 1970, as the gateway's clock and the test's have them.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}

/// When the config in force was loaded, in the same milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since 1970 is no such number")]
async fn loaded(gateway: &Gateway) -> u64 {
    let seconds = gateway.metrics().await.sum("tollgate_config_last_reload_success_timestamp_seconds", &[]);
    (seconds * 1000.0).round() as u64
}

#[tokio::test]
async fn the_time_of_the_config_in_force_moves_with_each_reload_but_not_with_one_that_failed() {
    let began = now();
    let gateway = start(&saying("one", "")).await;
    let first = loaded(&gateway).await;
    assert!((began..=now()).contains(&first), "{first}, and the gateway was started at {began}");
    let changed = now();
    gateway.reload(&saying("two", "")).await;
    let second = loaded(&gateway).await;
    assert!((changed..=now()).contains(&second), "{second}, and the config was changed at {changed}");
    gateway.write("tollgate.toml", "nonsense");
    gateway.metrics_with("tollgate_reloads_total", &[("result", "failed")], 1.0).await;
    assert_eq!(loaded(&gateway).await, second, "a reload that failed");
}

#[tokio::test]
async fn after_a_failed_reload_the_gateway_is_ready_and_says_that_it_is_not_on_the_newest_config() {
    let gateway = start(&saying("one", "")).await;
    let successful = "tollgate_config_last_reload_successful";
    assert_eq!(gateway.admin("/readyz").await.text(), "ok\n");
    gateway.metrics_with(successful, &[], 1.0).await;
    gateway.write("tollgate.toml", "nonsense");
    gateway.metrics_with("tollgate_reloads_total", &[("result", "failed")], 1.0).await;
    let ready = gateway.admin("/readyz").await;
    assert!(ready.status == 200 && ready.text().contains("its reload failed"), "{ready:?}");
    gateway.metrics_with(successful, &[], 0.0).await;
    gateway.write("tollgate.toml", saying("two", "").to_string());
    answers(&gateway, "two").await;
    gateway.metrics_with(successful, &[], 1.0).await;
    assert_eq!(gateway.admin("/readyz").await.text(), "ok\n");
}
