//! Names of services, which lead elsewhere now and then.

use tollgate_tests::{Gateway, Upstream, config, guests, names};

const SERVICE: &str = "service.test";
/// On this machine, where nobody listens.
const NOBODY: &str = "127.0.0.2";
const INSIDE: &str = "127.0.0.1";
/// Public by its block, which nobody was given yet (IANA, IPv6 global unicast): no connection comes of it.
const OUTSIDE: &str = "2d00::1";

fn hosts(addresses: &[&str]) -> String {
    addresses.iter().map(|address| format!("{address} {SERVICE}\n")).collect()
}

#[tokio::test]
async fn an_upstream_that_moved_is_found_where_it_is_now() {
    if !names::can_be_changed() {
        return;
    }
    let upstream = Upstream::answering("here").await;
    let target = format!("http://{SERVICE}:{}", upstream.port);
    let config = config().workers(1).upstream_with("web", [target], "ejection = { failures = 100 }").route("/", "web");
    let gateway = Gateway::with(&config).names(&hosts(&[NOBODY])).start().await;
    assert_eq!(gateway.get("/").await.status, 502);
    gateway.write("hosts", hosts(&[INSIDE]));
    assert_eq!(gateway.get("/").await.text(), "here");
    assert_eq!(upstream.last().header("host"), format!("{SERVICE}:{}", upstream.port));
}

/// DNS rebinding: a client names a host of its own, which is outside when it is looked at and inside when it
/// is called.
#[tokio::test]
async fn a_wildcard_judges_where_a_name_leads_for_each_connection() {
    if !names::can_be_changed() {
        return;
    }
    let inside = Upstream::answering("inside").await;
    let port = inside.port;
    let settings = format!(
        "use = \"scripted.wasm\"\nconfig = {{ request = [\"call-origin http://{SERVICE}:{port} /\"] }}\n\
         grant = {{ http = [\"http://*:{port}\"] }}"
    );
    let config =
        config().workers(1).plugin("p", &settings).route_without_upstream("/p", "plugins = [\"p\"]\ntimeout = \"5s\"");
    let prepared = Gateway::with(&config).plugin("scripted", guests::scripted()).names(&hosts(&[OUTSIDE]));
    let gateway = prepared.start().await;
    for (addresses, is_refused) in [
        (&[OUTSIDE][..], false),
        (&[INSIDE], true),
        // What is outside is tried, and what is inside is not, though it would answer.
        (&[INSIDE, OUTSIDE], false),
        (&["::1", INSIDE], true),
    ] {
        gateway.write("hosts", hosts(addresses));
        let answer = gateway.get("/p").await;
        assert!(answer.status >= 500, "{addresses:?}: {}", answer.text());
        assert_eq!(answer.text().contains("not at a public address"), is_refused, "{addresses:?}: {}", answer.text());
    }
    assert_eq!(inside.connections(), 0);
}
