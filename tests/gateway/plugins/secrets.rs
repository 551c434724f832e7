//! `secrets`: values for one plugin's eyes.

use std::process::Command;

use tollgate_tests::{Gateway, binary, guests};

use super::{answering, start};

const VALUE: &str = "s3cr3t-of-the-test";

#[tokio::test]
async fn a_plugin_reads_its_own_secrets_in_each_hook_and_in_configure() {
    for (ask, settings) in [
        ("secret token", format!("secrets = {{ token = {{ value = \"{VALUE}\" }} }}")),
        ("secret token", "secrets = { token = { file = \"token.txt\" } }".to_owned()),
        ("secret token", "secrets = { token = { value = \"${env.THE_TOKEN}\" } }".to_owned()),
        ("secret token", "secrets = { token = { secret = \"shared\" } }".to_owned()),
    ] {
        let config = answering(&format!("ask = \"{ask}\", request = [\"tell configured\"]"), &settings)
            .table("[secrets]\nshared = { env = \"THE_TOKEN\" }")
            .plugin("q", &(super::script(&format!("request = [\"tell {ask}\"]")) + "\n" + &settings))
            .route_without_upstream("/q", "plugins = [\"q\"]");
        let prepared = Gateway::with(&config).file("token.txt", format!("{VALUE}\n")).environment("THE_TOKEN", VALUE);
        let gateway = prepared.plugin("scripted", guests::scripted()).start().await;
        assert_eq!(gateway.get("/p").await.text(), VALUE, "in configure, with {settings}");
        assert_eq!(gateway.get("/q").await.text(), VALUE, "in a hook, with {settings}");
    }
}

#[tokio::test]
async fn a_secret_of_another_plugin_or_of_nobody_is_not_there() {
    let config = answering("request = [\"tell secret token\"]", "secrets = { other = { value = \"x\" } }")
        .table(&format!("[secrets]\ntoken = {{ env = \"THE_TOKEN\" }}\n[plugins.q]\nuse = \"scripted.wasm\"\nsecrets = {{ token = {{ value = \"{VALUE}\" }} }}"));
    let prepared = Gateway::with(&config).environment("THE_TOKEN", VALUE);
    let gateway = prepared.plugin("scripted", guests::scripted()).start().await;
    assert_eq!(gateway.get("/p").await.text(), "none");
}

#[tokio::test]
async fn a_secret_that_is_not_text_is_there_as_bytes_only() {
    let settings = "secrets = { raw = { value_base64 = \"/wA=\" } }";
    for (ask, told) in [("secret raw", "none"), ("secret-bytes raw", "Some([255, 0])")] {
        let gateway = start(&answering(&format!("request = [\"tell {ask}\"]"), settings)).await;
        assert_eq!(gateway.get("/p").await.text(), told);
    }
}

#[tokio::test]
async fn a_changed_secret_reaches_a_plugin_that_read_it_in_configure() {
    let config = answering(
        "ask = \"secret token\", request = [\"tell configured\"]",
        "secrets = { token = { file = \"token.txt\" } }",
    );
    let prepared = Gateway::with(&config).file("token.txt", "old");
    let gateway = prepared.plugin("scripted", guests::scripted()).start().await;
    assert_eq!(gateway.get("/p").await.text(), "old");
    let before = gateway.reloads();
    gateway.replace("token.txt", "new");
    gateway.reloaded_since(before).await;
    assert_eq!(gateway.get("/p").await.text(), "new");
}

#[tokio::test]
async fn no_log_no_command_and_no_admin_page_shows_a_secret() {
    let settings = format!("secrets = {{ token = {{ value = \"{VALUE}\" }} }}");
    let config = answering("request = [\"tell secret tok\"]", &settings).table("[log]\nlevel = \"debug\"");
    let gateway = start(&config).await;
    assert_eq!(gateway.get("/p").await.text(), "none");
    let mut shown = gateway.access_lines(1).await[0].to_string() + &gateway.log().text();
    for page in ["/api/status", "/metrics", "/"] {
        shown += gateway.admin(page).await.text();
    }
    for command in [&["check"][..], &["explain", "GET", "/p"]] {
        let mut run = Command::new(binary::path());
        let output = run.args(command).arg("--config").arg(gateway.path("tollgate.toml")).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("token"), "{command:?} names what is granted: {said}");
        shown += &said;
    }
    assert!(!shown.contains(VALUE), "{shown}");
}
