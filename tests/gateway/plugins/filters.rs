//! Plugins that are shown bodies while they pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tollgate_tests::{Config, Gateway, Upstream, config, guests, request};

use super::{faults, script, with_p};

/// Lines of a plugin's table: the guest that filters bodies.
pub(super) fn filter(config: &str) -> String {
    format!("use = \"filtering.wasm\"\nconfig = {{ {config} }}")
}

pub(super) async fn start(config: &Config) -> Gateway {
    Gateway::with(config).plugin("scripted", guests::scripted()).plugin("filtering", guests::filtering()).start().await
}

/// A route with two plugins, `a` before `b`.
fn with_a_and_b(upstream: &Upstream, a: &str, b: &str) -> Config {
    config().workers(1).upstream("web", [upstream]).plugin("a", a).plugin("b", b).route_with(
        "/p",
        "web",
        "plugins = [\"a\", \"b\"]",
    )
}

/// How often the plugin was shown a chunk.
async fn shown(gateway: &Gateway, hook: &str) -> f64 {
    gateway.metrics().await.sum("tollgate_plugin_calls_total", &[("plugin", "p"), ("hook", hook)])
}

#[tokio::test]
async fn both_bodies_of_a_request_pass_the_plugin_and_the_connections_stay() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &filter(r#"request = ["upper", "end !"], response = ["wrap a"]"#))).await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        let answer = client.send(request("POST", "/p", "hello")).await;
        assert_eq!((answer.status, answer.text()), (200, "a[HELLO!]"));
        let seen = upstream.last();
        assert_eq!((seen.body.as_ref(), seen.header("transfer-encoding")), (&b"HELLO!"[..], "chunked"));
        for headers in [&answer.headers, &seen.headers] {
            assert!(!headers.contains_key("content-length"), "the length may have changed");
        }
    }
    assert_eq!(upstream.last().connection, 1);
    // The line and the counts tell of each body once, and of each chunk.
    let line = &gateway.access_lines(3).await[0];
    let hooks: Vec<_> = line["plugins"].as_array().unwrap().iter().map(|plugin| plugin["hook"].clone()).collect();
    assert_eq!(hooks, ["on-request-chunk", "on-response-chunk"], "{line}");
}

#[tokio::test]
async fn filters_compose_in_chain_order_on_the_way_in_and_in_reverse_on_the_way_out() {
    let upstream = Upstream::echoing().await;
    let both = |name: &str| filter(&format!("request = [\"wrap {name}\"], response = [\"wrap {name}\"]"));
    let gateway = start(&with_a_and_b(&upstream, &both("a"), &both("b"))).await;
    let answer = gateway.post("/p", "x").await;
    assert_eq!(upstream.last().body, "b[a[x]]");
    assert_eq!(answer.text(), "a[b[b[a[x]]]]");
}

