//! Request bodies on their way from a client to a target.

use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_local;

use super::harness::*;
use crate::body::tests::incoming;
use crate::body::{Body, BodyError, Fault, Side, collect};
use crate::upstream::{Registry, UpstreamError};

const HEAD: &str = "POST / HTTP/1.1\r\ncontent-length: 6\r\n\r\nabc";

/// Reads a body of six bytes and answers.
async fn taking_six() -> Server {
    Server::start(|mut wire| async move {
        while wire.request().await && wire.read(6).await == b"abcdef" {
            wire.write(OK).await;
        }
    })
    .await
}

#[test]
fn a_body_keeps_its_length_on_the_way() {
    on_a_worker(async {
        let server = taking_six().await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        let (body, mut client) = incoming(HEAD).await;
        client.write_all(b"def").await.unwrap();
        for body in [Body::client(body, 6, LONG), Body::full("abcdef")] {
            let answer = send(&upstream, post(body)).await.unwrap();
            assert_eq!(collect(answer.body, 2).await.unwrap(), "ok");
        }
        assert_eq!(server.connections.get(), 1);
        assert!(server.requests.borrow().iter().all(|head| head.contains("content-length: 6\r\n")));
    });
}

#[test]
fn the_time_to_the_first_byte_begins_when_the_body_is_sent() {
    on_a_worker(async {
        let server = taking_six().await;
        let mut settings = settings(&[server.port]);
        settings.timeouts.first_byte = ms(100);
        let upstream = Registry::new(0).upstream(&settings);
        let (body, mut client) = incoming(HEAD).await;
        let slow = spawn_local(async move {
            tokio::time::sleep(ms(300)).await;
            client.write_all(b"def").await.unwrap();
            client
        });
        assert_eq!(send(&upstream, post(Body::client(body, 6, LONG))).await.unwrap().status, 200);
        slow.await.unwrap();
    });
}

#[test]
fn a_target_that_takes_the_body_and_hangs_meets_the_time_to_the_first_byte() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move { while wire.request().await {} }).await;
        let mut settings = settings(&[server.port]);
        settings.timeouts.first_byte = ms(100);
        let upstream = Registry::new(0).upstream(&settings);
        let (body, mut client) = incoming(HEAD).await;
        client.write_all(b"def").await.unwrap();
        let error = send(&upstream, post(Body::client(body, 6, LONG))).await.unwrap_err();
        assert!(matches!(error, UpstreamError::FirstByteTimeout { .. }), "{error}");
    });
}

#[test]
fn a_client_that_aborts_is_not_held_against_the_target() {
    on_a_worker(async {
        let server = taking_six().await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        let (body, client) = incoming(HEAD).await;
        drop(client);
        let error = send(&upstream, post(Body::client(body, 6, LONG))).await.unwrap_err();
        let fault = BodyError { side: Side::Client, fault: Fault::Broken };
        assert!(matches!(error, UpstreamError::Request { error, .. } if error == fault), "{error}");
        assert_eq!(state(&registry).failures, 0);
    });
}

#[test]
fn a_body_beyond_its_limit_ends_the_request_and_says_so() {
    on_a_worker(async {
        let server = taking_six().await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        let (body, _client) =
            incoming("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").await;
        let error = send(&upstream, post(Body::client(body, 6, LONG))).await.unwrap_err();
        let fault = BodyError { side: Side::Client, fault: Fault::LimitExceeded(6) };
        assert!(matches!(error, UpstreamError::Request { error, .. } if error == fault), "{error}");
    });
}

#[test]
fn an_answer_before_the_body_was_sent_counts_and_the_connection_is_closed() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            wire.request().await;
            wire.write(OK).await;
            wire.read(6).await;
            wire.request().await;
        })
        .await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        let (body, _client) = incoming(HEAD).await;
        let answer = send(&upstream, post(Body::client(body, 6, LONG))).await.unwrap();
        assert_eq!(collect(answer.body, 2).await.unwrap(), "ok");
        settle().await;
        assert_eq!((state(&registry).idle, server.closed.get()), (0, 1));
    });
}
