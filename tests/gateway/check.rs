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

/// What only plugins know of is told together with what the gateway knows itself.
#[test]
fn one_run_tells_every_mistake_whichever_table_it_is_in() {
    let mistakes = r#"
[server]
thraeds = 2

[upstreams.users]
targets = ["http://127.0.0.1:1"]

[plugins.plain]
use = "headers"
config = { response = { sett = { x-a = "1" } } }

[plugins.rate-limit]
lmits = { memory = "1MiB" }
config = { rats = 5 }

[plugins.jwt-auth]
keys.short = { algorithm = "HS256", use = "verify", value = "c2hvcnQ=" }
config = { isuer = "https://issuer.example" }

[plugins.missing]
use = "missing.wasm"

[plugins.text]
use = "text.wasm"

[[routes]]
path = "/{*rest}"
plugins = ["plain", "rate-limit", "jwt-auth"]
upstream = "usres"
"#;
    let (said, code) = check(mistakes, &[("text.wasm", b"Not Wasm.")]);
    for mistake in ["thraeds", "sett", "lmits", "rats", "isuer", "missing.wasm", "text", "usres"] {
        let names = |line: &&str| line.starts_with("error: ") && line.contains(&format!("`{mistake}`"));
        assert_eq!(said.lines().filter(names).count(), 1, "{mistake}:\n{said}");
    }
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn every_key_that_cannot_be_used_is_told_with_the_config_beside_it() {
    let mistakes = r#"
[plugins.jwt-auth]
keys.short = { algorithm = "RS256", use = "verify", pem = "no key" }
keys.other = { algorithm = "ES256", use = "verify", pem = "no key either" }
config = { isuer = "https://issuer.example" }
"#;
    let (said, _) = check(mistakes, &[]);
    for place in ["in plugins.jwt-auth.keys.short", "in plugins.jwt-auth.keys.other", "unknown key `isuer`"] {
        assert!(said.contains(place), "{place}:\n{said}");
    }
}

/// What no schema can say is told by plugins, a line for each mistake.
#[test]
fn each_mistake_that_a_plugin_finds_is_shown_where_it_is() {
    let mistakes = r#"
[plugins.plain]
use = "headers"

[plugins.plain.config.request.set]
good = "1"
"not a name" = "2"

[plugins.plain.config.response]
remove = ["server", "transfer-encoding"]

[plugins.limit]
use = "rate-limit"
config = { limit = 1, per = "9000h" }

[[routes]]
path = "/"
plugins = ["plain", "limit"]
"#;
    let (said, _) = check(mistakes, &[]);
    for (place, mistake) in [
        ("tollgate.toml:7:16", "request.set.\"not a name\": `not a name` is no header name"),
        ("tollgate.toml:10:21", "response.remove[1]: `transfer-encoding` belongs to the gateway"),
        ("tollgate.toml:14:29", "per: `9000h` is more than 49 days"),
    ] {
        let lines: Vec<&str> = said.lines().skip_while(|line| !line.contains(mistake)).collect();
        assert!(lines.get(1).is_some_and(|line| line.contains(place)), "{mistake}, {place}:\n{said}");
    }
    assert!(said.contains("3 errors in") && !said.contains("column"), "{said}");
}

/// A key that is not known may be a misspelled `use`: then whose `config` it is, nobody knows.
#[test]
fn a_config_is_judged_by_no_plugin_that_may_not_be_meant() {
    for key in ["uses", "component"] {
        let route = "[[routes]]\npath = \"/\"\nplugins = [\"headers\"]\n";
        let (said, _) = check(&format!("[plugins.headers]\n{key} = \"rate-limit\"\nconfig.limit = 5\n{route}"), &[]);
        assert!(said.contains(&format!("unknown key `{key}`")), "{said}");
        assert!(said.contains("1 error in"), "{said}");
    }
}

/// Else the first request would tell.
#[test]
fn a_service_that_a_plugin_was_not_granted_is_told_of_before_it_is_asked() {
    let config = r#"
[upstreams.users]
targets = ["http://127.0.0.1:1"]

[upstreams.orders]
targets = ["http://127.0.0.1:2"]

[plugins.graphql]
grant = { http = ["users"] }
config.schema = """
type Query {
  me: Int @rest(upstream: "users", path: "/")
  orders: Int @rest(upstream: "orders", path: "/")
}
"""

[plugins.aggregate]
grant = { http = ["users"] }

[[plugins.aggregate.config.parts]]
name = "user"
upstream = "users"
path = "/"

[[plugins.aggregate.config.parts]]
name = "orders"
upstream = "ordres"
path = "/"

[[routes]]
path = "/graphql"
plugins = ["graphql"]

[[routes]]
path = "/page"
plugins = ["aggregate"]
"#;
    let (said, code) = check(config, &[]);
    for mistake in [
        "schema: 3:15: @rest: [plugins.graphql] grant.http has no \"orders\"",
        "parts[1].upstream: [plugins.aggregate] grant.http has no \"ordres\"",
    ] {
        assert!(said.contains(mistake), "{mistake}:\n{said}");
    }
    assert!(said.contains("tollgate.toml:27:12"), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_secret_that_can_be_guessed_is_warned_of_and_not_shown() {
    let config = |secret: &str| {
        format!(
            "[plugins.jwt-auth]\nkeys.main = {{ algorithm = \"HS256\", value = \"{secret}\" }}\n\
             [[routes]]\npath = \"/\"\nplugins = [\"jwt-auth\"]\n"
        )
    };
    let (said, code) = check(&config("hunter2"), &[]);
    assert!(said.contains("warning: the secret has 7 bytes, and HS256 wants 32 at least"), "{said}");
    assert!(said.contains("tollgate.toml:2:") && !said.contains("hunter2"), "{said}");
    assert_eq!(code, Some(0));
    let (said, _) = check(&config("change-me-32-bytes-or-more-please"), &[]);
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn a_limit_that_a_component_exceeds_from_the_start_is_shown_where_it_is_set() {
    let config = "[plugins.headers]\nlimits.memory = \"64KiB\"\nconfig.request.remove = [\"a\"]\n\
                  [[routes]]\npath = \"/\"\nplugins = [\"headers\"]\n";
    let (said, _) = check(config, &[]);
    assert!(said.contains("(limits.memory)") && said.contains("tollgate.toml:2:17"), "{said}");
}

#[test]
fn an_access_log_that_has_no_folder_is_warned_of_and_a_slip_is_no_file() {
    let config = |access: &str| {
        format!(
            "[log]\naccess = \"{access}\"\n[plugins.headers]\nconfig.request.remove = [\"a\"]\n\
             [[routes]]\npath = \"/\"\nplugins = [\"headers\"]\n"
        )
    };
    let (said, code) = check(&config("logs/access.log"), &[]);
    assert!(said.contains("warning: there is no folder for the access log `logs/access.log`"), "{said}");
    assert_eq!(code, Some(0));
    let (said, code) = check(&config("stdot"), &[]);
    assert!(said.contains("did you mean `stdout`?"), "{said}");
    assert_eq!(code, Some(1));
    for access in ["./stdot", "off", "access.log", "offers.log", "stdout.json"] {
        assert_eq!(check(&config(access), &[]), (String::new(), Some(0)), "{access}");
    }
}

/// What is said of a config, and the exit code.
fn check(config: &str, plugins: &[(&str, &[u8])]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    for (name, bytes) in plugins {
        std::fs::write(folder.path().join("plugins").join(name), bytes).unwrap();
    }
    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, config).unwrap();
    let output = Command::new(binary::path()).arg("check").arg("--config").arg(file).output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}
