//! Several plugins on one route: an onion.

use tollgate_tests::{Config, Upstream, config};

use super::{script, start};

/// `/c` has the chain a, b, c; each marks the request in `x-in` and the response in `x-out`.
fn onion(upstream: &str, b: &str) -> Config {
    let marks = |name: &str| {
        script(&format!(r#"request = ["append x-in {name}"], response = ["append x-out {name}", "made-by x-source"]"#))
    };
    config()
        .upstream("web", [upstream])
        .plugin("a", &marks("a"))
        .plugin("b", &if b.is_empty() { marks("b") } else { script(b) })
        .plugin("c", &marks("c"))
        .route_with("/c", "web", "plugins = [\"a\", \"b\", \"c\"]\nbody_limit = \"1KiB\"")
}

#[tokio::test]
async fn hooks_run_in_order_on_the_way_in_and_in_reverse_on_the_way_out() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start(&onion(&upstream.to_string(), "")).await;
    let answer = gateway.get("/c").await;
    assert_eq!(upstream.last().header("x-in"), "a,b,c");
    assert_eq!((answer.header("x-out"), answer.header("x-source")), ("c,b,a", "upstream"));
    let line = gateway.access_line("/c").await;
    let ran: Vec<_> =
        line["plugins"].as_array().unwrap().iter().map(|hook| format!("{} {}", hook["name"], hook["hook"])).collect();
    let expected = ["a in", "b in", "c in", "c out", "b out", "a out"].map(|hook| {
        let (name, way) = hook.split_once(' ').unwrap();
        format!("\"{name}\" \"{}\"", if way == "in" { "on-request" } else { "on-response" })
    });
    assert_eq!(ran, expected);
}

#[tokio::test]
async fn after_a_short_circuit_the_plugins_before_it_and_the_responder_see_the_response() {
    let upstream = Upstream::answering("ok").await;
    let b = r#"request = ["respond 403 no"], response = ["append x-out b"]"#;
    let gateway = start(&onion(&upstream.to_string(), b)).await;
    let answer = gateway.get("/c").await;
    assert_eq!((answer.status, answer.text()), (403, "no"));
    assert_eq!((answer.header("x-out"), answer.header("x-source")), ("b,a", "plugin b"));
    assert!(upstream.seen().is_empty());
    assert_eq!(gateway.access_line("/c").await["source"], "plugin b");
}

#[tokio::test]
async fn the_gateways_own_errors_go_out_through_the_chain() {
    let nobody = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let gateway = start(&onion(&nobody, "")).await;
    let answer = gateway.get("/c").await;
    assert_eq!((answer.status, answer.header("x-out"), answer.header("x-source")), (502, "c,b,a", "gateway"));
}

#[tokio::test]
async fn the_fault_of_a_plugin_goes_out_through_those_before_it() {
    let upstream = Upstream::answering("ok").await;
    let gateway = start(&onion(&upstream.to_string(), r#"request = ["trap"]"#)).await;
    let answer = gateway.get("/c").await;
    assert_eq!((answer.status, answer.header("x-source")), (500, "gateway"));
    assert_eq!(answer.header("x-out"), "a");
}

#[tokio::test]
async fn what_plugins_add_to_the_response_on_the_way_in_is_added_as_it_passes_them() {
    let answering = Upstream::answering("ok").await;
    let upstream = answering.to_string();
    let nobody = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let early = |name: &str, then: &str| {
        let response = format!(r#"response = ["values x-early x-seen-{name}"]"#);
        script(&format!(r#"request = ["answer-with x-early {name}"{then}], {response}"#))
    };
    for (upstream, then, status, seen) in [
        (&upstream, "", 200, ["c|b|a", "c|b", "c"]),
        (&nobody, "", 502, ["c|b|a", "c|b", "c"]),
        (&upstream, r#", "respond 403 no""#, 403, ["b|a", "b", "none"]),
        (&upstream, r#", "trap""#, 500, ["a", "none", "none"]),
    ] {
        let config = config()
            .upstream("web", [upstream])
            .plugin("a", &early("a", ""))
            .plugin("b", &early("b", then))
            .plugin("c", &early("c", ""))
            .route_with("/c", "web", "plugins = [\"a\", \"b\", \"c\"]");
        let gateway = start(&config).await;
        for _ in 0..2 {
            let answer = gateway.get("/c").await;
            let told = ["x-seen-a", "x-seen-b", "x-seen-c"]
                .map(|name| answer.headers.get(name).map_or("none", |seen| seen.to_str().unwrap()));
            assert_eq!((answer.status, told), (status, seen), "{then}");
            let all: Vec<_> = answer.headers.get_all("x-early").iter().collect();
            assert_eq!(all, seen[0].split('|').collect::<Vec<_>>(), "{then}");
        }
    }
}

#[tokio::test]
async fn attributes_are_shared_by_plugins_and_hooks_of_one_request_only() {
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin(
            "writes",
            &script(r#"request = ["attribute writes.who zoe"], response = ["show-attribute writes.who x-own"]"#),
        )
        .plugin(
            "reads",
            &script(r#"request = ["show-attribute writes.who x-in"], response = ["show-attribute writes.who x-out"]"#),
        )
        .route_with("/both", "web", "plugins = [\"writes\", \"reads\"]")
        .route_with("/one", "web", "plugins = [\"reads\"]");
    let gateway = start(&config).await;
    for _ in 0..2 {
        let both = gateway.get("/both").await;
        assert_eq!((both.header("x-out"), both.header("x-own"), upstream.last().header("x-in")), ("zoe", "zoe", "zoe"));
        let one = gateway.get("/one").await;
        assert_eq!((one.header("x-out"), upstream.last().header("x-in")), ("none", "none"));
    }
}

#[tokio::test]
async fn a_response_can_be_changed_and_replaced() {
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .upstream("web", [&upstream])
        .plugin("changes", &script(r#"response = ["status 201", "set x-a b"]"#))
        .plugin("replaces", &script(r#"response = ["respond 418 teapot"]"#))
        .plugin("shows", &script(r#"response = ["show-status x-status", "made-by x-source"]"#))
        .route_with("/changed", "web", "plugins = [\"shows\", \"changes\"]")
        .route_with("/replaced", "web", "plugins = [\"shows\", \"replaces\"]");
    let gateway = start(&config).await;
    let changed = gateway.get("/changed").await;
    assert_eq!((changed.status, changed.header("x-a"), changed.text()), (201, "b", "ok"));
    assert_eq!((changed.header("x-status"), changed.header("x-source")), ("201", "upstream"));
    let replaced = gateway.get("/replaced").await;
    assert_eq!((replaced.status, replaced.text()), (418, "teapot"));
    assert_eq!((replaced.header("x-status"), replaced.header("x-source")), ("418", "plugin replaces"));
}

#[tokio::test]
async fn a_hook_that_configure_skips_is_not_called() {
    let upstream = Upstream::answering("ok").await;
    let steps = r#"request = ["set x-in 1"], response = ["set x-out 1"]"#;
    let config = config()
        .upstream("web", [&upstream])
        .plugin("both", &script(steps))
        .plugin("in", &script(&format!("skip = [\"on-response\"], {steps}")))
        .plugin("out", &script(&format!("skip = [\"on-request\"], {steps}")))
        .route_with("/both", "web", "plugins = [\"both\"]")
        .route_with("/in", "web", "plugins = [\"in\"]")
        .route_with("/out", "web", "plugins = [\"out\"]");
    let gateway = start(&config).await;
    for (path, on_request, on_response) in [("/both", true, true), ("/in", true, false), ("/out", false, true)] {
        let answer = gateway.get(path).await;
        let called = (upstream.last().header("x-in") == "1", answer.header("x-out") == "1");
        assert_eq!(called, (on_request, on_response), "{path}");
    }
}

#[tokio::test]
async fn what_is_counted_in_kv_is_shared_by_workers_and_outlives_a_reload() {
    let upstream = Upstream::answering("ok").await;
    let with = |name: &str| {
        config()
            .workers(2)
            .upstream("web", [&upstream])
            .plugin("counts", &script(r#"response = ["count requests x-count"]"#))
            .route_with("/", "web", &format!("name = \"{name}\"\nplugins = [\"counts\"]"))
    };
    let gateway = start(&with("before")).await;
    let mut clients = [gateway.connect().await, gateway.connect().await];
    for count in 1..=10 {
        assert_eq!(clients[count % 2].get("/").await.header("x-count"), count.to_string());
    }
    gateway.reload(&with("after")).await;
    assert_eq!(gateway.get("/").await.header("x-count"), "11");
}
