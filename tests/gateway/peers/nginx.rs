//! nginx as the upstream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tollgate_tests::{Answer, Config, Gateway, Nginx, config, request};

/// `/connection` tells on which connection a request came, and as which one; `/upload` reads a body
/// whole and answers with its length; `/pieces` is a file whose length nginx does not know ahead.
const SERVER: &str = "
    location = /connection { return 200 \"$connection $connection_requests\"; }
    location /pieces/ { alias www/; ssi on; ssi_types text/plain; }
    client_max_body_size 100m;
    location = /upload { proxy_pass http://127.0.0.1:PORT/length; }
    location = /length { return 200 $http_content_length; }
";

fn in_front_of<'a>(targets: impl IntoIterator<Item = &'a Nginx>) -> Config {
    config().workers(1).upstream("web", targets).route("/{*rest}", "web")
}

fn connection(answer: &Answer) -> (u64, u64) {
    let (connection, number) = answer.text().split_once(' ').unwrap();
    (connection.parse().unwrap(), number.parse().unwrap())
}

#[tokio::test]
async fn one_connection_serves_many_requests_of_many_clients() {
    let Some(nginx) = Nginx::start(SERVER).await else { return };
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let (first, before) = connection(&gateway.get("/connection").await);
    for number in 1..10 {
        assert_eq!(connection(&gateway.get("/connection").await), (first, before + number));
    }
}

#[tokio::test]
async fn a_connection_nginx_ends_after_some_requests_costs_none() {
    let Some(nginx) = Nginx::start(&format!("keepalive_requests 3; {SERVER}")).await else { return };
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let mut client = gateway.connect().await;
    let mut connections = Vec::new();
    for _ in 0..30 {
        let answer = client.get("/connection").await;
        assert_eq!(answer.status, 200);
        connections.push(connection(&answer).0);
    }
    connections.dedup();
    assert_eq!(connections.len(), 10);
}

#[tokio::test]
async fn a_connection_nginx_ends_because_it_is_idle_costs_no_request() {
    let Some(nginx) = Nginx::start(&format!("keepalive_timeout 20ms; {SERVER}")).await else { return };
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let mut client = gateway.connect().await;
    // Around the time-out, so that nginx ends connections just when they are taken, too.
    for wait in (0..60).map(|round| 10 + round % 20) {
        assert_eq!(client.get("/connection").await.status, 200);
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    }
}

#[tokio::test]
async fn an_answer_in_chunks_comes_whole() {
    let Some(nginx) = Nginx::start(SERVER).await else { return };
    let text = "0123456789".repeat(50_000);
    let nginx = nginx.file("long.txt", &text);
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        let answer = client.get("/pieces/long.txt").await;
        assert_eq!((answer.status, answer.header("content-length")), (200, ""), "nginx knew the length");
        assert!(answer.text() == text, "{} bytes", answer.body.len());
    }
}

#[tokio::test]
async fn head_and_304_have_a_length_and_no_body() {
    let Some(nginx) = Nginx::start(SERVER).await else { return };
    let nginx = nginx.file("a.txt", "hello");
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let mut client = gateway.connect().await;
    let etag = client.get("/a.txt").await.headers["etag"].clone();
    for _ in 0..3 {
        let answer = client.send(request("HEAD", "/a.txt", "")).await;
        assert_eq!((answer.status, answer.header("content-length"), answer.text()), (200, "5", ""));
        let mut asked = request("GET", "/a.txt", "");
        asked.headers_mut().insert("if-none-match", etag.clone());
        let answer = client.send(asked).await;
        assert_eq!((answer.status, &answer.headers["etag"], answer.text()), (304, &etag, ""));
        // What is on the connection next is the next answer.
        assert_eq!(client.get("/a.txt").await.text(), "hello");
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_a_part() {
    let Some(nginx) = Nginx::start(SERVER).await else { return };
    let nginx = nginx.file("a.txt", "hello");
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let mut asked = request("GET", "/a.txt", "");
    asked.headers_mut().insert("range", "bytes=1-3".parse().unwrap());
    let answer = gateway.send(asked).await;
    assert_eq!((answer.status, answer.header("content-range"), answer.text()), (206, "bytes 1-3/5", "ell"));
}

#[tokio::test]
async fn a_body_arrives_whole_however_it_is_framed_and_announced() {
    let Some(nginx) = Nginx::start(SERVER).await else { return };
    let gateway = Gateway::start(&in_front_of([&nginx])).await;
    let body = "x".repeat(3_000_000);
    for expect in ["", "expect: 100-continue\r\n"] {
        for (framing, body) in [
            ("content-length: 3000000", body.clone()),
            ("transfer-encoding: chunked", format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())),
        ] {
            let mut client = gateway.raw().await;
            client.write(format!("POST /upload HTTP/1.1\r\nhost: a\r\n{expect}{framing}\r\n\r\n")).await;
            if !expect.is_empty() {
                assert!(client.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 100 "));
            }
            client.write(body).await;
            // nginx says 100, too, where it is told to expect a body: that is not the answer.
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.text()), (200, "3000000"), "{framing} {expect}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_load_lose_no_request_that_may_be_repeated() {
    // New connections all the time: those that the kernel has taken and nginx will not are lost ones.
    let settings = format!("keepalive_requests 5; {SERVER}");
    let Some(mut one) = Nginx::start(&settings).await else { return };
    let Some(mut other) = Nginx::start(&settings).await else { return };
    let gateway = Arc::new(Gateway::start(&in_front_of([&one, &other])).await);
    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (gateway, over, served) = (Arc::clone(&gateway), Arc::clone(&over), Arc::clone(&served));
            tokio::spawn(async move {
                let mut client = gateway.connect().await;
                while !over.load(Ordering::SeqCst) {
                    let answer = client.get("/connection").await;
                    assert_eq!(answer.status, 200, "after {served:?} requests: {}", answer.text());
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        for nginx in [&mut one, &mut other] {
            let before = served.load(Ordering::SeqCst);
            nginx.restart().await;
            tollgate_tests::until("more requests", || (served.load(Ordering::SeqCst) > before + 50).then_some(()))
                .await;
        }
    }
    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
}
