//! Good configs, and what they become.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate::config::model::{
    Access, Algorithm, Balance, Component, Host, Isolation, KeyMaterial, OnError, PluginId, Scheme, Target, UpstreamId,
};
use tollgate::config::{self, Diagnostics, Loaded, model};

const BUILT_INS: &[&str] = &["headers", "jwt-auth"];

const EVERYTHING: &str = r#"
[server]
listen = ["127.0.0.1:8080", "[::1]:8081"]
admin = "off"
workers = 3
plugins_dir = "wasm"
drain = "1s"
limits = { connections = 1, head = "2KiB", header_count = 3, body = "4B", head_timeout = "5s", idle_timeout = "6s" }

[log]
access = "access.log"
level = "debug"

[state]
backend = "memory"

[outbound]
trusted_ca = ["ca.pem"]

[secrets]
jwt = { file = "secret.txt" }

[upstreams.users]
targets = ["http://a:1", "https://b"]
balance = "least-request"
timeouts = { connect = "1ms", first_byte = "2ms", idle = "3ms", total = "4ms" }
ejection = { failures = 5, duration = "6ms" }
idle_connections = 7
idle_for = "8ms"
connect_retries = 9
interim = false

[plugins.jwt]
use = "jwt-auth"
grant = { http = ["users", "https://issuer:8080", "http://*.b:81"] }
config = { b = "x", a = { c = [1, 2.5, true] } }
limits = { cpu = "1ms", wall = "2ms", memory = "3MiB", table_elements = 4, instances = 5, queue = 6, uses = 7, body = "8B", chunk = "18B", calls = 9, host_call = "13B", log_lines = 14, kv_keys = 10, kv_bytes = "11B", rate_keys = 12, cache_bytes = "15B", cache_object = "16B", cache_waiting = 17 }
isolation = "fresh"
on_error = "skip"
[plugins.jwt.keys]
hmac = { algorithm = "HS512", secret = "jwt" }
encoded = { algorithm = "HS256", value_base64 = "AAEC" }
public = { algorithm = "EdDSA", file = "key.pem" }

[plugins.mine]

[[routes]]
name = "one"
path = "/api/{id}/{*rest}"
host = ["API.example.com", "*.example.org"]
methods = ["GET", "PURGE"]
headers = { X-Version = "2", x-debug = true }
query = { q = true, p = "1" }
upstream = "users"
plugins = ["mine", "jwt"]
strip_prefix = "/api"
preserve_host = true
body_limit = "1KB"
timeout = "9s"

[[routes]]
path = "/"
plugins = ["mine"]
"#;

#[test]
fn every_key_of_the_file_reaches_the_model() {
    let (_folder, loaded) = everything();
    let config = loaded.config;
    assert_eq!(config.server.listen, ["127.0.0.1:8080".parse().unwrap(), "[::1]:8081".parse().unwrap()]);
    assert_eq!((config.server.admin, config.server.workers, config.server.drain), (None, 3, Duration::from_secs(1)));
    let limits = &config.server.limits;
    assert_eq!((limits.connections, limits.head, limits.header_count, limits.body), (1, 2048, 3, 4));
    assert_eq!((limits.head_timeout, limits.idle_timeout), (Duration::from_secs(5), Duration::from_secs(6)));
    assert!(matches!(&config.log.access, Access::File(path) if path.ends_with("access.log")));
    assert_eq!(config.log.level, tracing::Level::DEBUG);

    assert_eq!(config.outbound.trusted_ca.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), [[0, 1, 2]]);
    let users = &config.upstreams[0];
    assert_eq!(users.targets, [target(Scheme::Http, "a", 1), target(Scheme::Https, "b", 443)]);
    assert_eq!((users.balance, users.idle_connections, users.connect_retries), (Balance::LeastRequest, 7, 9));
    assert!(!users.interim);
    let times = [
        users.timeouts.connect,
        users.timeouts.first_byte,
        users.timeouts.idle,
        users.timeouts.total,
        users.ejection.duration,
        users.idle_for,
    ];
    assert_eq!(times.map(|time| time.as_millis()), [1, 2, 3, 4, 6, 8]);
    assert_eq!(users.ejection.failures, 5);
}

