//! Bodies as hyper's server reads them from a client.

use std::cell::RefCell;
use std::future::{pending, poll_fn};

use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};

use super::*;

const LONG: Duration = Duration::from_secs(10);

/// The body of a request that begins with `sent`, and the client's end of the connection.
pub(crate) async fn incoming(sent: &str) -> (Incoming, DuplexStream) {
    let (mut client, server) = duplex(1 << 20);
    let (found, mut requests) = mpsc::unbounded_channel();
    let service = service_fn(move |request: http::Request<Incoming>| {
        found.send(request.into_body()).unwrap();
        pending::<Result<http::Response<Body>, BodyError>>()
    });
    spawn_local(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    client.write_all(sent.as_bytes()).await.unwrap();
    (requests.recv().await.unwrap(), client)
}

#[derive(Default)]
struct Seen(RefCell<Vec<(u64, End)>>);

impl BodyObserver for Seen {
    fn body_ended(&self, bytes: u64, end: End) {
        self.0.borrow_mut().push((bytes, end));
    }
}

fn client_fault(fault: Fault) -> BodyError {
    BodyError { side: Side::Client, fault }
}

#[tokio::test]
async fn a_body_of_announced_length_is_collected() {
    let test = async {
        let (body, _client) = incoming("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello").await;
        let body = Body::client(body, 5, LONG);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(collect(body, 5).await.unwrap(), "hello");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let test = async {
        let (body, _client) =
            incoming("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n").await;
        assert_eq!(collect(Body::client(body, 5, LONG), 5).await.unwrap(), "hello");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_length_announced_too_large_fails_before_a_byte_is_there() {
    let test = async {
        let (body, _client) = incoming("POST / HTTP/1.1\r\ncontent-length: 6\r\n\r\n").await;
        let failed = Body::client(body, 5, LONG).frame().await.unwrap().unwrap_err();
        assert_eq!(failed, client_fault(Fault::LimitExceeded(5)));
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_chunked_body_fails_at_the_chunk_that_is_too_much() {
    let test = async {
        let sent = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
        let (body, _client) = incoming(sent).await;
        let mut body = Body::client(body, 5, LONG);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc");
        assert_eq!(body.frame().await.unwrap().unwrap_err(), client_fault(Fault::LimitExceeded(5)));
        let (body, _client) = incoming(sent).await;
        let failed = collect(Body::client(body, 100, LONG), 5).await.unwrap_err();
        assert_eq!(failed, client_fault(Fault::LimitExceeded(5)));
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_client_that_stops_sending_is_too_slow_and_one_that_hangs_up_has_aborted() {
    let test = async {
        let head = "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhe";
        let (body, _client) = incoming(head).await;
        let failed = collect(Body::client(body, 5, Duration::from_millis(30)), 5).await.unwrap_err();
        assert_eq!(failed, client_fault(Fault::Idle));
        let (body, client) = incoming(head).await;
        drop(client);
        let failed = collect(Body::client(body, 5, LONG), 5).await.unwrap_err();
        assert_eq!(failed, client_fault(Fault::Broken));
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn chunks_that_are_none_are_told_from_a_client_that_hangs_up() {
    let test = async {
        for chunks in ["x\r\nhello\r\n", "5\r\nhello--", "fffffffffffffffff\r\n"] {
            let (body, _client) =
                incoming(&format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")).await;
            let failed = collect(Body::client(body, 100, LONG), 100).await.unwrap_err();
            assert_eq!(failed, client_fault(Fault::Malformed), "{chunks:?}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_slow_client_is_waited_for_as_long_as_it_keeps_sending() {
    let test = async {
        let (body, mut client) = incoming("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n").await;
        spawn_local(async move {
            for byte in b"hello" {
                tokio::time::sleep(Duration::from_millis(60)).await;
                client.write_all(&[*byte]).await.unwrap();
            }
            pending::<()>().await;
        });
        let body = Body::client(body, 5, Duration::from_millis(200));
        assert_eq!(collect(body, 5).await.unwrap(), "hello");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_body_in_memory_is_collected_without_a_copy() {
    let bytes = Bytes::from(vec![7; 100]);
    let collected = collect(Body::full(bytes.clone()), 100).await.unwrap();
    assert_eq!(collected.as_ptr(), bytes.as_ptr());
    let failed = collect(Body::full(bytes), 99).await.unwrap_err();
    assert_eq!(failed, BodyError { side: Side::Gateway, fault: Fault::LimitExceeded(99) });
    assert!(collect(Body::empty(), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_observer_is_told_once_how_a_body_ended() {
    let test = async {
        let seen = Rc::new(Seen::default());
        let last = || seen.0.borrow_mut().pop();
        drop(Body::empty().observed(seen.clone()));
        assert_eq!(last(), Some((0, End::Complete)));
        drop(Body::full("hello").observed(seen.clone()));
        assert_eq!(last(), Some((0, End::Dropped)));
        collect(Body::full("hello").observed(seen.clone()), 5).await.unwrap();
        assert_eq!(last(), Some((5, End::Complete)));

        let (body, client) = incoming("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhe").await;
        let mut body = Body::client(body, 5, LONG).observed(seen.clone());
        poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
        drop(client);
        collect(body, 5).await.unwrap_err();
        assert_eq!(last(), Some((2, End::Failed(client_fault(Fault::Broken)))));
        assert_eq!(last(), None);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn nothing_is_lost_of_a_body_that_is_too_long() {
    let test = async {
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        let announced = "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
        for (sent, most) in [(chunked, 1), (chunked, 4), (announced, 4)] {
            let (body, _client) = incoming(sent).await;
            let Gathered::TooLong(body) = gather(Body::client(body, 100, LONG), most).await.unwrap() else {
                panic!("{sent:?} fits into {most}")
            };
            assert!(body.size_hint().exact().is_none_or(|length| length == 5));
            assert_eq!(collect(body, 5).await.unwrap(), "hello", "{sent:?} and {most}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_body_put_together_again_has_the_length_of_both_parts() {
    let body = Body::joined(Bytes::from("he"), Body::full("llo"));
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
    assert_eq!(collect(body, 5).await.unwrap(), "hello");
}
