//! Connections are used again, as long as they may be, and no longer.

use std::future::pending;
use std::rc::Rc;

use http::Request;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::harness::*;
use crate::body::{Body, collect};
use crate::cork;
use crate::upstream::{Call, Reach, Registry, UpstreamError};

#[test]
fn requests_one_after_another_share_a_connection() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        for _ in 0..3 {
            assert_eq!(fetch(&upstream).await, "ok");
        }
        assert_eq!(server.connections.get(), 1);
        let state = state(&registry);
        assert_eq!((state.connects, state.idle, state.in_flight, state.failures), (1, 1, 0, 0));
    });
}

#[test]
fn the_target_sees_its_own_host_and_only_path_and_query() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        send(&upstream, get("http://client.example/a?b")).await.unwrap();
        let (head, body) = get("/c").into_parts();
        upstream
            .send(
                &head,
                body,
                Call {
                    began: Instant::now(),
                    preserve_host: true,
                    deadline: None,
                    more: &[],
                    interim: None,
                    reads_fields: true,
                },
            )
            .await
            .unwrap();
        let requests = server.requests.borrow();
        assert_eq!(requests[0], format!("GET /a?b HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", server.port));
        assert_eq!(requests[1], "GET /c HTTP/1.1\r\nhost: client.example\r\n\r\n");
    });
}

#[test]
fn chunked_answers_empty_ones_and_answers_to_head_leave_the_connection_usable() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            for answer in [
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n2\r\nok\r\n0\r\nx: y\r\n\r\n",
                "HTTP/1.1 204 No Content\r\n\r\n",
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
                OK,
            ] {
                assert!(wire.request().await);
                wire.write(answer).await;
            }
            wire.request().await;
        })
        .await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        assert_eq!(fetch(&upstream).await, "ok");
        assert_eq!(fetch(&upstream).await, "ok");
        assert_eq!(fetch(&upstream).await, "");
        let head = send(&upstream, Request::head("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(head.fields.end_to_end()["content-length"], "1000");
        assert_eq!(fetch(&upstream).await, "ok");
        assert_eq!(server.connections.get(), 1);
    });
}

#[test]
fn a_large_answer_comes_whole_and_leaves_the_connection_usable() {
    on_a_worker(async {
        const LENGTH: usize = 3_000_000;
        let server = Server::start(|mut wire| async move {
            while wire.request().await {
                wire.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n")).await;
                wire.write(&"x".repeat(LENGTH)).await;
            }
        })
        .await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        for _ in 0..3 {
            let answer = send(&upstream, get("/")).await.unwrap();
            assert_eq!(collect(answer.body, LENGTH as u64).await.unwrap().len(), LENGTH);
        }
        assert_eq!(server.connections.get(), 1);
    });
}

#[test]
fn a_connection_the_target_closes_is_not_used_again() {
    on_a_worker(async {
        // Every other connection says so beforehand, the rest just close.
        let server = Server::start(|mut wire| async move {
            wire.request().await;
            let close = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
            wire.write(if wire.number % 2 == 0 { close } else { OK }).await;
        })
        .await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        for _ in 0..4 {
            assert_eq!(fetch(&upstream).await, "ok");
            settle().await;
        }
        assert_eq!(server.connections.get(), 4);
        assert_eq!(state(&registry).failures, 0);
    });
}

/// Answers the first request of the first connection; then hangs up on a request it has read.
async fn closing_on_the_second() -> Server {
    Server::start(|mut wire| async move {
        wire.request().await;
        wire.write(OK).await;
        wire.request().await;
        if wire.number > 1 {
            wire.write(OK).await;
        }
    })
    .await
}

#[test]
fn an_idempotent_request_is_sent_again_where_a_reused_connection_was_closed() {
    on_a_worker(async {
        let server = closing_on_the_second().await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        fetch(&upstream).await;
        let put = Request::put("/").body(Body::full("hello")).unwrap();
        assert_eq!(send(&upstream, put).await.unwrap().status, 200);
        assert_eq!((server.requests.borrow().len(), server.connections.get()), (3, 2));
        assert_eq!(state(&registry).failures, 0);
    });
}

/// Takes connections, and ends each once it has a request: as one that is being stopped.
async fn stopping() -> Server {
    Server::start(|mut wire| async move {
        wire.request().await;
    })
    .await
}

