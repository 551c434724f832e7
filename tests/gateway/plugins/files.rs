//! `files`: what the operator lets a plugin read.

use std::os::unix::fs::symlink;

use tollgate_tests::{Config, Gateway, Upstream, config, guests};

use super::{answering, script};

/// A gateway in whose folder there are some files, and that tells what `config` asks.
async fn start(config: &Config) -> Gateway {
    let prepared = Gateway::with(config);
    std::fs::create_dir(prepared.path("geo")).unwrap();
    symlink("../tollgate.toml", prepared.path("geo/link.csv")).unwrap();
    let prepared = prepared.file("list.txt", "the list").file("geo/eu.csv", "europe").file("other.txt", "other");
    prepared.plugin("scripted", guests::scripted()).start().await
}

const GRANT: &str = "grant = { files = [\"list.txt\", \"geo/*.csv\"] }";

#[tokio::test]
async fn what_is_granted_is_read_in_a_hook_and_nothing_else() {
    for (file, told) in [
        ("list.txt", "the list"),
        ("geo/eu.csv", "europe"),
        ("geo/us.csv", "there is no such file"),
        ("other.txt", "not granted: [plugins.p] grant.files has no \"other.txt\""),
        ("geo/../other.txt", "not granted: [plugins.p] grant.files has no \"geo/../other.txt\""),
        ("/etc/passwd", "not granted: [plugins.p] grant.files has no \"/etc/passwd\""),
        ("geo/link.csv", "not granted: [plugins.p] \"geo/link.csv\" is a link that leads out of the granted folder"),
    ] {
        let gateway = start(&answering(&format!("request = [\"tell file {file}\"]"), GRANT)).await;
        assert_eq!(gateway.get("/p").await.text(), told, "{file}");
    }
}

#[tokio::test]
async fn a_changed_file_reaches_the_next_hook() {
    let gateway = start(&answering("request = [\"tell file list.txt\"]", GRANT)).await;
    assert_eq!(gateway.get("/p").await.text(), "the list");
    gateway.replace("list.txt", "a longer list");
    assert_eq!(gateway.get("/p").await.text(), "a longer list");
    gateway.write("list.txt", "");
    assert_eq!(gateway.get("/p").await.text(), "");
}

#[tokio::test]
async fn a_changed_file_reaches_a_plugin_that_read_it_in_configure() {
    let config = answering("ask = \"file list.txt\", request = [\"tell configured\"]", GRANT)
        .plugin(
            "q",
            &(script("ask = \"file later.txt\", request = [\"tell configured\"]")
                + "\ngrant = { files = [\"*.txt\"] }"),
        )
        .route_without_upstream("/q", "plugins = [\"q\"]");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.text(), "the list");
    assert_eq!(gateway.get("/q").await.text(), "there is no such file");
    let before = gateway.reloads();
    gateway.replace("list.txt", "another list");
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/p").await.text(), "another list");
    let before = gateway.reloads();
    gateway.write("later.txt", "now it is there");
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/q").await.text(), "now it is there");
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_an_error_the_plugin_sees() {
    for (limit, told) in [("8B", "the list"), ("7B", "the file is larger than limits.file allows")] {
        let settings = format!("{GRANT}\nlimits = {{ file = \"{limit}\" }}");
        let gateway = start(&answering("request = [\"tell file list.txt\"]", &settings)).await;
        assert_eq!(gateway.get("/p").await.text(), told, "{limit}");
    }
}

/// A pipe that nobody writes to is as slow as a disk can be.
#[tokio::test]
async fn a_pipe_is_not_read_and_holds_nobody_up() {
    let upstream = Upstream::answering("ok").await;
    let settings = script("request = [\"tell file geo/pipe.csv\"]") + "\n" + GRANT;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("p", &settings)
        .route("/healthy", "web")
        .route_without_upstream("/p", "plugins = [\"p\"]");
    let gateway = start(&config).await;
    let made = std::process::Command::new("mkfifo").arg(gateway.path("geo/pipe.csv")).status().unwrap();
    assert!(made.success());
    assert_eq!(gateway.get("/p").await.text(), "the file cannot be read: it is not a file");
    assert_eq!(gateway.get("/healthy").await.text(), "ok");
}
