//! What the commands say of such a component.

use std::path::Path;
use std::process::Command;

use tollgate_tests::{Upstream, binary, guests};

use super::site;

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(binary::path()).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn they_say_what_it_is_and_what_it_is_granted() {
    let other = Upstream::answering("other").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/site.wasm"), guests::answering()).unwrap();
    let config =
        site("grant = { http = [\"other\"] }").upstream("other", [&other]).plugin("bare", "use = \"site.wasm\"");
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();

    let check = said(folder.path(), &["check"]);
    let wanted = "  plugin site is wasi:http 0.2.12\n    answers requests (wasi:http 0.2)\n    http-client: granted other (it imports wasi:http/outgoing-handler, and may never use it)\n";
    assert!(check.contains(wanted), "{check}");
    assert!(check.contains("    http-client: nothing granted (it imports"), "{check}");
    let explain = said(folder.path(), &["explain", "GET", "/site/a"]);
    assert!(
        explain.contains("site.wasm, answers requests (wasi:http 0.2), with a fresh instance for each\n"),
        "{explain}"
    );
    assert!(explain.contains("upstream   none: site answers\n"), "{explain}");
    let list = said(folder.path(), &["plugin", "list"]);
    assert!(list.contains("site.wasm        0.2.12   answers requests (wasi:http 0.2)\n"), "{list}");
    let inspect = said(folder.path(), &["plugin", "inspect", "plugins/site.wasm", "--config", "tollgate.toml"]);
    assert!(inspect.starts_with("wasi:http 0.2.12: answers requests (wasi:http 0.2)\n"), "{inspect}");
    assert!(
        inspect.contains("    to grant it calls, add `grant = { http = [\"an-upstream\"] }` to [plugins.NAME]\n"),
        "{inspect}"
    );
    assert!(inspect.contains("    http-client: granted other (it imports"), "{inspect}");
}

#[test]
fn the_config_of_the_page_is_good_with_such_a_component() {
    let page = std::fs::read_to_string(binary::workspace().join("docs/components.md")).unwrap();
    let (_, behind) = page.split_once("```toml\n").unwrap();
    let (config, _) = behind.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/shop.wasm"), guests::answering()).unwrap();
    std::fs::write(folder.path().join("tollgate.toml"), config).unwrap();
    let check = said(folder.path(), &["check"]);
    assert!(check.contains("http-client: granted stock, https://api.example:443 ("), "{check}");
}
