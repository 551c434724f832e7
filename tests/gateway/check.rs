//! `tollgate check`, as an operator runs it.

use std::process::Command;

use tollgate_tests::{binary, guests};

const CONFIG: &str = r#"
[upstreams.users]
targets = ["http://127.0.0.1:1"]

[plugins.parts]
use = "aggregate"
grant = { http = ["users", "http://issuer.example:8080"] }
config = { parts = [{ name = "user", upstream = "users", path = "/" }] }

[plugins.quiet]
use = "scripted.wasm"
grant = { http = ["users"], forward = ["users"] }

[plugins.plain]
use = "headers"
config = { response = { set = { x-a = "1" } } }

[[routes]]
name = "all"
path = "/{*rest}"
plugins = ["plain", "quiet", "parts"]
"#;

#[test]
fn it_says_what_each_plugin_is_granted_and_what_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/scripted.wasm"), guests::scripted()).unwrap();
    let config = folder.path().join("tollgate.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let output = Command::new(binary::path()).arg("check").arg("--config").arg(config).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let behind = |plugin: &str, by: usize| {
        let at = lines.iter().position(|line| line.starts_with(&format!("plugin {plugin} "))).unwrap();
        *lines.get(at + by).unwrap_or(&"")
    };
    let after = |plugin: &str| behind(plugin, 1);
    assert!(after("parts").starts_with("http-client: granted users, http://issuer.example:8080 ("), "{said}");
    assert!(!after("parts").contains("does not say"), "{said}");
    assert_eq!(after("quiet"), "http-client: granted users (the plugin does not say that it wants it)");
    assert_eq!(behind("quiet", 2), "forward: granted users (the plugin does not say that it wants it)");
    assert!(!after("plain").contains("granted"), "{said}");
}
