//! Several targets, some of them dead.

use super::harness::*;
use crate::config::model::Balance;
use crate::upstream::{Registry, TargetState, UpstreamError};

fn of(registry: &Registry, port: u16) -> TargetState {
    registry.targets().find(|target| target.name.ends_with(&format!(":{port}"))).unwrap()
}

#[test]
fn a_target_that_refuses_is_replaced_by_another_within_the_retries() {
    on_a_worker(async {
        let server = Server::answering(OK).await;
        let mut settings = settings(&[dead_port(), server.port]);
        settings.connect_retries = 1;
        let upstream = Registry::new(0).upstream(&settings);
        for _ in 0..4 {
            assert_eq!(fetch(&upstream).await, "ok");
        }
        settings.targets.pop();
        let upstream = Registry::new(0).upstream(&settings);
        let error = send(&upstream, get("/")).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Connect { .. }), "{error}");
    });
}

#[test]
fn least_request_goes_where_nothing_is_under_way() {
    on_a_worker(async {
        let busy = Server::start(|mut wire| async move {
            wire.request().await;
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
            wire.request().await;
        })
        .await;
        let free = Server::answering(OK).await;
        let mut settings = settings(&[busy.port, free.port]);
        settings.balance = Balance::LeastRequest;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings);
        let held = send(&upstream, get("/")).await.unwrap();
        for _ in 0..6 {
            assert_eq!(fetch(&upstream).await, "ok");
        }
        assert_eq!((busy.requests.borrow().len(), free.requests.borrow().len()), (1, 6));
        assert_eq!(of(&registry, busy.port).in_flight, 1);
        drop(held);
    });
}

#[test]
fn a_dead_target_is_ejected_and_comes_back_when_it_answers_again() {
    on_a_worker(async {
        let (good, port) = (Server::answering(OK).await, dead_port());
        let mut settings = settings(&[port, good.port]);
        settings.ejection.failures = 2;
        settings.ejection.duration = ms(150);
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings);
        let mut failed = 0;
        for _ in 0..20 {
            failed += usize::from(send(&upstream, get("/")).await.is_err());
        }
        assert_eq!(failed, 2);
        assert!(of(&registry, port).ejected);

        let revived = Server::start_at(port, |mut wire| async move {
            while wire.request().await {
                wire.write(OK).await;
            }
        })
        .await;
        fetch(&upstream).await;
        assert_eq!(revived.requests.borrow().len(), 0, "still left out");
        tokio::time::sleep(ms(200)).await;
        for _ in 0..10 {
            fetch(&upstream).await;
        }
        assert!(!of(&registry, port).ejected);
        assert_eq!(revived.requests.borrow().len(), 5);
    });
}

#[test]
fn a_target_that_hangs_is_ejected_too() {
    on_a_worker(async {
        let hanging = Server::start(|mut wire| async move { while wire.request().await {} }).await;
        let good = Server::answering(OK).await;
        let mut settings = settings(&[hanging.port, good.port]);
        settings.timeouts.first_byte = ms(30);
        settings.ejection.failures = 1;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings);
        assert!(send(&upstream, get("/")).await.unwrap_err().is_timeout());
        for _ in 0..6 {
            assert_eq!(fetch(&upstream).await, "ok");
        }
        assert!(of(&registry, hanging.port).ejected);
    });
}

#[test]
fn with_every_target_ejected_requests_are_tried_anyway() {
    on_a_worker(async {
        let port = dead_port();
        let mut settings = settings(&[port]);
        settings.ejection.failures = 1;
        let mut registry = Registry::new(0);
        let upstream = registry.upstream(&settings);
        send(&upstream, get("/")).await.unwrap_err();
        assert!(of(&registry, port).ejected);
        let _revived = Server::start_at(port, |mut wire| async move {
            wire.request().await;
            wire.write(OK).await;
        })
        .await;
        assert_eq!(fetch(&upstream).await, "ok");
        assert!(!of(&registry, port).ejected);
    });
}
