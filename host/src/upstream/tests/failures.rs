//! Targets that refuse, hang, break off, or answer late.

use std::future::pending;

use tokio::time::Instant;

use super::harness::*;
use crate::body::{BodyError, Fault, Side, collect};
use crate::upstream::{Call, Reach, Registry, UpstreamError};

fn upstream_fault(fault: Fault) -> BodyError {
    BodyError { side: Side::Upstream, fault }
}

/// Sends this, then nothing, with the connection open.
async fn sending_only(bytes: &'static str) -> Server {
    Server::start(move |mut wire| async move {
        wire.request().await;
        wire.write(bytes).await;
        wire.request().await;
    })
    .await
}

#[test]
fn a_refused_connection_is_told_with_its_target() {
    on_a_worker(async {
        let port = dead_port();
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[port]));
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Connect { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{error}");
        assert_eq!(state(&registry).failures, 1);
    });
}

#[test]
fn a_name_that_does_not_resolve_is_a_failed_connection() {
    on_a_worker(async {
        let origin = crate::config::model::Target {
            scheme: crate::config::model::Scheme::Http,
            host: "no-such-host.invalid".into(),
            port: 80,
        };
        let upstream = Registry::new(0).origin(&origin, Reach::Any);
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert_eq!(&**error.target(), "no-such-host.invalid:80");
    });
}

#[test]
fn a_target_that_never_answers_runs_into_the_first_byte_time_out_and_loses_the_connection() {
    on_a_worker(async {
        let server = sending_only("").await;
        let mut registry = Registry::new(0);
        let mut settings = settings(&[server.port]);
        settings.timeouts.first_byte = ms(50);
        let upstream = registry.upstream(&settings);
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert!(matches!(error, UpstreamError::FirstByteTimeout { .. }) && error.is_timeout(), "{error}");
        settle().await;
        let state = state(&registry);
        assert_eq!((server.closed.get(), state.in_flight, state.failures), (1, 0, 1));
    });
}

#[test]
fn a_late_answer_is_still_good_within_the_time_and_on_a_reused_connection_too() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            while wire.request().await {
                tokio::time::sleep(ms(60)).await;
                wire.write(OK).await;
            }
        })
        .await;
        let mut settings = settings(&[server.port]);
        settings.timeouts.first_byte = ms(200);
        let upstream = Registry::new(0).upstream(&settings);
        for _ in 0..5 {
            assert_eq!(fetch(&upstream).await, "ok");
        }
        assert_eq!(server.connections.get(), 1);
    });
}

#[test]
fn the_deadline_of_a_call_ends_it_and_is_not_held_against_the_target() {
    on_a_worker(async {
        let server = sending_only("").await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        let (head, body) = get("/").into_parts();
        let deadline = Some(Instant::now() + ms(50));
        let error = upstream
            .send(
                &head,
                body,
                Call {
                    began: Instant::now(),
                    deadline,
                    preserve_host: false,
                    more: &[],
                    interim: None,
                    reads_fields: true,
                },
            )
            .await
            .unwrap_err();
        assert!(matches!(error, UpstreamError::Deadline { .. }), "{error}");
        assert_eq!(state(&registry).failures, 0);
    });
}

#[test]
fn a_connection_closed_before_the_head_is_whole_is_broken() {
    on_a_worker(async {
        for sent in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-le", "What?\r\n\r\n"] {
            let server = Server::start(move |mut wire| async move {
                wire.request().await;
                wire.write(sent).await;
            })
            .await;
            let upstream = Registry::new(0).upstream(&settings(&[server.port]));
            let error = send(&upstream, get("/")).await.unwrap_err();
            assert!(matches!(error, UpstreamError::Broken { .. }), "{sent}: {error}");
            assert_eq!(server.connections.get(), 1, "{sent}: a fresh connection is not tried again");
        }
    });
}

#[test]
fn switching_protocols_unasked_is_no_answer() {
    on_a_worker(async {
        let server =
            sending_only("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n").await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Switched { .. }), "{error}");
    });
}

#[test]
fn a_body_that_breaks_off_fails_and_does_not_end() {
    on_a_worker(async {
        for sent in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhe\r\n",
        ] {
            let server = Server::start(move |mut wire| async move {
                wire.request().await;
                wire.write(sent).await;
            })
            .await;
            let mut registry = Registry::new(0);
            let upstream = registry.upstream(&settings(&[server.port]));
            let answer = send(&upstream, get("/")).await.unwrap();
            let failed = collect(answer.body, 5).await.unwrap_err();
            assert_eq!(failed, upstream_fault(Fault::Broken), "{sent}");
            let state = state(&registry);
            assert_eq!((state.idle, state.in_flight), (0, 0));
        }
    });
}

#[test]
fn a_body_that_stops_coming_is_idle_and_one_that_trickles_meets_the_deadline() {
    on_a_worker(async {
        let server = sending_only("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await;
        let mut stopping = settings(&[server.port]);
        stopping.timeouts.idle = ms(50);
        let answer = send(&Registry::new(0).upstream(&stopping), get("/")).await.unwrap();
        assert_eq!(collect(answer.body, 5).await.unwrap_err(), upstream_fault(Fault::Idle));
        settle().await;
        assert_eq!(server.closed.get(), 1);

        let server = Server::start(|mut wire| async move {
            wire.request().await;
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            for _ in 0..1000 {
                wire.write("x").await;
                tokio::time::sleep(ms(10)).await;
            }
        })
        .await;
        let mut trickling = settings(&[server.port]);
        (trickling.timeouts.idle, trickling.timeouts.total) = (ms(100), ms(200));
        let begun = Instant::now();
        let answer = send(&Registry::new(0).upstream(&trickling), get("/")).await.unwrap();
        assert_eq!(collect(answer.body, 1000).await.unwrap_err(), upstream_fault(Fault::Deadline));
        assert!((200..1_000).contains(&begun.elapsed().as_millis()));
    });
}

#[test]
fn an_answer_dropped_early_closes_its_connection() {
    on_a_worker(async {
        let server = sending_only("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        let answer = send(&upstream, get("/")).await.unwrap();
        assert_eq!(state(&registry).in_flight, 1);
        drop(answer);
        settle().await;
        let state = state(&registry);
        assert_eq!((server.closed.get(), state.idle, state.in_flight), (1, 0, 0));
    });
}

#[test]
fn a_request_given_up_closes_its_connection() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            while wire.request().await {}
            pending::<()>().await;
        })
        .await;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings(&[server.port]));
        assert!(tokio::time::timeout(ms(30), send(&upstream, get("/"))).await.is_err());
        settle().await;
        assert_eq!((server.closed.get(), state(&registry).in_flight), (1, 0));
    });
}
