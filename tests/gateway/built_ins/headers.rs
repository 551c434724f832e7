//! `headers`: changes fields of requests and responses.

use tollgate_tests::{Gateway, Upstream, config, request};

#[tokio::test]
async fn fields_are_set_added_and_removed_both_ways() {
    let upstream = Upstream::handling(|_| {
        http::Response::builder().header("server", "secret/1.0").header("x-kept", "1").body("".into()).unwrap()
    })
    .await;
    let changes = "\
[plugins.headers.config.request]
set = { x-tier = \"free\" }
remove = [\"x-debug\"]
[plugins.headers.config.response]
set = { x-content-type-options = \"nosniff\" }
add = { vary = \"accept\" }
remove = [\"server\"]";
    let config = config().upstream("web", [&upstream]).table(&format!("[plugins.headers]\n{changes}")).route_with(
        "/",
        "web",
        "plugins = [\"headers\"]",
    );
    let gateway = Gateway::start(&config).await;
    let mut asked = request("GET", "/", "");
    asked.headers_mut().insert("x-tier", "gold".parse().unwrap());
    asked.headers_mut().insert("x-debug", "1".parse().unwrap());
    let answer = gateway.send(asked).await;
    assert_eq!((upstream.last().header("x-tier"), upstream.last().header("x-debug")), ("free", ""));
    assert_eq!((answer.header("x-content-type-options"), answer.header("vary")), ("nosniff", "accept"));
    assert_eq!((answer.header("server"), answer.header("x-kept")), ("", "1"));
    // An answer the gateway makes itself goes out through the chain as well.
    drop(upstream);
    let answer = gateway.get("/").await;
    assert_eq!((answer.status, answer.header("x-content-type-options")), (502, "nosniff"));
}
