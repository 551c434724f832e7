//! The same plugin in languages that are not Rust, each made with its own tools from `wit/`.
//!
//! It answers 401 unless `x-who` says who asks, notes it, tells the upstream, marks the response, and
//! turns its body to upper case where the upstream says `x-shout` (read whole) or `x-stream` (in chunks).

use tollgate_tests::{Gateway, Upstream, config, guests, request};

async fn is_a_plugin_as_any_other(language: &str, needs: &[&str]) {
    let Some(component) = guests::in_language(language, needs) else { return };
    let upstream = Upstream::handling(|seen| {
        let answer = match seen.path.as_str() {
            "/loud" => http::Response::builder().header("x-shout", "1"),
            "/stream" => http::Response::builder().header("x-stream", "1"),
            _ => http::Response::builder(),
        };
        answer.body("ok".into()).unwrap()
    })
    .await;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        // An interpreter takes its time, and this machine may be busy.
        .plugin("p", "use = \"guest.wasm\"\nlimits = { memory = \"128MiB\", cpu = \"5s\", wall = \"20s\" }")
        .route_with("/{*rest}", "web", "plugins = [\"p\"]");
    let gateway = Gateway::with(&config).plugin("guest", component).start().await;

    let refused = gateway.get("/").await;
    assert_eq!((refused.status, refused.text()), (401, "who are you?"));
    assert_eq!((refused.header("x-asked-by"), refused.header("x-guest")), (language, "nobody 401"));
    assert!(upstream.seen().is_empty());

    let mut client = gateway.connect().await;
    for who in ["zoe", "Åse", "abe"].into_iter().cycle().take(30) {
        let mut asked = request("GET", "/", "");
        asked.headers_mut().insert("x-who", http::HeaderValue::from_bytes(who.as_bytes()).unwrap());
        let answer = client.send(asked).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"));
        assert_eq!(answer.headers["x-guest"].as_bytes(), format!("{who} 200").as_bytes());
        assert_eq!(upstream.last().headers["x-greeting"].as_bytes(), format!("hello {who}").as_bytes());
    }

    // Read whole, and chunk by chunk.
    for path in ["/loud", "/stream"] {
        let mut asked = request("GET", path, "");
        asked.headers_mut().insert("x-who", http::HeaderValue::from_static("zoe"));
        let answer = client.send(asked).await;
        assert_eq!((answer.status, answer.text()), (200, "OK"), "{path}");
    }
}

#[tokio::test]
async fn a_plugin_in_c() {
    is_a_plugin_as_any_other("c", &["bin/wit-bindgen", "clang-19", "wasm-ld-19"]).await;
}

/// Each mistake costs the request that asked for it; the next one gets a fresh instance, and memory is
/// given back.
#[tokio::test]
async fn the_mistakes_c_lets_one_make_cost_one_request_each() {
    let Some(component) = guests::in_language("c", &["bin/wit-bindgen", "clang-19", "wasm-ld-19"]) else { return };
    let upstream = Upstream::answering("ok").await;
    let config = config()
        .workers(1)
        .upstream("web", [&upstream])
        .plugin("p", "use = \"guest.wasm\"\nlimits = { memory = \"16MiB\", cpu = \"200ms\" }")
        .route_with("/p", "web", "plugins = [\"p\"]");
    let gateway = Gateway::with(&config).plugin("guest", component).start().await;
    let asking = |fault: Option<&str>| {
        let mut asked = request("GET", "/p", "");
        asked.headers_mut().insert("x-who", http::HeaderValue::from_static("zoe"));
        if let Some(fault) = fault {
            asked.headers_mut().insert("x-fault", http::HeaderValue::from_str(fault).unwrap());
        }
        asked
    };
    let mut client = gateway.connect().await;
    for fault in ["overflow", "wild", "abort", "spin", "greed", "corrupt"] {
        let before = upstream.seen().len();
        let answer = client.send(asking(Some(fault))).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")), "{fault}");
        assert_eq!(upstream.seen().len(), before, "{fault} let the request through");
        assert_eq!(client.send(asking(None)).await.text(), "ok", "after {fault}");
    }
    let failed = [("plugin", "p"), ("hook", "on-request"), ("verdict", "error")];
    gateway.metrics_with("tollgate_plugin_calls_total", &failed, 6.0).await;
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 1.0).await;
}

#[tokio::test]
async fn a_plugin_in_javascript() {
    is_a_plugin_as_any_other("javascript", &["node_modules/.bin/componentize-qjs", "node"]).await;
}

#[tokio::test]
async fn a_plugin_in_python() {
    is_a_plugin_as_any_other("python", &["python/bin/componentize-py"]).await;
}