#[test]
fn an_idempotent_request_goes_to_another_target_where_a_new_connection_ends_before_an_answer() {
    on_a_worker(async {
        let (stopping, other) = (stopping().await, Server::answering(OK).await);
        for ports in [[stopping.port, other.port], [other.port, stopping.port]] {
            let upstream = Registry::new(0).upstream(&settings(&ports));
            for _ in 0..2 {
                assert_eq!(fetch(&upstream).await, "ok");
            }
        }
        assert!(stopping.connections.get() >= 2, "it was asked");
        let upstream = Registry::new(0).upstream(&settings(&[stopping.port, other.port]));
        let asked = stopping.connections.get();
        let mut failed = 0;
        for _ in 0..2 {
            failed += u32::from(send(&upstream, post(Body::full("hello"))).await.is_err());
        }
        assert_eq!((failed, stopping.connections.get()), (1, asked + 1), "a POST is not repeated");
    });
}

#[test]
fn a_request_that_is_not_idempotent_is_never_sent_twice() {
    on_a_worker(async {
        let server = closing_on_the_second().await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        fetch(&upstream).await;
        let error = send(&upstream, post(Body::full("hello"))).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Broken { .. }), "{error}");
        assert_eq!((server.requests.borrow().len(), server.connections.get()), (2, 1));
    });
}

#[test]
fn a_request_that_hyper_had_not_begun_to_write_is_sent_again_whatever_its_method() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            wire.request().await;
            wire.write(OK).await;
            if wire.number == 1 {
                return;
            }
            pending::<()>().await;
        })
        .await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        fetch(&upstream).await;
        // The target has closed, and nothing has run on this thread since that could have noticed.
        std::thread::sleep(ms(20));
        let answer = send(&upstream, post(Body::full("hello"))).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(server.connections.get(), 2);
    });
}

#[test]
fn a_request_that_was_held_when_its_connection_broke_is_sent_again_whatever_its_method() {
    on_a_worker(async {
        let breaks = Rc::new(Notify::new());
        let breaking = Rc::clone(&breaks);
        let server = Server::start(move |mut wire| {
            let breaking = Rc::clone(&breaking);
            async move {
                wire.request().await;
                wire.write(OK).await;
                if wire.number == 1 {
                    breaking.notified().await;
                    wire.reset();
                } else {
                    pending::<()>().await;
                }
            }
        })
        .await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        fetch(&upstream).await;
        cork::hold_here();
        let breaks_then_flushes = async {
            breaks.notify_one();
            settle().await;
            cork::flush();
            cork::hold_nothing_here();
        };
        let (answer, ()) = tokio::join!(send(&upstream, post(Body::full("hello"))), breaks_then_flushes);
        assert_eq!(answer.unwrap().status, 200);
        assert_eq!((server.requests.borrow().len(), server.connections.get()), (2, 2));
    });
}

#[test]
fn a_request_is_sent_again_only_once() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            wire.request().await;
            if wire.number == 1 {
                wire.write(OK).await;
                wire.request().await;
            }
        })
        .await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        fetch(&upstream).await;
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Broken { .. }), "{error}");
        assert_eq!(server.requests.borrow().len(), 3);
        assert_eq!(state(&registry).failures, 1);
    });
}

#[test]
fn idle_connections_are_capped_and_closed_when_old() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let mut registry = Registry::new(0);
        let mut settings = settings(&[server.port]);
        (settings.idle_connections, settings.idle_for) = (2, ms(100));
        let upstream = registry.upstream(&settings);
        let (a, b, c) = tokio::join!(fetch(&upstream), fetch(&upstream), fetch(&upstream));
        assert_eq!([a, b, c], ["ok"; 3]);
        settle().await;
        assert_eq!((state(&registry).idle, server.connections.get(), server.closed.get()), (2, 3, 1));
        tokio::time::sleep(ms(200)).await;
        assert_eq!((state(&registry).idle, server.closed.get()), (0, 3));
        // The sweeper has ended and begins again.
        fetch(&upstream).await;
        tokio::time::sleep(ms(200)).await;
        assert_eq!(state(&registry).idle, 0);
    });
}

#[test]
fn connections_survive_a_reload_and_end_with_the_last_config_that_names_the_target() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let mut registry = Registry::new(0);
        let old = registry.upstream(&settings(&[server.port]));
        fetch(&old).await;
        let new = registry.upstream(&settings(&[server.port]));
        drop(old);
        fetch(&new).await;
        assert_eq!(server.connections.get(), 1);
        drop(new);
        settle().await;
        assert_eq!((registry.targets().count(), server.closed.get()), (0, 1));
    });
}

#[test]
fn a_granted_origin_is_an_upstream_of_one_target_and_may_be_a_name() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let origin = crate::config::model::Target {
            scheme: crate::config::model::Scheme::Http,
            host: "localhost".into(),
            port: server.port,
        };
        let upstream = Registry::new(0).origin(&origin, Reach::Any);
        assert_eq!(fetch(&upstream).await, "ok");
        assert!(server.requests.borrow()[0].contains(&format!("host: localhost:{}\r\n", server.port)));
    });
}
