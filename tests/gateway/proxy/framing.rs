//! Answers whose end, or whose bytes, cannot be known: refused, and nothing of them is kept (RFC 9112
//! sections 6.1 and 6.3).

use tollgate_tests::{Gateway, Upstream, config};

const BODY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden";

/// An upstream whose first answer has these fields, and a body that is an answer by itself.
async fn upstream_with(fields: &'static str) -> Upstream {
    Upstream::scripted(move |mut wire| async move {
        let first = wire.number == 1;
        while wire.head().await.is_some() {
            let fields = if first { fields } else { "content-length: 44\r\n" };
            wire.write(format!("HTTP/1.1 200 OK\r\ncache-control: max-age=100\r\n{fields}\r\n{BODY}")).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_answer_in_a_transfer_coding_nobody_asked_for_is_refused_and_not_stored() {
    // An unknown coding cannot be taken off, and one that stays on would be taken for the content:
    // that there is an end at all, where the connection is closed, does not help.
    for fields in [
        "transfer-encoding: xyz\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, xyz\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 44\r\n",
    ] {
        let upstream = upstream_with(fields).await;
        let config = config()
            .workers(1)
            .upstream("web", [&upstream])
            .plugin("kept", "use = \"cache\"\nconfig = { stale_if_unreachable = \"0s\" }")
            .route_with("/{*rest}", "web", "plugins = [\"kept\"]");
        let gateway = Gateway::start(&config).await;
        let mut client = gateway.connect().await;
        assert_eq!(client.get("/").await.status, 502, "{fields}");
        // Nothing of its body is an answer to the next request, which goes out on another connection.
        let next = client.get("/").await;
        assert_eq!((next.status, next.text()), (200, BODY), "{fields}");
        assert_eq!(upstream.connections(), 2, "{fields}");
    }
}

/// What a client gets, to its end, of an answer that is written at once and breaks off there.
async fn of_a_broken(answer: &'static str) -> String {
    let upstream = Upstream::scripted(move |mut wire| async move {
        wire.head().await;
        wire.write(answer).await;
    })
    .await;
    let gateway = Gateway::start(&config().workers(1).upstream("web", [&upstream]).route("/", "web")).await;
    let mut client = gateway.raw().await;
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_to_end().await
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_sent_as_far_as_it_came() {
    for (came, sent) in [
        ("transfer-encoding: chunked\r\n\r\nzz\r\nabc", ""),
        ("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "3\r\nabc\r\n"),
        ("content-length: 5\r\n\r\n", ""),
        ("content-length: 5\r\n\r\nabc", "abc"),
    ] {
        let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{came}").leak();
        let got = of_a_broken(answer).await;
        let (head, body) = got.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{came}: no head in {got:?}"));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{came}: {head}");
        assert_eq!(body, sent, "{came}: and no end, so that the client sees that it is not whole");
    }
}
