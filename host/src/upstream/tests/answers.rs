//! How an answer's body is read.

use http_body_util::BodyExt as _;

use super::harness::*;
use crate::upstream::Registry;

/// Little enough for the kernel to have all of it at once.
const LENGTH: usize = 48 << 10;

#[test]
fn what_the_first_piece_left_of_a_long_answer_is_read_at_once() {
    on_a_worker(async {
        let server = Server::start(|mut wire| async move {
            while wire.request().await {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
                wire.write(&(head + &"x".repeat(LENGTH))).await;
            }
        })
        .await;
        let upstream = Registry::new(0).upstream(&settings(&[server.port]));
        // Again, on a connection that has rested.
        for _ in 0..2 {
            let mut body = send(&upstream, get("/")).await.unwrap().body;
            settle().await;
            let mut pieces = Vec::new();
            while let Some(frame) = body.frame().await {
                pieces.push(frame.unwrap().into_data().unwrap().len());
            }
            assert_eq!((pieces.len(), pieces.iter().sum()), (2, LENGTH), "{pieces:?}");
        }
        assert_eq!(server.connections.get(), 1);
    });
}
