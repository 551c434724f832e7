//! Files that are no plugin: at the start the gateway refuses, at a reload it keeps what it had.

use tollgate_tests::{Gateway, Upstream, guests, wait::until_async};

use super::{script, start, with_p};

/// Each with what the operator is told.
fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let component = |text: &str| wat::parse_str(text).unwrap();
    vec![
        ("not Wasm", b"\x7fELF and so on".to_vec(), "p.wasm"),
        ("empty", Vec::new(), "p.wasm"),
        ("cut off", guests::scripted()[..guests::scripted().len() / 2].to_vec(), "p.wasm"),
        ("a core module", component("(module (func (export \"on-request\")))"), "component"),
        ("exports nothing", component("(component)"), "lifecycle"),
        (
            "imports what does not exist",
            component("(component (import \"tollgate:plugin/teleport@0.1.0\" (instance (export \"go\" (func)))))"),
            "teleport",
        ),
    ]
}

#[tokio::test]
async fn at_the_start_the_gateway_refuses_and_says_why() {
    let upstream = Upstream::answering("ok").await;
    for (case, file, told) in broken() {
        let said = Gateway::with(&with_p(&upstream, "use = \"p.wasm\"")).plugin("p", file).start_fails().await;
        assert!(said.contains(told) && said.contains("plugins.p"), "{case}: {said}");
        assert!(!said.contains("panicked"), "{case}: {said}");
    }
}

#[tokio::test]
async fn at_a_reload_the_last_good_version_goes_on() {
    let upstream = Upstream::answering("ok").await;
    let settings = script(r#"response = ["set x-plugin good"]"#).replace("scripted", "p");
    for (case, file, told) in broken() {
        let gateway = Gateway::with(&with_p(&upstream, &settings)).plugin("p", guests::scripted()).start().await;
        gateway.replace("plugins/p.wasm", file);
        let line = gateway.log().line_with("not reloaded").await;
        assert!(line.contains(told), "{case}: {line}");
        let answer = gateway.get("/p").await;
        assert_eq!((answer.status, answer.header("x-plugin")), (200, "good"), "{case}");
        let before = gateway.reloads();
        gateway.replace("plugins/p.wasm", guests::scripted());
        gateway.signal("HUP");
        gateway.reloaded_since(before).await;
    }
}

#[tokio::test]
async fn a_config_the_plugin_does_not_know_is_an_error_with_its_place() {
    let upstream = Upstream::answering("ok").await;
    let config = with_p(&upstream, &script(r#"reqest = ["trap"]"#));
    let said = Gateway::with(&config).plugin("scripted", guests::scripted()).start_fails().await;
    let text = config.to_string();
    let line = text.lines().position(|line| line.contains("reqest")).unwrap() + 1;
    assert!(said.contains(&format!("tollgate.toml:{line}:")) && said.contains("reqest"), "{said}");
}

#[tokio::test]
async fn what_configure_refuses_does_not_go_live() {
    let upstream = Upstream::answering("ok").await;
    let refused = with_p(&upstream, &script(r#"refuse = "the moon is wrong""#));
    let said = Gateway::with(&refused).plugin("scripted", guests::scripted()).start_fails().await;
    assert!(said.contains("the moon is wrong"), "{said}");

    let gateway = start(&with_p(&upstream, &script(r#"response = ["set x-plugin good"]"#))).await;
    gateway.write("tollgate.toml", refused.to_string());
    gateway.log().line_with("the moon is wrong").await;
    assert_eq!(gateway.get("/p").await.header("x-plugin"), "good");
    gateway.write("tollgate.toml", with_p(&upstream, &script(r#"response = ["set x-plugin better"]"#)).to_string());
    until_async("the config to go live", async || {
        (gateway.get("/p").await.header("x-plugin") == "better").then_some(())
    })
    .await;
}
