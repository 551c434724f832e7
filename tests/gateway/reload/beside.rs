//! A large plugin that comes with a reload is compiled beside the requests, and not at their cost.

use std::time::Duration;

use tollgate_tests::{Config, Gateway, Upstream, config, guests, until};

use super::load::Load;

/// How nice a child is that compiles while requests are served.
const NICE: i64 = 10;

/// How often the child is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Between two requests of a client: there are four, and they leave the compiler some time.
const PAUSE: Duration = Duration::from_millis(50);

/// What was seen of the child that compiled, up to its end.
#[derive(Debug, Default)]
struct Compiling {
    /// Its nice value, at last.
    nice: i64,
    /// The most memory it had, in bytes.
    peak: u64,
    /// Requests that got to the upstream in its time.
    requests: usize,
}

fn without(upstream: &Upstream) -> Config {
    let config = config().table("[compile]\ntimeout = \"10m\"");
    config.workers(1).upstream("web", [upstream]).route("/healthy", "web")
}

/// With an engine for JavaScript in front of the upstream.
fn with_javascript(upstream: &Upstream) -> Config {
    let limits = "limits = { memory = \"128MiB\", cpu = \"5s\", wall = \"20s\" }";
    without(upstream).plugin("p", &format!("use = \"guest.wasm\"\n{limits}")).route_with(
        "/p",
        "web",
        "plugins = [\"p\"]",
    )
}

/// The gateway's child that compiles, if there is one.
fn child_of(gateway: &Gateway) -> Option<u32> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|process| {
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let compiles = arguments.split(|byte| *byte == 0).any(|argument| argument == b"compile-component");
        compiles && field(*process, 4) == Some(gateway.process().into())
    })
}

/// A field of `/proc/PID/stat` by its number in proc(5), from 4 on; `None` once the process has ended.
fn field(process: u32, number: usize) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name, which may have anything in it.
    let (_, behind_the_name) = stat.rsplit_once(") ")?;
    behind_the_name.split(' ').nth(number - 3)?.parse().ok()
}

/// The most memory a process had, in bytes; `None` once it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// Looks at the child that compiles until it has ended, which the gateway sees to: on a machine that has
/// much else to do it takes minutes, for it lets everybody else go first.
async fn watch_the_child(gateway: &Gateway, upstream: &Upstream) -> Compiling {
    let child = until("a child that compiles", || child_of(gateway)).await;
    let (before, mut compiling) = (upstream.seen().len(), Compiling::default());
    while let (Some(nice), Some(peak)) = (field(child, 19), peak(child)) {
        compiling = Compiling { nice, peak, requests: upstream.seen().len() - before };
        tokio::time::sleep(LOOK).await;
    }
    compiling
}

#[tokio::test]
async fn while_a_large_plugin_is_compiled_requests_go_first_and_the_gateway_stays_small() {
    let Some(component) = guests::in_language("javascript", &["node_modules/.bin/componentize-qjs", "node"]) else {
        return;
    };
    let (upstream, cache) = (Upstream::answering("ok").await, tempfile::tempdir().unwrap());
    let prepared = Gateway::with(&without(&upstream)).plugin("guest", component);
    let gateway = prepared.environment("TOLLGATE_CACHE_DIR", cache.path().to_str().unwrap()).start().await;
    let load = Load::with_pauses(&gateway, "/healthy", &[(200, "ok")], PAUSE);
    until("requests to be served", || (upstream.seen().len() > 20).then_some(())).await;

    let before = gateway.peak_memory_from_now_on();
    gateway.write("tollgate.toml", with_javascript(&upstream).to_string());
    let compiling = watch_the_child(&gateway, &upstream).await;
    gateway.reloaded_since(0).await;
    let grown = gateway.peak_memory() - before;

    assert_eq!(compiling.nice, NICE, "{compiling:?}");
    assert!(compiling.requests > 20, "clients waited for the compiler: {compiling:?}");
    assert!(grown < compiling.peak / 2, "{grown} bytes more, and {compiling:?}");
    assert!(load.stop().await > compiling.requests, "each of them was answered");
    assert_eq!(gateway.get("/p").await.text(), "who are you?");
}
