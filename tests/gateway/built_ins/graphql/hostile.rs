//! Operations that are meant to hurt: each is refused in GraphQL's own words, in next to no time, before any
//! service is called, and the gateway goes on.

use std::time::Instant;

use super::*;

/// Far more than any of them takes, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(2);
/// Bytes the gateway may grow by, however large the requests are.
const GROWTH: u64 = 64 << 20;
/// As large as requests may be here, so that it is not their size they are refused for.
const BODY: usize = 4 << 20;

/// With time for a slow machine: what is told is to follow from the query.
async fn open_gateway(users: &Upstream) -> Gateway {
    let plugin = format!(
        "use = \"graphql\"\ngrant = {{ http = [\"users\", \"orders\"] }}\nlimits = {{ body = \"4MiB\", cpu = \"500ms\" }}\n\
         config = {{ schema = \"${{file.schema.graphql}}\", limits = {{ body = {BODY}, operations = 5 }} }}"
    );
    let config = config()
        .upstream("users", [users])
        .upstream("orders", [users])
        .plugin("graphql", &plugin)
        .route_without_upstream("/graphql", "plugins = [\"graphql\"]");
    Gateway::with(&config).file("schema.graphql", SCHEMA).start().await
}

/// Fields within fields, so many.
fn deep(levels: usize) -> String {
    format!("{{ me {} {{ id }} {} }}", "{ friend ".repeat(levels), "}".repeat(levels))
}

/// Each fragment spreads the next one three times.
fn bomb() -> String {
    let spread = |n: usize| (0..3).map(|a| format!("a{a}: friend {{ ...F{n} }} ")).collect::<String>();
    let fragments = (0..9).map(|n| format!(" fragment F{n} on User {{ {} }}", spread(n + 1))).collect::<String>();
    format!("{{ me {{ ...F0 }} }}{fragments} fragment F9 on User {{ id }}")
}

/// Fragments of one field that spread each other in a chain; the last one is spread very often.
fn chain() -> String {
    let fragments = (0..60).map(|n| format!(" fragment F{n} on User {{ ...F{m} ...F{m} }}", m = n + 1));
    format!("{{ me {{ ...F0 }} }}{} fragment F60 on User {{ id }}", fragments.collect::<String>())
}

