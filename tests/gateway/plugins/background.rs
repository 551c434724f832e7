//! `on-interval`: a plugin's work that no request waits for.

use std::time::{Duration, Instant};

use tollgate_tests::{Config, Gateway, Upstream, config, guests, until, wait::until_async};

use super::faults;

const HOUR: u32 = 3_600_000;
const GRANT: &str = "\ngrant = { http = [\"keys\"] }";

/// The plugin `p` works so often, in milliseconds, and puts what is in `kv` under `k` into `x-k`.
fn works(every: u32, steps: &str) -> String {
    format!(
        "use = \"witness.wasm\"\nconfig = {{ skip = true, request = [\"show k x-k\"], every = {every}, interval = [{steps}] }}"
    )
}

/// Two workers, an upstream `web` with a route `/p` to it, and an upstream `keys`.
fn with_p(web: &Upstream, keys: &Upstream, settings: &str) -> Config {
    let config = config().workers(2).upstream("web", [web]).upstream("keys", [keys]).plugin("p", settings);
    config.route_with("/p", "web", "plugins = [\"p\"]").route("/healthy", "web")
}

async fn start(config: &Config) -> Gateway {
    Gateway::with(config).plugin("witness", guests::witness()).start().await
}

/// What the plugin's requests find in `kv`, once it is `wanted`.
async fn found(gateway: &Gateway, web: &Upstream, wanted: impl Fn(&str) -> bool) -> String {
    until_async("what was prepared", async || {
        gateway.get("/p").await;
        let found = web.last().header("x-k").to_owned();
        wanted(&found).then_some(found)
    })
    .await
}

async fn runs(gateway: &Gateway, web: &Upstream, at_least: u64) -> u64 {
    found(gateway, web, |found| found.parse::<u64>().is_ok_and(|runs| runs >= at_least)).await.parse().unwrap()
}

