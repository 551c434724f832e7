//! The audits of npm's `graphql-http`: what a server of GraphQL over HTTP must, should and may do.

use tokio::process::Command;
use tollgate_tests::{Gateway, binary, config, tools, within};

const SCHEMA: &str = r#"
type Query { answer: Int @rest(upstream: "nobody", path: "/") }
"#;

#[tokio::test]
async fn graphql_passes_every_audit_of_must_and_should() {
    let Some(node) = tools::need("node", "scripts/setup-guests") else { return };
    let peers = binary::target_folder().join("peers");
    if !peers.join("node_modules/graphql-http").is_dir() {
        return tools::skipped("no graphql-http: scripts/setup-peers installs it");
    }
    let config = config()
        .upstream("nobody", ["http://127.0.0.1:1"])
        .plugin("graphql", "grant = { http = [\"nobody\"] }\nconfig = { schema = \"${file.schema.graphql}\" }")
        .route_without_upstream("/graphql", "plugins = [\"graphql\"]");
    let gateway = Gateway::with(&config).file("schema.graphql", SCHEMA).start().await;
    let audits = Command::new(node)
        .arg(binary::workspace().join("tests/gateway/peers/graphql_http.mjs"))
        .arg(&peers)
        .arg(format!("http://{}/graphql", gateway.address))
        .kill_on_drop(true)
        .output();
    let output = within("the audits", audits).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let failed: Vec<_> = results.iter().filter(|result| result["status"] != "ok").collect();
    // Of `MAY` one of each pair of opposites can be had.
    let failed_must_or_should: Vec<_> =
        failed.iter().filter(|result| !result["name"].as_str().unwrap().starts_with("MAY")).collect();
    assert!(results.len() >= 60, "{} audits", results.len());
    assert!(failed_must_or_should.is_empty(), "{failed_must_or_should:#?}");
    assert!(failed.len() <= 1, "{failed:#?}");
}
