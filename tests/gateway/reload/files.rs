//! How a change gets onto the disk, and what is made of it.

use std::os::unix::fs::symlink;

use tollgate_tests::{Config, Gateway, Upstream, config, wait::until_async};

async fn two() -> (Upstream, Upstream) {
    (Upstream::answering("one").await, Upstream::answering("two").await)
}

fn to(upstream: &Upstream) -> Config {
    config().upstream("web", [upstream]).route("/", "web")
}

async fn answers(gateway: &Gateway, word: &str) {
    until_async(&format!("the answer {word:?}"), async || (gateway.get("/").await.text() == word).then_some(())).await;
}

#[tokio::test]
async fn a_config_written_in_place_goes_live() {
    let (one, two) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    answers(&gateway, "one").await;
    gateway.write("tollgate.toml", to(&two).to_string());
    answers(&gateway, "two").await;
}

#[tokio::test]
async fn a_config_renamed_over_the_old_one_goes_live_again_and_again() {
    let (one, two) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    for _ in 0..3 {
        gateway.replace("tollgate.toml", to(&two).to_string());
        answers(&gateway, "two").await;
        gateway.replace("tollgate.toml", to(&one).to_string());
        answers(&gateway, "one").await;
    }
}

/// As a mounted `ConfigMap` is changed: `tollgate.toml -> ..data/tollgate.toml`, `..data -> ..1`.
#[tokio::test]
async fn a_config_behind_symlinks_goes_live_when_they_are_swapped() {
    let (one, two) = two().await;
    let prepared = Gateway::with(&to(&one));
    for (folder, upstream) in [("..1", &one), ("..2", &two)] {
        std::fs::create_dir(prepared.path(folder)).unwrap();
        std::fs::write(prepared.path(folder).join("tollgate.toml"), to(upstream).to_string()).unwrap();
    }
    symlink("..1", prepared.path("..data")).unwrap();
    std::fs::remove_file(prepared.path("tollgate.toml")).unwrap();
    symlink("..data/tollgate.toml", prepared.path("tollgate.toml")).unwrap();
    let gateway = prepared.start().await;
    answers(&gateway, "one").await;
    symlink("..2", gateway.path("..new")).unwrap();
    std::fs::rename(gateway.path("..new"), gateway.path("..data")).unwrap();
    answers(&gateway, "two").await;
}

#[tokio::test]
async fn a_broken_config_changes_nothing_and_says_so() {
    let (one, two) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    let broken = to(&two).to_string().replace("upstream = \"web\"", "upstream = \"wbe\"");
    gateway.write("tollgate.toml", broken);
    let line = gateway.log().line_with("not reloaded").await;
    assert!(line.contains("wbe") && line.contains("tollgate.toml") && line.contains("\"level\":\"ERROR\""), "{line}");
    assert_eq!(gateway.get("/").await.text(), "one");
    let metrics = gateway.metrics().await;
    assert!(metrics.sum("tollgate_reloads_total", &[("result", "failed")]) >= 1.0);
    assert_eq!(gateway.admin("/readyz").await.status, 200);
    gateway.write("tollgate.toml", to(&two).to_string());
    answers(&gateway, "two").await;
}

#[tokio::test]
async fn a_file_that_is_gone_changes_nothing_until_it_is_back() {
    let (one, two) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    std::fs::remove_file(gateway.path("tollgate.toml")).unwrap();
    gateway.log().line_with("not reloaded").await;
    assert_eq!(gateway.get("/").await.text(), "one");
    gateway.write("tollgate.toml", to(&two).to_string());
    answers(&gateway, "two").await;
}

#[tokio::test]
async fn hup_reloads_even_if_no_file_has_changed() {
    let (one, _) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    let before = gateway.reloads();
    gateway.signal("HUP");
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/").await.text(), "one");
}

#[tokio::test]
async fn what_needs_a_restart_is_said_so() {
    let (one, _) = two().await;
    let gateway = Gateway::start(&to(&one)).await;
    gateway.reload(&to(&one).workers(3)).await;
    let line = gateway.log().line_with("server.workers").await;
    assert!(line.contains("next start"), "{line}");
}
