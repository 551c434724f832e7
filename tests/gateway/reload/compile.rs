//! Components are compiled by a child of the gateway, into the code cache, once.

use std::path::Path;

use tollgate_tests::gateway::Prepared;
use tollgate_tests::{Gateway, guests, in_general};

/// What the log says when a child has compiled.
const COMPILED: &str = "compiled a component";

/// A gateway with one plugin that answers, a cache of its own, and these lines of `[compile]`.
fn gateway(cache: &Path, compile: &str) -> Prepared {
    Gateway::with(&config("hello", compile))
        .plugin("p", guests::scripted())
        .environment("TOLLGATE_CACHE_DIR", cache.to_str().unwrap())
}

fn config(answer: &str, compile: &str) -> tollgate_tests::Config {
    tollgate_tests::config()
        .table(&format!("[compile]\n{compile}"))
        .plugin("p", &format!("config = {{ request = [\"respond 200 {answer}\"] }}"))
        .route_without_upstream("/", "plugins = [\"p\"]")
}

fn compiled(gateway: &Gateway) -> usize {
    gateway.log().lines().iter().filter(|line| line.contains(COMPILED)).count()
}

/// The same plugin with other bytes, and in another wrapping, so that all of it is to be compiled.
fn another() -> Vec<u8> {
    in_general(guests::scripted())
}

#[tokio::test]
async fn a_child_compiles_what_is_not_in_the_cache_and_none_is_started_for_what_is() {
    let cache = tempfile::tempdir().unwrap();
    let cold = gateway(cache.path(), "").start().await;
    assert_eq!(cold.get("/").await.text(), "hello");
    assert_eq!(compiled(&cold), 1, "{}", cold.log().text());
    drop(cold);

    let warm = gateway(cache.path(), "").start().await;
    assert_eq!(warm.get("/").await.text(), "hello");
    assert_eq!(compiled(&warm), 0, "{}", warm.log().text());

    warm.write("plugins/p.wasm", another());
    warm.log().line_with(COMPILED).await;
    warm.log().line_with("\"reloaded\"").await;
    assert_eq!(compiled(&warm), 1, "{}", warm.log().text());
}

#[tokio::test]
async fn a_component_of_which_only_the_wrapping_changed_is_not_compiled_again() {
    let cache = tempfile::tempdir().unwrap();
    let gateway = gateway(cache.path(), "").start().await;
    let before = compiled(&gateway);
    // A custom section behind everything else, as tools put their names there.
    gateway.write("plugins/p.wasm", [guests::scripted(), &[0, 3, 1, b'v', 9]].concat());
    gateway.log().line_with("\"reloaded\"").await;
    assert_eq!(gateway.get("/").await.text(), "hello");
    assert_eq!(compiled(&gateway), before, "{}", gateway.log().text());
}

#[tokio::test]
async fn a_component_that_needs_more_memory_than_allowed_is_refused_with_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let said = gateway(cache.path(), "memory = \"48MiB\"").start_fails().await;
    assert!(said.contains("cannot be compiled") && said.contains("compile.memory (48 MiB)"), "{said}");
    assert!(said.contains("in plugins.p"), "{said}");
}

#[tokio::test]
async fn a_component_that_takes_too_long_is_refused_and_the_last_good_one_goes_on() {
    let cache = tempfile::tempdir().unwrap();
    let gateway = gateway(cache.path(), "").start().await;
    gateway.replace("plugins/p.wasm", another());
    gateway.replace("tollgate.toml", config("late", "timeout = \"1ms\"").to_string());
    let said = gateway.log().line_with("compile.timeout").await;
    assert!(said.contains("not reloaded"), "{said}");
    assert_eq!(gateway.get("/").await.text(), "hello");
}

#[tokio::test]
async fn a_broken_component_is_refused_in_the_words_of_its_compiler() {
    let cache = tempfile::tempdir().unwrap();
    let mut broken = guests::scripted().to_vec();
    broken.truncate(broken.len() / 2);
    let said = gateway(cache.path(), "").plugin("p", broken).start_fails().await;
    assert!(said.contains("not a valid component") && said.contains("out of bounds"), "{said}");
}

#[tokio::test]
async fn without_a_cache_that_can_be_written_the_gateway_compiles_by_itself_and_says_so() {
    let nowhere = gateway(Path::new("/dev/null/cache"), "").start().await;
    assert_eq!(nowhere.get("/").await.text(), "hello");
    nowhere.log().line_with("compiles plugins by itself").await;
    assert_eq!(compiled(&nowhere), 0);

    // The folder is good, but what wasmtime wants to make in it is not to be had.
    let cache = tempfile::tempdir().unwrap();
    std::fs::write(cache.path().join("modules"), "").unwrap();
    let blocked = gateway(cache.path(), "").start().await;
    assert_eq!(blocked.get("/").await.text(), "hello");
    blocked.log().line_with("could not be kept").await;
}
