//! `tollgate lock`, and what `--locked` refuses.

use std::path::Path;
use std::process::{Command, Output};

use tollgate_tests::{Config, Gateway, binary, config, guests};

fn answering(word: &str) -> Config {
    config()
        .plugin("zoe", &format!("use = \"p.wasm\"\nconfig = {{ request = [\"respond 200 {word}\"] }}"))
        .plugin("adam", "use = \"headers\"\nconfig = { response = { set = { x-a = \"1\" } } }")
        .route_without_upstream("/", "plugins = [\"adam\", \"zoe\"]")
}

/// The same component with other bytes.
fn another() -> Vec<u8> {
    let mut component = guests::scripted().to_vec();
    component.extend([0, 3, 1, b'v', 1]);
    component
}

/// A command on the config in this folder; what it wrote, and whether it was content.
fn tollgate(arguments: &[&str], config: &Path) -> (bool, String) {
    let Output { status, stdout, stderr } =
        Command::new(binary::path()).args(arguments).arg("--config").arg(config).output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// The hash of a plugin in the lock file.
fn pinned(lock: &str, plugin: &str) -> String {
    let (_, entry) = lock.split_once(&format!("[plugins.{plugin}]\n")).unwrap();
    entry.lines().find_map(|line| line.strip_prefix("sha256 = ")).unwrap().trim_matches('"').to_owned()
}

#[tokio::test]
async fn what_is_pinned_runs_and_what_was_changed_since_is_refused_at_its_line() {
    let prepared = Gateway::with(&answering("one")).plugin("p", guests::scripted());
    let config = prepared.path("tollgate.toml");
    let (done, said) = tollgate(&["lock"], &config);
    assert!(done && said.contains("tollgate.lock"), "{said}");
    let lock = std::fs::read_to_string(prepared.path("tollgate.lock")).unwrap();
    let (adam, zoe) = (lock.find("[plugins.adam]").unwrap(), lock.find("[plugins.zoe]").unwrap());
    assert!(adam < zoe && lock.contains("version = \"0.1.0\""), "{lock}");
    assert_eq!(tollgate(&["lock"], &config), (done, said));
    assert_eq!(std::fs::read_to_string(prepared.path("tollgate.lock")).unwrap(), lock, "the same again");
    let (good, said) = tollgate(&["check", "--locked"], &config);
    assert!(good, "{said}");

    std::fs::write(prepared.path("plugins/p.wasm"), another()).unwrap();
    let (good, said) = tollgate(&["check", "--locked"], &config);
    assert!(!good && said.contains("in plugins.zoe.use") && said.contains("tollgate.toml:"), "{said}");
    assert!(said.contains(&pinned(&lock, "zoe")) && said.contains("= help: put version 0.1.0 back"), "{said}");
    assert!(!said.contains("plugin `adam`"), "{said}");
    let refused = prepared.arguments(&["--locked"]).start_fails().await;
    assert!(refused.contains(&pinned(&lock, "zoe")), "{refused}");
}

#[tokio::test]
async fn without_the_flag_a_lock_file_that_disagrees_is_a_warning() {
    let prepared = Gateway::with(&answering("one")).plugin("p", guests::scripted());
    let config = prepared.path("tollgate.toml");
    assert!(tollgate(&["lock"], &config).0);
    std::fs::write(prepared.path("plugins/p.wasm"), another()).unwrap();
    let (good, said) = tollgate(&["check"], &config);
    assert!(good && said.contains("warning: plugin `zoe` is not the one in"), "{said}");
    std::fs::write(prepared.path("tollgate.lock"), "not a lock file").unwrap();
    let (good, said) = tollgate(&["check"], &config);
    assert!(good && said.contains("is no lock file"), "{said}");
    std::fs::write(prepared.path("tollgate.lock"), "").unwrap();
    let gateway = prepared.start().await;
    gateway.log().line_with("plugin `zoe` is not in").await;
    assert_eq!(gateway.get("/").await.text(), "one");
}

#[tokio::test]
async fn locked_without_a_lock_file_or_with_a_broken_one_nothing_starts() {
    let prepared = Gateway::with(&answering("one")).plugin("p", guests::scripted());
    let config = prepared.path("tollgate.toml");
    let (good, said) = tollgate(&["check", "--locked"], &config);
    assert!(!good && said.contains("there is no") && said.contains("tollgate lock"), "{said}");
    std::fs::write(prepared.path("tollgate.lock"), "plugins = 1").unwrap();
    let (good, said) = tollgate(&["check", "--locked"], &config);
    assert!(!good && said.contains("is no lock file"), "{said}");
}

#[tokio::test]
async fn locked_a_reload_takes_what_is_pinned_and_nothing_else() {
    let prepared = Gateway::with(&answering("one")).plugin("p", guests::scripted()).arguments(&["--locked"]);
    assert!(tollgate(&["lock"], &prepared.path("tollgate.toml")).0);
    let gateway = prepared.start().await;

    // The config may change; the component may not.
    gateway.reload(&answering("two")).await;
    assert_eq!(gateway.get("/").await.text(), "two");
    let before = gateway.reloads();
    gateway.replace("plugins/p.wasm", another());
    let refused = gateway.log().line_with("not reloaded").await;
    assert!(refused.contains("plugin `zoe` is not the one in"), "{refused}");
    assert_eq!(gateway.get("/").await.text(), "two");

    // Pinned anew, it is taken, and without anyone's touching the config.
    assert!(tollgate(&["lock"], &gateway.path("tollgate.toml")).0);
    gateway.reloaded_since(before).await;
}
