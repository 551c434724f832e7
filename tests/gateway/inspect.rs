//! `tollgate plugin inspect`, as an operator runs it.

use std::process::Command;

use tollgate_tests::{binary, guests, in_general};

const CONFIG: &str = r#"
[upstreams.users]
targets = ["http://127.0.0.1:1"]

[kv.sessions]

[plugins.bare]
use = "jwt-auth"
[plugins.full]
use = "jwt-auth"
keys = { main = { algorithm = "HS256", value = "a secret of the test" } }
secrets = { token = { value = "another secret of the test" } }
grant = { http = ["users"], metrics = ["hits_total"], kv = ["sessions"], files = ["geo/*.csv"] }
[plugins.other]
use = "headers"

[[routes]]
path = "/"
upstream = "users"
"#;

fn inspect(arguments: &[&str]) -> String {
    let output = Command::new(binary::path()).args(["plugin", "inspect"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_says_what_a_component_wants_and_how_to_grant_it() {
    let said = inspect(&["jwt-auth"]);
    assert!(said.contains("  crypto: Checks the signatures of tokens"), "{said}");
    assert!(said.contains("    to grant it, add a key: [plugins.NAME.keys.NAME]"), "{said}");
}

#[test]
fn it_says_how_a_component_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, component: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, component).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = file("plain.wasm", guests::scripted());
    assert!(inspect(&[&plain]).contains("called: directly"));
    let general = file("general.wasm", &in_general(guests::scripted()));
    assert!(inspect(&[&general]).contains("called: through the component layer"));
}

#[test]
fn with_a_config_it_says_what_each_plugin_that_uses_it_has_and_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tollgate.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let said = inspect(&["jwt-auth", "--config", config.to_str().unwrap()]);
    let (_, uses) = said.split_once("\nin ").unwrap();
    let lines: Vec<&str> = uses.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines[0], "plugin bare");
    assert!(lines[1].starts_with("crypto: missing (Checks the signatures"), "{said}");
    assert!(lines[1].contains("add a key: [plugins.bare.keys.NAME]"), "{said}");
    assert_eq!(lines[2], "plugin full");
    let starts = [
        "http-client: granted users (the plugin does not say",
        "crypto: granted main (Checks",
        "secrets: granted token (",
        "metrics: granted hits_total (",
        "shared-kv: granted sessions (",
        "files: granted geo/*.csv (",
    ];
    for (line, start) in lines[3..].iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), 3 + starts.len(), "nothing of the plugin that does not use it: {said}");
    assert!(!said.contains("secret of the test"), "{said}");

    let said = inspect(&["rate-limit", "--config", config.to_str().unwrap()]);
    assert!(said.ends_with("  no plugin uses it\n"), "{said}");
}
