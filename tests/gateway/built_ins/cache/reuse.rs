//! What is popular is answered without a hook, and in no case otherwise than with one.

use std::time::Duration;

use http::Response;
use tollgate_tests::{Answer, Gateway, Upstream};

use super::{cached, counting, get};

/// Asks so often that the answer is given again, and says what came last. One worker: each has its own.
async fn popular(gateway: &Gateway, path: &str, fields: &[(&'static str, &str)]) -> Answer {
    for _ in 0..4 {
        get(gateway, path, fields).await;
    }
    get(gateway, path, fields).await
}

async fn counted(gateway: &Gateway, verdict: &str) -> f64 {
    let labels = [("plugin", "kept"), ("hook", "on-request"), ("verdict", verdict)];
    gateway.metrics().await.sum("tollgate_plugin_calls_total", &labels)
}

async fn start(upstream: &Upstream) -> Gateway {
    Gateway::start(&cached(upstream, "").workers(1)).await
}

#[tokio::test]
async fn what_is_asked_for_again_and_again_is_answered_without_a_hook() {
    let upstream = counting(|_, answer| answer.header("cache-control", "max-age=100").header("x-own", "yes")).await;
    let gateway = start(&upstream).await;
    for number in 0..20 {
        // What is stored is for all.
        let who = number.to_string();
        let fields: &[(&str, &str)] = if number > 0 { &[("authorization", &who)] } else { &[] };
        let answer = get(&gateway, "/a?b=c", fields).await;
        let told = answer.header("cache-status");
        assert!((answer.status, answer.text(), answer.header("content-length")) == (200, "1", "1"));
        assert!(told.starts_with("tollgate; hit; ttl=") || told == "tollgate; fwd=uri-miss; stored", "{told}");
    }
    let (served, reused) = (counted(&gateway, "serve").await, counted(&gateway, "reuse").await);
    assert!(reused > 0.0, "no hook was spared");
    assert!((served + reused - 19.0).abs() < 0.5, "{served} served and {reused} reused");
}

#[tokio::test]
async fn its_age_is_told_as_it_is() {
    let upstream = counting(|_, answer| answer.header("cache-control", "max-age=3")).await;
    let gateway = start(&upstream).await;
    let mut ages = std::collections::BTreeMap::new();
    // Until it is fetched again.
    loop {
        let answer = get(&gateway, "/", &[]).await;
        if answer.text() != "1" {
            break;
        }
        if answer.headers.contains_key("age") {
            let told = (answer.header("age").to_owned(), answer.header("cache-status").to_owned());
            *ages.entry(told).or_insert(0) += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told: Vec<_> = ages.keys().map(|(age, status)| (age.as_str(), status.as_str())).collect();
    let ttl = ["tollgate; hit; ttl=3", "tollgate; hit; ttl=2", "tollgate; hit; ttl=1"];
    assert_eq!(told, [("0", ttl[0]), ("1", ttl[1]), ("2", ttl[2])]);
    assert!(counted(&gateway, "reuse").await > 20.0);
}

#[tokio::test]
async fn a_request_that_differs_in_what_matters_has_an_answer_of_its_own() {
    let upstream = counting(|_, answer| answer.header("cache-control", "max-age=100").header("etag", "\"1\"")).await;
    let gateway = start(&upstream).await;
    assert_eq!(popular(&gateway, "/a", &[]).await.text(), "1");
    assert_eq!(popular(&gateway, "/b", &[]).await.text(), "2");
    assert_eq!(get(&gateway, "/a", &[("range", "bytes=0-0")]).await.status, 206);
    assert_eq!(get(&gateway, "/a", &[("if-none-match", "\"1\"")]).await.status, 304);
    assert_eq!(get(&gateway, "/a", &[("host", "other.example")]).await.status, 400, "two hosts");
    assert_eq!(get(&gateway, "/a", &[("cache-control", "no-cache")]).await.text(), "3");
    let head = gateway.send(super::with(tollgate_tests::request("HEAD", "/a", ""), &[("host", "web.example")])).await;
    assert_eq!((head.status, head.text(), head.header("content-length")), (200, "", "1"));
    let post = gateway.send(super::with(tollgate_tests::request("POST", "/b", ""), &[("host", "web.example")])).await;
    assert_eq!(post.text(), "4", "and what is stored is no more");
    assert_eq!(get(&gateway, "/b", &[]).await.text(), "5");
}

#[tokio::test]
async fn what_varies_by_what_is_no_name_is_answered_all_the_same() {
    let upstream = counting(|_, answer| {
        answer.header("cache-control", "max-age=100").header("vary", "accept, foo bar").header("vary", "b@d, \"q\"")
    })
    .await;
    let gateway = start(&upstream).await;
    let answer = popular(&gateway, "/a", &[]).await;
    assert_eq!((answer.status, answer.text().len()), (200, 1));
}

#[tokio::test]
async fn what_is_removed_is_answered_no_more() {
    let upstream = counting(|_, answer| answer.header("cache-control", "max-age=100")).await;
    let gateway = start(&upstream).await;
    for number in ["1", "2", "3"] {
        assert_eq!(popular(&gateway, "/a", &[]).await.text(), number);
        let purge = tollgate_tests::request("DELETE", "/api/cache?url=http://web.example/a", "");
        assert_eq!(tollgate_tests::Client::to(gateway.admin).await.send(purge).await.status, 200);
    }
}

#[tokio::test]
async fn a_part_and_that_it_is_known_are_told_again_too() {
    let upstream = Upstream::handling(|_| {
        let answer = Response::builder().header("cache-control", "max-age=100").header("etag", "\"1\"");
        answer.body(http_body_util::Full::from("0123456789")).unwrap()
    })
    .await;
    let gateway = start(&upstream).await;
    get(&gateway, "/", &[]).await;
    for _ in 0..5 {
        let part = get(&gateway, "/", &[("range", "bytes=2-4")]).await;
        let fields = (part.header("content-range"), part.header("content-length"));
        assert_eq!((part.status, part.text(), fields), (206, "234", ("bytes 2-4/10", "3")));
    }
    for _ in 0..5 {
        let known = get(&gateway, "/", &[("if-none-match", "\"1\"")]).await;
        assert_eq!((known.status, known.text(), known.header("etag")), (304, "", "\"1\""));
    }
    assert_eq!(upstream.seen().len(), 1);
    assert!(counted(&gateway, "reuse").await > 4.0);
}

#[tokio::test]
async fn a_response_that_varies_is_given_again_to_those_it_is_for() {
    let upstream = counting(|seen, answer| {
        let language = seen.headers.get("accept-language").cloned();
        let answer = answer.header("cache-control", "max-age=100").header("vary", "accept-language");
        answer.header("content-language", language.unwrap())
    })
    .await;
    let gateway = start(&upstream).await;
    for _ in 0..5 {
        for language in ["de", "fr"] {
            for _ in 0..3 {
                let answer = get(&gateway, "/", &[("accept-language", language)]).await;
                assert_eq!(answer.header("content-language"), language);
            }
        }
    }
    assert_eq!(upstream.seen().len(), 2);
    assert!(counted(&gateway, "reuse").await > 0.0);
}