#[tokio::test]
async fn a_plugin_that_needs_a_body_whole_gets_what_a_filter_made_of_it() {
    let upstream = Upstream::echoing().await;
    // On the way in the filter is first, on the way out it is last: so it stands at either end.
    let reads = script(
        r#"request = ["need-body 100"], body = ["show-body x-in"], response = ["need-body 100"], response_body = ["show-body x-out"]"#,
    );
    let upper = filter(r#"request = ["upper"], response = ["wrap f"]"#);
    let answer = start(&with_a_and_b(&upstream, &upper, &reads)).await.post("/p", "x").await;
    assert_eq!((upstream.last().header("x-in"), answer.header("x-out")), ("X", "X"));
    assert_eq!(answer.text(), "f[X]");
    let answer = start(&with_a_and_b(&upstream, &reads, &upper)).await.post("/p", "x").await;
    assert_eq!((upstream.last().header("x-in"), answer.header("x-out")), ("x", "f[X]"));
    assert_eq!(answer.header("content-length"), "4", "a body that was read whole has a length again");
}

#[tokio::test]
async fn no_chunk_is_larger_than_the_operator_says() {
    let upstream = Upstream::answering("ten bytes.").await;
    let settings = filter(r#"response = ["log"]"#) + "\nlimits = { chunk = \"4B\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.get("/p").await.text(), "ten bytes.");
    gateway.log().line_with("chunk of 2 bytes, the last").await;
    let chunks = gateway.log().lines().iter().filter(|line| line.contains("chunk of 4 bytes")).count();
    assert_eq!(chunks, 2, "{}", gateway.log().text());
}

#[tokio::test]
async fn what_has_no_bytes_is_not_shown() {
    let upstream = Upstream::scripted(|mut wire| async move {
        while let Some(head) = wire.head().await {
            wire.write(match head.split(' ').next() {
                Some("HEAD") => "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n",
                Some("DELETE") => "HTTP/1.1 204 No Content\r\n\r\n",
                Some("PUT") => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                Some("GET") => "HTTP/1.1 304 Not Modified\r\netag: \"e\"\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            })
            .await;
        }
    })
    .await;
    let gateway = start(&with_p(&upstream, &filter(r#"request = ["end x"], response = ["end x"]"#))).await;
    let mut client = gateway.connect().await;
    for (method, status) in [("HEAD", 200), ("DELETE", 204), ("PUT", 200), ("GET", 304), ("PATCH", 200)] {
        let answer = client.send(request(method, "/p", "")).await;
        assert_eq!((answer.status, answer.text()), (status, ""), "{method}");
        assert_ne!(answer.header("content-length"), "1234", "{method}: it would be another one for GET");
    }
    assert!(shown(&gateway, "on-request-chunk").await < 0.5 && shown(&gateway, "on-response-chunk").await < 0.5);
    let line = gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 1.0).await;
    let made = line.sum("tollgate_plugin_instances_created_total", &[("plugin", "p")]);
    assert!((made - 1.0).abs() < 0.5, "an instance that was shown nothing is used again: {made}");
}

#[tokio::test]
async fn a_hook_that_is_skipped_never_sees_a_byte_nor_changes_the_framing() {
    let upstream = Upstream::echoing().await;
    let gateway = start(&with_p(&upstream, &filter(""))).await;
    let answer = gateway.post("/p", "hello").await;
    assert_eq!((answer.text(), answer.header("content-length")), ("hello", "5"));
    assert_eq!(upstream.last().header("content-length"), "5");
    assert!(shown(&gateway, "on-request-chunk").await < 0.5 && shown(&gateway, "on-response-chunk").await < 0.5);
}

#[tokio::test]
async fn attributes_go_from_a_chunk_to_later_hooks_and_from_earlier_ones_to_a_chunk() {
    let upstream = Upstream::answering("ok").await;
    let config = with_a_and_b(
        &upstream,
        &script(r#"request = ["attribute early yes"], response = ["show-attribute late x-late"]"#),
        &filter(r#"request = ["show early", "note late"]"#),
    );
    let gateway = start(&config).await;
    assert_eq!(gateway.post("/p", "hello").await.header("x-late"), "5 bytes");
    gateway.log().line_with(r#"early is Some(\"yes\")"#).await;
}

#[tokio::test]
async fn the_heads_may_not_be_touched_any_more() {
    let upstream = Upstream::echoing().await;
    for (step, function) in [("read-request", "request.path"), ("change-response", "response.set-header")] {
        let gateway = start(&with_p(&upstream, &filter(&format!("request = [\"{step}\"]")))).await;
        let answer = gateway.post("/p", "hello").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (500, Some("policy-failed")));
        let line = gateway.log().line_with("plugin failed").await;
        assert!(line.contains(&format!("`{function}` was called in `on-request-chunk`")), "{line}");
    }
}

#[tokio::test]
async fn what_the_gateway_and_other_plugins_answer_passes_the_filter_too() {
    let upstream = Upstream::echoing().await;
    let upper = filter(r#"response = ["upper"]"#);
    let gateway = start(&with_a_and_b(&upstream, &upper, &script(r#"request = ["respond 403 no"]"#))).await;
    let answer = gateway.get("/p").await;
    assert_eq!((answer.status, answer.text()), (403, "NO"));
    let gateway = start(&with_a_and_b(&upstream, &upper, &script(r#"request = ["trap"]"#))).await;
    assert!(gateway.get("/p").await.text().contains("POLICY-FAILED"));
}

/// Sends a first piece, and the rest when it is told to, or ends the connection for a request with
/// `x-die`. One with `x-quick` gets all at once.
async fn upstream_in_two_pieces() -> (Upstream, watch::Sender<bool>) {
    let (go_on, wait) = watch::channel(false);
    let upstream = Upstream::scripted(move |mut wire| {
        let mut wait = wait.clone();
        async move {
            while let Some(head) = wire.head().await {
                wire.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await;
                if !head.contains("x-quick") {
                    let told = async { drop(wait.wait_for(|go_on| *go_on).await.unwrap()) };
                    tokio::select! {
                        () = told => {}
                        () = wire.closed() => return,
                    }
                }
                if head.contains("x-die") {
                    return;
                }
                wire.write("again").await;
            }
        }
    })
    .await;
    (upstream, go_on)
}

const ONE_INSTANCE: &str = "\nlimits = { instances = 1, queue = 0 }";
const QUICK: &str = "GET /p HTTP/1.1\r\nhost: a\r\nx-quick: 1\r\n\r\n";

#[tokio::test]
async fn each_chunk_goes_out_when_it_is_there_and_who_finds_no_instance_meanwhile_is_told_so_whole() {
    let (upstream, go_on) = upstream_in_two_pieces().await;
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["upper"]"#) + ONE_INSTANCE))).await;
    let mut first = gateway.raw().await;
    first.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    first.read_until("FIRST").await;
    let mut other = gateway.raw().await;
    other.write(QUICK).await;
    let refused = other.answer().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["error"], "busy");
    go_on.send_replace(true);
    first.read_until("AGAIN\r\n0\r\n\r\n").await;
    other.write(QUICK).await;
    assert_eq!(other.answer().await.text(), "FIRSTAGAIN");
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_frees_the_instance_at_once() {
    let (upstream, _go_on) = upstream_in_two_pieces().await;
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["upper"]"#) + ONE_INSTANCE))).await;
    let mut first = gateway.raw().await;
    first.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    first.read_until("FIRST").await;
    drop(first);
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 0.0).await;
    let mut other = gateway.raw().await;
    other.write(QUICK).await;
    assert_eq!(other.answer().await.text(), "FIRSTAGAIN", "nothing is left of the body that broke off");

    // The same with an upload.
    let gateway = start(&with_p(&upstream, &(filter(r#"request = ["upper"]"#) + ONE_INSTANCE))).await;
    let mut first = gateway.raw().await;
    first.write("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello").await;
    gateway.metrics_with("tollgate_plugin_calls_total", &[("hook", "on-request-chunk")], 1.0).await;
    drop(first);
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 0.0).await;
}

#[tokio::test]
async fn a_plugin_that_is_done_gives_its_instance_back_and_the_rest_passes_unseen() {
    let (upstream, go_on) = upstream_in_two_pieces().await;
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["done-at 1", "upper"]"#) + ONE_INSTANCE))).await;
    let mut first = gateway.raw().await;
    first.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    first.read_until("first").await;
    let mut other = gateway.raw().await;
    other.write(QUICK).await;
    assert_eq!(other.answer().await.text(), "firstagain");
    go_on.send_replace(true);
    first.read_until("again\r\n0\r\n\r\n").await;
    assert!((shown(&gateway, "on-response-chunk").await - 2.0).abs() < 0.5, "one chunk of each body");
}

/// Asks for an answer that is cut off after its first piece, and gives what came of it, and its access line.
async fn cut_off(gateway: &Gateway, go_on: &watch::Sender<bool>, field: &str, first: &str) -> serde_json::Value {
    let mut client = gateway.raw().await;
    client.write(format!("GET /p HTTP/1.1\r\nhost: a\r\n{field}\r\n")).await;
    let head = client.read_until(first).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("transfer-encoding: chunked"), "{head}");
    go_on.send_replace(true);
    let rest = client.read_to_end().await;
    assert!(
        !rest.to_ascii_lowercase().contains("again") && !rest.contains("0\r\n"),
        "it must not look whole: {rest:?}"
    );
    gateway.access_line("/p").await
}

#[tokio::test]
async fn an_upstream_that_dies_in_the_middle_cuts_the_answer_off_and_frees_the_instance() {
    let (upstream, go_on) = upstream_in_two_pieces().await;
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["upper"]"#) + ONE_INSTANCE))).await;
    let line = cut_off(&gateway, &go_on, "x-die: 1\r\n", "FIRST").await;
    assert_eq!((&line["error"]["owner"], &line["error"]["kind"]), (&"upstream".into(), &"body".into()), "{line}");
    gateway.metrics_with("tollgate_plugin_instances", &[("plugin", "p")], 0.0).await;
    assert_eq!(gateway.get("/p").await.text(), "FIRSTAGAIN");
}

#[tokio::test]
async fn a_trap_in_the_middle_of_an_answer_cuts_it_off_and_is_told_to_the_operator() {
    for (step, reason) in [("trap-at 2", "trap"), ("spin-at 2", "cpu")] {
        let (upstream, go_on) = upstream_in_two_pieces().await;
        let gateway = start(&with_p(&upstream, &filter(&format!("response = [\"{step}\"]")))).await;
        let line = cut_off(&gateway, &go_on, "", "first").await;
        assert_eq!((&line["error"]["owner"], &line["error"]["kind"]), (&"p".into(), &"policy-failed".into()), "{line}");
        assert_eq!((&line["plugins"][0]["verdict"], &line["status"]), (&"error".into(), &200.into()), "{line}");
        assert!((faults(&gateway, reason).await - 1.0).abs() < 0.5);
        gateway.log().line_with("\"hook\":\"on-response-chunk\"").await;
        assert_eq!(gateway.get("/healthy").await.text(), "firstagain");
    }
}

#[tokio::test]
async fn where_the_operator_skips_faults_the_rest_passes_if_nothing_was_replaced() {
    let (upstream, go_on) = upstream_in_two_pieces().await;
    let skip = "\non_error = \"skip\"";
    // Half of it changed and half of it not is neither.
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["trap-at 2", "upper"]"#) + skip))).await;
    assert_eq!(cut_off(&gateway, &go_on, "", "FIRST").await["plugins"][0]["verdict"], "error");
    let settings = filter(r#"response = ["trap-at 2"]"#) + skip + "\nlimits = { chunk = \"4B\" }";
    let gateway = start(&with_p(&upstream, &settings)).await;
    assert_eq!(gateway.get("/p").await.text(), "firstagain");
    assert_eq!(gateway.access_line("/p").await["plugins"][0]["verdict"], "skipped");
}

#[tokio::test]
async fn a_plugin_refuses_an_answer_by_cutting_it_off() {
    let (upstream, go_on) = upstream_in_two_pieces().await;
    let gateway = start(&with_p(&upstream, &(filter(r#"response = ["fail-at 2"]"#) + "\non_error = \"skip\""))).await;
    let line = cut_off(&gateway, &go_on, "", "first").await;
    assert_eq!((&line["error"]["owner"], &line["error"]["kind"]), (&"p".into(), &"body-refused".into()), "{line}");
    assert_eq!(line["plugins"][0]["verdict"], "fail", "{line}");
    gateway.log().line_with("plugin refused a body: as the script says").await;
    let faults = gateway.metrics().await.sum("tollgate_plugin_errors_total", &[("plugin", "p")]);
    assert!(faults < 0.5, "a verdict is no fault: {faults}");
}

#[tokio::test]
async fn a_plugin_that_waits_for_a_body_which_another_refuses_is_still_asked_on_the_way_out() {
    let upstream = Upstream::echoing().await;
    let reads = script(r#"request = ["need-body 100"], response = ["show-status x-status"]"#);
    let gateway = start(&with_a_and_b(&upstream, &filter(r#"request = ["fail-at 1"]"#), &reads)).await;
    let answer = gateway.post("/p", "x").await;
    assert_eq!((answer.status, answer.header("x-status")), (403, "403"));
    assert_eq!(gateway.access_line("/p").await["error"]["owner"], "a");
}

#[tokio::test]
async fn a_request_whose_body_is_refused_is_answered_and_the_upstream_sees_it_break_off() {
    let whole = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&whole);
    let upstream = Upstream::scripted(move |mut wire| {
        let whole = Arc::clone(&counted);
        async move {
            wire.head().await;
            if wire.read_until("0\r\n\r\n").await.is_some() {
                whole.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    for (step, status, kind) in
        [("fail-at 2", 403, "body-refused"), ("trap-at 2", 500, "policy-failed"), ("fail-at 1", 403, "body-refused")]
    {
        let settings = filter(&format!("request = [\"{step}\"]")) + "\nlimits = { chunk = \"5B\" }";
        let gateway = start(&with_p(&upstream, &settings)).await;
        let answer = gateway.post("/p", "firstagain").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(kind)), "{step}");
        assert!(!answer.text().contains("script"), "the text is the operator's: {}", answer.text());
        let line = gateway.access_line("/p").await;
        assert_eq!((&line["error"]["owner"], &line["source"]), (&"p".into(), &"gateway".into()), "{line}");
        let failures = gateway.metrics().await.sum("tollgate_upstream_failures_total", &[]);
        assert!(failures < 0.5, "the upstream is not to blame: {failures}");
    }
    upstream.open(0).await;
    assert_eq!(whole.load(Ordering::SeqCst), 0, "no body looked whole to the upstream");
}
