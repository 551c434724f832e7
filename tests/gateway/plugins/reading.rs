//! What a plugin reads of a request and a response, as the gateway has it.

use http::{HeaderValue, Response};
use tollgate_tests::{Upstream, request};

use super::{script, start, with_p};

/// In ISO 8859-1, as some still write it: no UTF-8.
const NOT_UTF8: &[u8] = b"caf\xe9";

#[tokio::test]
async fn of_the_request() {
    let upstream = Upstream::answering("ok").await;
    let steps = r#""show id x-its-id", "show route x-its-route", "show host x-its-host", "show random x-random",
        "copy-bytes x-raw x-copy", "values x-each x-all", "many x-each,x-missing,x-raw x-many""#;
    let config = with_p(&upstream, &script(&format!("request = [{}]", steps.replace('\n', ""))));
    let gateway = start(&config).await;
    let mut client = gateway.connect().await;
    let mut random = Vec::new();
    for _ in 0..2 {
        let mut asked = request("GET", "/p", "");
        asked.headers_mut().insert("host", HeaderValue::from_static("shop.example"));
        asked.headers_mut().insert("x-raw", HeaderValue::from_bytes(NOT_UTF8).unwrap());
        asked.headers_mut().append("x-each", HeaderValue::from_static("one"));
        asked.headers_mut().append("x-each", HeaderValue::from_static("two"));
        let answer = client.send(asked).await;
        assert_eq!(answer.text(), "ok");
        let seen = upstream.last();
        let field = |name: &str| seen.headers[name].to_str().unwrap().to_owned();
        assert_eq!(field("x-its-id"), field("x-request-id"));
        assert_eq!((field("x-its-route"), field("x-its-host")), ("/p".to_owned(), "shop.example".to_owned()));
        assert_eq!(seen.headers["x-copy"].as_bytes(), NOT_UTF8);
        assert_eq!(field("x-all"), "one|two");
        assert_eq!(seen.headers["x-many"].as_bytes(), "one|none|caf\u{fffd}".as_bytes());
        random.push(field("x-random").parse::<u64>().unwrap());
    }
    assert_ne!(random[0], random[1]);
}

/// They are put among the others only when somebody asks, by whatever function and in whatever case.
#[tokio::test]
async fn what_an_upstream_is_told_of_the_client_is_the_plugins_to_read_and_to_change() {
    let upstream = Upstream::answering("ok").await;
    let told = ["127.0.0.1", "shop.example", "http"];
    for (steps, expected, shown) in [
        ("", told, ""),
        (r#""copy-bytes X-Forwarded-For x-shown""#, told, "127.0.0.1"),
        (r#""values x-forwarded-Host x-shown""#, told, "shop.example"),
        (r#""many x-a,x-forwarded-proto x-shown""#, told, "none|http"),
        (r#""set x-forwarded-proto https""#, ["127.0.0.1", "shop.example", "https"], ""),
        (r#""append x-forwarded-for 10.0.0.1""#, ["127.0.0.1,10.0.0.1", "shop.example", "http"], ""),
        (r#""remove X-Forwarded-Host""#, ["127.0.0.1", "", "http"], ""),
    ] {
        let gateway = start(&with_p(&upstream, &script(&format!("request = [{steps}]")))).await;
        let mut asked = request("GET", "/p", "");
        asked.headers_mut().insert("host", HeaderValue::from_static("shop.example"));
        assert_eq!(gateway.send(asked).await.text(), "ok", "{steps}");
        let seen = upstream.last();
        let all = |name: &str| {
            let values: Vec<_> = seen.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            values.join("|")
        };
        assert_eq!(["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"].map(all), expected, "{steps}");
        assert_eq!((all("x-shown").as_str(), all("x-request-id").len()), (shown, 32), "{steps}");
    }
}

#[tokio::test]
async fn of_the_response() {
    let upstream = Upstream::handling(|_| {
        let answer = Response::builder().header("x-each", "one").header("x-each", "two");
        answer.header("x-raw", HeaderValue::from_bytes(NOT_UTF8).unwrap()).body("ok".into()).unwrap()
    })
    .await;
    let steps = r#"response = ["copy-bytes x-raw x-copy", "values x-each x-all", "many x-each,x-missing x-many"]"#;
    let gateway = start(&with_p(&upstream, &script(steps))).await;
    let answer = gateway.get("/p").await;
    assert_eq!(answer.headers["x-copy"].as_bytes(), NOT_UTF8);
    assert_eq!((answer.header("x-all"), answer.header("x-many")), ("one|two", "one|none"));
}
