//! What such a component asks of others: nothing that is not granted.

use tollgate_tests::{Upstream, config, guests, request};

use super::{prepare, site, start, table};

#[tokio::test]
async fn without_a_grant_nothing_is_asked() {
    let other = Upstream::answering("other").await;
    let gateway = start(&site("").upstream("other", [&other])).await;
    for url in [format!("{other}/x"), "http://other/x".to_owned(), "https://other/x".to_owned()] {
        let answer = gateway.get(&format!("/site/fetch?{url}")).await;
        assert_eq!((answer.status, answer.text()), (502, "ErrorCode::HttpRequestDenied"), "{url}");
    }
    assert_eq!(other.connections(), 0);
    let line = gateway.log().line_with("plugin was denied a call").await;
    assert!(line.contains("[plugins.site] grant.http has no"), "{line}");
}

#[tokio::test]
async fn a_granted_origin_and_a_granted_upstream_can_be_called() {
    let other = Upstream::handling(|_| http::Response::builder().status(203).body("other".into()).unwrap()).await;
    let by_origin = site(&format!("grant = {{ http = [\"{other}\"] }}"));
    let gateway = start(&by_origin).await;
    let answer = gateway.get(&format!("/site/fetch?{other}/x?y=z")).await;
    assert_eq!((answer.status, answer.text(), answer.header("x-fetched")), (203, "other", "yes"));
    assert_eq!(other.last().path, "/x?y=z");
    assert_eq!(other.last().header("host"), format!("127.0.0.1:{}", other.port));
    assert_eq!(other.last().header("cdn-loop"), "tollgate;depth=1");

    let by_name = site("grant = { http = [\"other\"] }").upstream("other", [&other]);
    let gateway = start(&by_name).await;
    assert_eq!(gateway.get("/site/fetch?http://other/named").await.text(), "other");
    assert_eq!(other.last().path, "/named");
    gateway.metrics_with("tollgate_upstream_requests_total", &[("upstream", "other")], 1.0).await;
    assert_eq!(gateway.get("/site/fetch?https://other/named").await.text(), "ErrorCode::HttpRequestDenied");
}

#[tokio::test]
async fn a_wildcard_reaches_nothing_inside() {
    let other = Upstream::answering("other").await;
    let gateway = start(&site(&format!("grant = {{ http = [\"http://*:{}\"] }}", other.port))).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let answer = gateway.get(&format!("/site/fetch?http://{host}:{}/", other.port)).await;
        assert_eq!(answer.text(), "ErrorCode::DestinationIpProhibited", "{host}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn bodies_of_calls_pass_both_ways() {
    let other = Upstream::echoing().await;
    let gateway = start(&site(&format!("grant = {{ http = [\"{other}\"] }}\nlimits = {{ cpu = \"10s\" }}"))).await;
    let body: String = "0123456789abcdef".repeat(64 * 1024);
    let answer = gateway.send(request("POST", &format!("/site/upload?{other}/up"), body.clone())).await;
    assert_eq!((answer.status, answer.header("x-fetched")), (200, "yes"));
    assert!(answer.text() == body, "{} bytes came back", answer.body.len());
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_never_taken_for_a_whole_one() {
    let other = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.closed().await;
    })
    .await;
    let gateway = start(&site(&format!("grant = {{ http = [\"{other}\"] }}"))).await;
    let mut client = gateway.raw().await;
    client.write(format!("POST /site/upload?{other}/up HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nfew")).await;
    other.open(1).await;
    drop(client);
    other.open(0).await;
    gateway.log().line_with("plugin").await;
    assert!(!other.heads().concat().contains("0\r\n\r\n"), "{:?}", other.heads());
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_it_sees() {
    let origin = format!("http://127.0.0.1:{}", Upstream::refusing_port().await);
    let gateway = start(&site(&format!("grant = {{ http = [\"{origin}\"] }}"))).await;
    assert_eq!(gateway.get(&format!("/site/fetch?{origin}/")).await.text(), "ErrorCode::ConnectionRefused");
}

#[tokio::test]
async fn a_plugin_may_call_the_route_it_answers() {
    let settings = "use = \"scripted.wasm\"\nconfig = { request = [\"call-route inner /site/head\"] }\n\
                    grant = { routes = [\"inner\"] }";
    let config = config()
        .plugin("p", settings)
        .plugin("site", &table(""))
        .route_without_upstream("/p", "plugins = [\"p\"]")
        .route_without_upstream("/site/{*rest}", "name = \"inner\"\nplugins = [\"site\"]");
    let gateway = prepare(&config).plugin("scripted", guests::scripted()).start().await;
    // The host is that of the request the call is made for.
    let answer = gateway.get("/p").await;
    let expected = format!("Method::Get Scheme::Http {} /site/head\n", gateway.address);
    assert!(answer.text().starts_with(&expected), "{}", answer.text());
}