#[tokio::test]
async fn soon_after_the_start_requests_find_what_one_instance_of_the_gateway_fetched() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("the keys").await);
    let gateway = start(&with_p(&web, &keys, &(works(HOUR, r#""keep keys k""#) + GRANT))).await;
    assert_eq!(found(&gateway, &web, |found| found != "none").await, "the keys");
    assert_eq!(keys.seen().len(), 1, "two workers, one fetch");
    let done = [("plugin", "p"), ("hook", "on-interval"), ("verdict", "done")];
    gateway.metrics_with("tollgate_plugin_calls_total", &done, 1.0).await;
}

#[tokio::test]
async fn it_comes_again_and_never_more_often_than_the_operator_allows() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("").await);
    let started = Instant::now();
    let settings = works(1, r#""count k""#) + "\nlimits = { interval = \"200ms\" }";
    let gateway = start(&with_p(&web, &keys, &settings)).await;
    let runs = runs(&gateway, &web, 3).await;
    // A busy machine makes them fewer, never more.
    let most = 1 + started.elapsed().as_millis() / 200;
    assert!(u128::from(runs) <= most, "{runs} runs where {most} are allowed");
}

#[tokio::test]
async fn a_plugin_that_does_not_ask_for_it_is_never_called() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("").await);
    let quiet =
        "use = \"witness.wasm\"\nconfig = { skip = true, request = [\"show k x-k\"], interval = [\"count k\"] }";
    let config = with_p(&web, &keys, quiet).plugin("q", &(works(HOUR, r#""call keys /q""#) + GRANT));
    let gateway = start(&config).await;
    until("the other plugin's call", || (!keys.seen().is_empty()).then_some(())).await;
    assert_eq!(found(&gateway, &web, |_| true).await, "none");
}

#[tokio::test]
async fn a_reload_restarts_what_changed_and_nothing_else() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("").await);
    let with = |steps: &str| with_p(&web, &keys, &(works(HOUR, steps) + GRANT));
    let gateway = start(&with(r#""call keys /one""#)).await;
    until("the first call", || (keys.seen().len() == 1).then_some(())).await;
    gateway.reload(&with(r#""call keys /one""#).route("/other", "web")).await;
    gateway.reload(&with(r#""call keys /two""#)).await;
    until("the changed plugin's call", || (keys.last().path == "/two").then_some(())).await;
    let seen: Vec<String> = keys.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(seen, ["/one", "/two"]);
    gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
}

#[tokio::test]
async fn a_changed_plugins_old_call_is_broken_off_before_the_new_one_begins() {
    let (web, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let with = |steps: &str| with_p(&web, &slow, &(works(HOUR, steps) + GRANT + "\nlimits = { wall = \"1m\" }"));
    let gateway = start(&with(r#""call keys /old", "count k""#)).await;
    slow.open(1).await;
    gateway.reload(&with(r#""log begun""#)).await;
    slow.open(0).await;
    gateway.log().line_with("\"begun\"").await;
    assert_eq!(found(&gateway, &web, |_| true).await, "none");
    // And with the plugin, all of it goes.
    gateway.reload(&config().workers(2).upstream("web", [&web]).route("/p", "web")).await;
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 0.0).await;
    gateway.metrics_with("tollgate_snapshots", &[], 1.0).await;
}

#[tokio::test]
async fn a_plugin_that_comes_with_a_reload_is_called_too() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("the keys").await);
    let gateway = start(&config().workers(2).upstream("web", [&web]).route("/p", "web")).await;
    gateway.reload(&with_p(&web, &keys, &(works(HOUR, r#""keep keys k""#) + GRANT))).await;
    assert_eq!(found(&gateway, &web, |found| found != "none").await, "the keys");
}

#[tokio::test]
async fn a_fault_there_is_logged_and_counted_and_the_next_call_comes_at_its_time() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("").await);
    for (step, reason, says) in [
        ("trap", "trap", "as the script says"),
        ("spin", "cpu", "more CPU time"),
        ("show k x-k", "trap", "`request.set-header` was called in `on-interval`"),
    ] {
        let settings = works(20, &format!(r#""count k", "{step}""#)) + "\nlimits = { interval = \"20ms\" }";
        let gateway = start(&with_p(&web, &keys, &settings)).await;
        assert!(runs(&gateway, &web, 3).await >= 3, "{step}");
        assert_eq!(gateway.get("/healthy").await.status, 200);
        assert!(faults(&gateway, reason).await >= 2.0, "{step}");
        gateway.log().line_with(says).await;
        gateway.log().line_with("it is called again at its time").await;
    }
}

#[tokio::test]
async fn calls_that_take_longer_than_the_interval_do_not_pile_up() {
    let (web, slow) = (Upstream::answering("ok").await, Upstream::slow(Duration::from_millis(100), "").await);
    let settings = works(10, r#""call keys /x", "count k""#) + GRANT + "\nlimits = { interval = \"10ms\" }";
    let gateway = start(&with_p(&web, &slow, &settings)).await;
    assert!(runs(&gateway, &web, 4).await >= 4);
    assert_eq!(slow.connections(), 1, "one call after the other has one connection");
}

#[tokio::test]
async fn clients_are_served_while_it_computes() {
    let (web, keys) = (Upstream::answering("ok").await, Upstream::answering("").await);
    let settings = works(HOUR, r#""log begun", "spin""#) + "\nlimits = { cpu = \"500ms\", wall = \"1m\" }";
    let gateway = start(&with_p(&web, &keys, &settings)).await;
    gateway.log().line_with("\"begun\"").await;
    let (mut client, mut served) = (gateway.connect().await, 0);
    while faults(&gateway, "cpu").await < 0.5 {
        assert_eq!(client.get("/healthy").await.status, 200);
        served += 1;
    }
    assert!(served > 20, "only {served} requests were served while it span");
}

#[tokio::test]
async fn a_gateway_that_stops_does_not_wait_for_it() {
    let (web, slow) = (Upstream::answering("ok").await, Upstream::hanging().await);
    let settings = works(HOUR, r#""call keys /x""#) + GRANT + "\nlimits = { wall = \"10m\" }";
    let gateway = start(&with_p(&web, &slow, &settings).server("drain = \"10m\"")).await;
    slow.open(1).await;
    assert_eq!(gateway.stop().await.code(), Some(0));
}
