//! `cache`: what is stored, what is served, and what one fetch is for.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::task::JoinSet;
use tollgate_tests::{Config, Gateway, Seen, Upstream, config, request};

mod authenticated;
mod called;
mod coalescing;
mod limits;
mod made_for_one;
mod past;
mod reuse;
mod shared;
mod storing;

/// A gateway of two workers with the cache in front of one upstream, for all paths.
fn cached(upstream: &Upstream, settings: &str) -> Config {
    let settings = format!("use = \"cache\"\nconfig = {{ {settings} }}");
    config().upstream("web", [upstream]).plugin("kept", &settings).route_with("/{*rest}", "web", "plugins = [\"kept\"]")
}

/// Answers `GET /` number N with the body `N`, and what the closure adds.
async fn counting(
    fields: impl Fn(&Seen, http::response::Builder) -> http::response::Builder + Send + Sync + 'static,
) -> Upstream {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Upstream::handling(move |seen| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        fields(seen, Response::builder()).body(Full::new(Bytes::from(number.to_string()))).unwrap()
    })
    .await
}

fn with(mut request: Request<&'static str>, fields: &[(&'static str, &str)]) -> Request<&'static str> {
    for (name, value) in fields {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// A `GET` with these fields, for the one host the tests ask for.
async fn get(gateway: &Gateway, path: &str, fields: &[(&'static str, &str)]) -> tollgate_tests::Answer {
    gateway.send(with(with(request("GET", path, ""), &[("host", "web.example")]), fields)).await
}

/// Asks for `/` so many times at once: status and body of each answer.
fn ask_all(gateway: &Gateway, count: usize) -> JoinSet<(u16, String)> {
    let mut asked = JoinSet::new();
    for _ in 0..count {
        let address = gateway.address;
        asked.spawn(async move {
            let mut request = tollgate_tests::request("GET", "/", "");
            request.headers_mut().insert("host", "web.example".parse().unwrap());
            let answer = tollgate_tests::Client::to(address).await.send(request).await;
            (answer.status, answer.text().to_owned())
        });
    }
    asked
}

const SHORT: Duration = Duration::from_millis(50);
