//! `shared-kv`: stores that several plugins are granted.

use tollgate_tests::{Config, Gateway, config};

use super::{answering, script, start};

/// Plugins and what each tells on the route of its name; `p` and `q` have the store `sessions`.
fn telling(workers: usize, questions: &[(&str, &str, &str)], tables: &str) -> Config {
    let config = config().workers(workers).table(tables);
    questions.iter().fold(config, |config, (plugin, question, grant)| {
        let settings = script(&format!("request = [\"tell {question}\"]")) + "\n" + grant;
        config
            .plugin(plugin, &settings)
            .route_without_upstream(&format!("/{plugin}"), &format!("plugins = [\"{plugin}\"]"))
    })
}

const GRANTED: &str = "grant = { kv = [\"sessions\"] }";

async fn ask(gateway: &Gateway, path: &str) -> String {
    gateway.get(path).await.text().to_owned()
}

#[tokio::test]
async fn what_one_plugin_writes_another_that_is_granted_reads_and_nobody_else() {
    let questions = [
        ("p", "kv-set sessions user zoe", GRANTED),
        ("q", "kv-get sessions user", GRANTED),
        ("r", "kv-get sessions user", ""),
        ("s", "kv-get other user", "grant = { kv = [\"other\"] }"),
        ("t", "kv-swap sessions user", GRANTED),
        ("u", "kv-delete sessions user", GRANTED),
    ];
    let gateway = start(&telling(2, &questions, "[kv.sessions]\n[kv.other]")).await;
    assert_eq!(ask(&gateway, "/q").await, "none");
    assert_eq!(ask(&gateway, "/p").await, "done");
    assert_eq!(ask(&gateway, "/q").await, "zoe");
    assert_eq!(ask(&gateway, "/r").await, "not granted: [plugins.r] grant.kv has no \"sessions\"");
    assert_eq!(ask(&gateway, "/s").await, "none");
    assert_eq!(ask(&gateway, "/t").await, "false");
    assert_eq!(ask(&gateway, "/u").await, "true");
    assert_eq!(ask(&gateway, "/t").await, "true");
    assert_eq!(ask(&gateway, "/q").await, "swapped");
}

#[tokio::test]
async fn all_workers_count_in_one_store_and_a_reload_keeps_it() {
    let questions = [("p", "kv-count sessions n", GRANTED), ("q", "kv-count sessions n", GRANTED)];
    let config = telling(4, &questions, "[kv.sessions]");
    let gateway = start(&config).await;
    for count in 1..=8 {
        assert_eq!(ask(&gateway, if count % 2 == 0 { "/p" } else { "/q" }).await, count.to_string());
    }
    gateway.reload(&config.table("[plugins.p.limits]\nuses = 99")).await;
    assert_eq!(ask(&gateway, "/p").await, "9");
    // Gone with its table, and empty when it comes back.
    gateway.reload(&telling(4, &[("p", "kv-count sessions n", "")], "")).await;
    assert!(ask(&gateway, "/p").await.starts_with("not granted"));
    gateway.reload(&telling(4, &questions, "[kv.sessions]")).await;
    assert_eq!(ask(&gateway, "/p").await, "1");
}

#[tokio::test]
async fn a_store_has_its_own_quota_which_a_reload_changes() {
    let tables = |keys: usize| format!("[kv.sessions]\nkeys = {keys}\nbytes = \"20B\"");
    let questions = [
        ("p", "kv-set sessions a 1", GRANTED),
        ("q", "kv-set sessions b 2", GRANTED),
        ("r", "kv-set sessions c 0123456789abcdef0123", GRANTED),
    ];
    let gateway = start(&telling(1, &questions, &tables(1))).await;
    assert_eq!(ask(&gateway, "/p").await, "done");
    assert_eq!(ask(&gateway, "/q").await, "the store's quota of keys or bytes is used up");
    gateway.reload(&telling(1, &questions, &tables(2))).await;
    assert_eq!(ask(&gateway, "/q").await, "done");
    gateway.reload(&telling(1, &questions, &tables(9))).await;
    assert_eq!(ask(&gateway, "/r").await, "the store's quota of keys or bytes is used up");
}

#[tokio::test]
async fn a_store_can_be_used_in_configure() {
    let config = answering("ask = \"kv-set sessions a 1\", request = [\"tell kv-get sessions a\"]", GRANTED);
    assert_eq!(ask(&start(&config.table("[kv.sessions]")).await, "/p").await, "1");
}