#[test]
fn every_key_of_a_plugin_reaches_the_model() {
    let (folder, loaded) = everything();
    let jwt = &loaded.config.plugins[0];
    assert_eq!(jwt.component, Component::BuiltIn("jwt-auth".into()));
    assert_eq!(jwt.config, r#"{"b":"x","a":{"c":[1,2.5,true]}}"#);
    assert_eq!(
        (jwt.grants.upstreams.as_slice(), jwt.grants.origins.as_slice()),
        (&[UpstreamId(0)][..], &[target(Scheme::Https, "issuer", 8080)][..])
    );
    let wildcard = &jwt.grants.wildcards[0];
    assert_eq!((wildcard.scheme, wildcard.suffix.as_str(), wildcard.port), (Scheme::Http, ".b", 81));
    let limits = &jwt.limits;
    assert_eq!(
        (limits.cpu.as_millis(), limits.wall.as_millis(), limits.memory, limits.table_elements),
        (1, 2, 3 << 20, 4)
    );
    assert_eq!((limits.instances, limits.queue, limits.uses, limits.body), (5, 6, 7, 8));
    assert_eq!((limits.host_call, limits.log_lines, limits.chunk), (13, 14, 18));
    assert_eq!((limits.cache_bytes, limits.cache_object, limits.cache_waiting), (15, 16, 17));
    assert_eq!((limits.calls, limits.kv_keys, limits.kv_bytes, limits.rate_keys), (9, 10, 11, 12));
    assert_eq!((jwt.isolation, jwt.on_error), (Isolation::Fresh, OnError::Skip));
    assert!(jwt.keys["hmac"].material == KeyMaterial::Secret(b"s3cret".to_vec()));
    assert!(jwt.keys["encoded"].material == KeyMaterial::Secret(vec![0, 1, 2]));
    assert!(
        matches!(&jwt.keys["public"], key if key.algorithm == Algorithm::EdDsa && matches!(key.material, KeyMaterial::PublicPem(_)))
    );

    let mine = &loaded.config.plugins[1];
    assert_eq!(mine.component, Component::File(folder.0.join("wasm/mine.wasm")));
    assert_eq!(mine.config, "{}");
    assert_eq!((mine.isolation, mine.on_error), (Isolation::Shared, OnError::Deny));
}

#[test]
fn every_key_of_a_route_reaches_the_model() {
    let (_folder, loaded) = everything();
    let one = &loaded.config.routes[0];
    assert_eq!((one.name.as_str(), one.matches.path.as_str()), ("one", "/api/{id}/{*rest}"));
    assert_eq!(one.matches.hosts, [Host::Exact("api.example.com".into()), Host::Suffix(".example.org".into())]);
    assert_eq!(one.matches.methods.iter().map(http::Method::as_str).collect::<Vec<_>>(), ["GET", "PURGE"]);
    assert_eq!(
        one.matches.headers,
        [("x-version".parse().unwrap(), Some("2".into())), ("x-debug".parse().unwrap(), None)]
    );
    assert_eq!(one.matches.query, [("p".into(), Some("1".into())), ("q".into(), None)]);
    assert_eq!((one.upstream, one.plugins.as_slice()), (Some(UpstreamId(0)), &[PluginId(1), PluginId(0)][..]));
    assert_eq!(
        (one.strip_prefix.as_deref(), one.preserve_host, one.body_limit, one.timeout),
        (Some("/api"), true, 1000, Duration::from_secs(9))
    );
    let two = &loaded.config.routes[1];
    assert_eq!((two.name.as_str(), two.upstream, two.body_limit, two.timeout), ("/", None, 4, Duration::from_mins(1)));
}

#[test]
fn the_files_to_watch_are_known() {
    let (folder, loaded) = everything();
    let expected = ["ca.pem", "key.pem", "secret.txt", "tollgate.toml"].map(|name| folder.0.join(name));
    assert_eq!(loaded.files, expected);
}

#[test]
fn later_errors_find_their_place() {
    let (_folder, loaded) = everything();
    let at = |keys: &[&str]| loaded.document.at(keys).map(|place| (place.line, place.column)).unwrap();
    assert_eq!(at(&["plugins", "jwt", "use"]), (34, 7));
    assert_eq!(at(&["plugins", "mine", "use"]), at(&["plugins", "mine"]));
    assert_eq!(at(&["routes", "0", "plugins", "1"]).0, 55);
    let error = loaded.document.error_at(&["routes", "1", "plugins", "0"], "no").to_string();
    assert!(error.contains("in routes[1].plugins[0]"), "{error}");
}

#[test]
fn no_debug_output_holds_a_secret() {
    let (_folder, loaded) = everything();
    assert!(!format!("{loaded:?}").contains("s3cret"));
}

#[test]
fn the_files_of_a_folder_are_one_config() {
    let folder = Folder::new("merge");
    folder.write("10-server.toml", "[server]\nworkers = 2\n[upstreams.a]\ntargets = [\"http://a:1\"]\n");
    folder.write(
        "20-users.toml",
        "[upstreams.b]\ntargets = [\"http://b:1\"]\n[[routes]]\npath = \"/b\"\nupstream = \"b\"\n",
    );
    folder.write("30-more.toml", "[[routes]]\npath = \"/a\"\nupstream = \"a\"\n");
    folder.write(".40-hidden.toml", "nonsense");
    folder.write("notes.txt", "nonsense");
    let config = config::load(&folder.0, BUILT_INS).unwrap().config;
    assert_eq!(config.upstreams.iter().map(|upstream| upstream.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(config.routes.iter().map(|route| route.matches.path.as_str()).collect::<Vec<_>>(), ["/b", "/a"]);
}

#[test]
fn what_is_not_written_has_its_default() {
    let config = load_str("[[routes]]\npath = \"/\"\nplugins = [\"headers\"]\n[plugins.headers]\n").unwrap().config;
    assert_eq!(config.server.listen, ["0.0.0.0:8080".parse().unwrap()]);
    assert!(config.server.workers >= 1 && config.upstreams.is_empty());
}

#[test]
fn a_file_that_was_cut_off_at_its_beginning_is_no_config() {
    for text in ["", "# comments\n", "[server]\n", "[upstreams.a]\ntargets = [\"http://a\"]\n", "routes = []\n"] {
        assert!(load_str(text).unwrap_err().to_string().contains("there is no route"), "{text}");
    }
}

#[test]
fn a_host_that_is_an_address_of_ipv6_is_taken_with_and_without_its_brackets() {
    for host in ["::1", "[::1]"] {
        let text = format!("[[routes]]\npath = \"/\"\nhost = \"{host}\"\nplugins = [\"headers\"]\n[plugins.headers]\n");
        assert_eq!(load_str(&text).unwrap().config.routes[0].matches.hosts, [model::Host::Exact("[::1]".into())]);
    }
}

#[test]
fn the_schema_accepts_its_own_defaults() {
    let schema = config::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (key, property) in schema["properties"].as_object().unwrap() {
        let file = serde_json::json!({ key.as_str(): property["default"] });
        assert!(validator.is_valid(&file), "{key}: {:?}", validator.validate(&file));
    }
}

fn load_str(text: &str) -> Result<Loaded, Diagnostics> {
    config::load_str(text, Path::new("tollgate.toml"), BUILT_INS)
}

fn target(scheme: Scheme, host: &str, port: u16) -> Target {
    Target { scheme, host: host.into(), port }
}

/// A folder with the large config and the files it names.
fn everything() -> (Folder, Loaded) {
    let folder = Folder::new("everything");
    folder.write("tollgate.toml", EVERYTHING);
    folder.write("secret.txt", "s3cret\n");
    folder.write("key.pem", "-----BEGIN PUBLIC KEY-----\n");
    folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n");
    folder.write("wasm/mine.wasm", "");
    let loaded = config::load(&folder.0.join("tollgate.toml"), BUILT_INS).unwrap_or_else(|errors| panic!("{errors}"));
    (folder, loaded)
}

/// A folder of its own for each test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let thread = std::thread::current();
        let unique = format!("{name}-{}-{}", std::process::id(), thread.name().unwrap_or_default().replace("::", "-"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