fn queries() -> Vec<(&'static str, String, &'static str)> {
    let aliases = (0..120).map(|n| format!("a{n}: me {{ id }} ")).collect::<String>();
    vec![
        ("deep", deep(40), "OPERATION_TOO_LARGE"),
        ("very deep", deep(100_000), "GRAPHQL_PARSE_FAILED"),
        ("aliases", format!("{{ {aliases} }}"), "OPERATION_TOO_LARGE"),
        (
            "circular fragments",
            "{ me { ...A } } fragment A on User { friend { ...B } } fragment B on User { ...A }".into(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("a fragment of itself", "{ me { id } } fragment A on User { ...A }".into(), "GRAPHQL_VALIDATION_FAILED"),
        ("a fragment bomb", bomb(), "OPERATION_TOO_LARGE"),
        ("a chain of fragments", chain(), "OPERATION_TOO_LARGE"),
        ("a megabyte of words", "a ".repeat(500_000), "GRAPHQL_PARSE_FAILED"),
        ("a megabyte of fields", format!("{{ me {{ {} }} }}", "id ".repeat(350_000)), "GRAPHQL_PARSE_FAILED"),
        ("a megabyte of brackets", "{".repeat(1_000_000), "GRAPHQL_PARSE_FAILED"),
        (
            "a megabyte of text",
            format!("{{ user(id: \"{}\") {{ x }} }}", "x".repeat(1_000_000)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("a megabyte of comment", format!("#{}\n{{ x }}", "x".repeat(1_000_000)), "GRAPHQL_VALIDATION_FAILED"),
        ("directives", format!("{{ me {} {{ id }} }}", "@skip(if: false) ".repeat(200)), "GRAPHQL_VALIDATION_FAILED"),
        ("unknown directives", format!("{{ me {} {{ id }} }}", "@a ".repeat(600)), "GRAPHQL_VALIDATION_FAILED"),
        (
            "lists in a literal",
            format!("{{ user(id: {}1{}) {{ id }} }}", "[".repeat(150), "]".repeat(150)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "objects in a literal",
            format!("{{ user(id: {}1{}) {{ id }} }}", "{a: ".repeat(150), "}".repeat(150)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("more lists in a literal", format!("{{ user(id: {}", "[".repeat(100_000)), "GRAPHQL_PARSE_FAILED"),
        (
            "a type of lists",
            format!("query($a: {}ID{}) {{ user(id: $a) {{ id }} }}", "[".repeat(150), "]".repeat(150)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("fields that do not go together", conflicting(), "GRAPHQL_VALIDATION_FAILED"),
        ("a subscription", "subscription { me { id } }".into(), "SUBSCRIPTION_NOT_SUPPORTED"),
    ]
}

/// The validator compares each with each.
fn conflicting() -> String {
    let fields = (0..100).map(|n| format!("user(id: {n}) {{ id }} ")).collect::<String>();
    format!("{{ {fields} }}")
}

#[tokio::test]
async fn every_hostile_query_is_refused_soon_and_in_graphqls_words() {
    let users = users().await;
    let gateway = open_gateway(&users).await;
    let before = gateway.peak_memory_from_now_on();
    for (name, query, code) in queries() {
        for (accept, status) in [("application/graphql-response+json", 400), ("application/json", 200)] {
            let began = Instant::now();
            let answer = post(&gateway, accept, &json!({"query": query})).await;
            assert!(began.elapsed() < SOON, "{name}: {:?}", began.elapsed());
            assert_eq!(answer.status, status, "{name}: {}", answer.text());
            assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"), "{name}");
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"], code, "{name}: {}", answer.text());
            assert!(answer.json().get("data").is_none() && answer.body.len() < 64 << 10, "{name}");
        }
    }
    assert!(gateway.peak_memory() < before + GROWTH, "{} more bytes", gateway.peak_memory() - before);
    assert_eq!(users.seen().len(), 0);
    assert_eq!(ask(&gateway, "{ me { name } }").await, json!({"data": {"me": {"name": "Zoe"}}}));
}

#[tokio::test]
async fn every_hostile_request_is_refused_soon_and_in_graphqls_words() {
    let users = users().await;
    let gateway = open_gateway(&users).await;
    let user = "query($id: ID!) { user(id: $id) { id } }";
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    let variables = |json: &str| format!("{{\"query\": \"{user}\", \"variables\": {{\"id\": {json}}}}}");
    for (name, body, status, code) in [
        ("lists in variables", variables(&nested("[", "]")), 400, "BAD_REQUEST"),
        ("objects in variables", variables(&nested("{\"a\":", "}")), 400, "BAD_REQUEST"),
        ("a megabyte in a variable", variables(&format!("\"{}\"", "x".repeat(1 << 20))), 200, "BAD_USER_INPUT"),
        ("a list in a variable", variables(&format!("[{}1]", "1,".repeat(500_000))), 400, "BAD_REQUEST"),
        ("a list in a variable that may be", variables(&format!("[{}1]", "1,".repeat(15_000))), 200, "BAD_USER_INPUT"),
        ("many variables", many_variables(user, 50_000), 400, "BAD_REQUEST"),
        ("variables nobody declared", many_variables(user, 15_000), 200, ""),
        (
            "a flood of operations",
            format!("[{}{{}}]", "{\"query\":\"{ me { id } }\"},".repeat(30_000)),
            400,
            "BAD_REQUEST",
        ),
        ("lists of lists", "[".repeat(1 << 20), 400, "BAD_REQUEST"),
        ("lists in a field nobody knows", format!("{{\"x\": {}}}", nested("[", "]")), 400, "BAD_REQUEST"),
    ] {
        let mut asked = request("POST", "/graphql", body);
        asked.headers_mut().insert("content-type", "application/json".try_into().unwrap());
        let began = Instant::now();
        let answer = gateway.send(asked).await;
        assert!(began.elapsed() < SOON, "{name}: {:?}", began.elapsed());
        assert_eq!(answer.status, status, "{name}: {}", &answer.text()[..answer.text().len().min(300)]);
        let found = answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!(found, code, "{name}: {}", answer.text());
    }
    assert_eq!(users.seen().len(), 1, "{:?}", users.seen());
    assert_eq!(ask(&gateway, "{ me { name } }").await, json!({"data": {"me": {"name": "Zoe"}}}));
}

/// One that is used, and thousands nobody declared.
fn many_variables(user: &str, count: usize) -> String {
    let more = (0..count).map(|n| format!("\"v{n}\": {n},")).collect::<String>();
    format!("{{\"query\": \"{user}\", \"variables\": {{{more}\"id\": 7}}}}")
}

#[tokio::test]
async fn a_wide_query_is_one_field_if_all_are_the_same_and_costs_no_more() {
    let users = users().await;
    let gateway = open_gateway(&users).await;
    let began = Instant::now();
    let answer = ask(&gateway, &format!("{{ me {{ {} }} }}", "name ".repeat(900))).await;
    assert_eq!(answer, json!({"data": {"me": {"name": "Zoe"}}}));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_request_beyond_its_limit_is_not_read() {
    let gateway = start("http://127.0.0.1:1", "http://127.0.0.1:1").await;
    let answer = ask_raw(&gateway, &"a ".repeat(100_000)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (413, &json!("body-too-large")));
}
