use std::io::{ErrorKind, Read as _};
use std::net;
use std::pin::pin;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local, yield_now};

use super::*;

/// A writer, and the socket that gets what it writes.
async fn pair() -> (Writer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (_, writer) = ours.unwrap().into_split();
    (Writer::new(writer), theirs.unwrap().0)
}

/// Bytes that were received up to now.
fn there(socket: &TcpStream) -> usize {
    match socket.try_read(&mut [0; 1 << 14]) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_several_connections_write_goes_out_at_the_flush() {
    let (mut first, first_end) = pair().await;
    let (mut second, mut second_end) = pair().await;
    hold_here();
    first.write_all(b"one").await.unwrap();
    second.write_all(b"two").await.unwrap();
    second.write_all(b", three").await.unwrap();
    second.flush().await.unwrap();
    yield_now().await;
    assert_eq!((there(&first_end), there(&second_end)), (0, 0));
    flush();
    let mut got = [0; 10];
    second_end.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"two, three");
    first_end.readable().await.unwrap();
    assert_eq!(there(&first_end), 3);
}

#[tokio::test]
async fn a_worker_that_is_not_busy_holds_nothing() {
    let (mut writer, end) = pair().await;
    hold_here();
    for _ in 0..BUSY - 1 {
        writer.write_all(b"x").await.unwrap();
    }
    end_round();
    end.readable().await.unwrap();
    assert_eq!(there(&end), BUSY - 1);
    // The last round had fewer than it takes.
    writer.write_all(b"x").await.unwrap();
    end.readable().await.unwrap();
    assert_eq!(there(&end), 1);
}

#[tokio::test]
async fn without_a_task_that_flushes_nothing_is_held() {
    let (mut writer, end) = pair().await;
    hold_here();
    ROUND.with(|round| round.flusher.take());
    writer.write_all(b"x").await.unwrap();
    end.readable().await.unwrap();
    assert_eq!(there(&end), 1);
}

#[tokio::test]
async fn a_long_write_goes_out_at_once_and_behind_what_was_held() {
    let (mut writer, mut end) = pair().await;
    hold_here();
    writer.write_all(b"head").await.unwrap();
    writer.write_all(&[b'x'; SHORT + 1]).await.unwrap();
    let mut got = [0; 4 + SHORT + 1];
    end.read_exact(&mut got).await.unwrap();
    assert_eq!(&got[..5], b"headx");
}

#[tokio::test]
async fn a_full_group_goes_out_by_itself() {
    hold_here();
    let mut pairs = Vec::new();
    for _ in 0..GROUP {
        pairs.push(pair().await);
    }
    for (writer, _) in &mut pairs {
        writer.write_all(b"x").await.unwrap();
    }
    for (_, end) in &pairs {
        end.readable().await.unwrap();
        assert_eq!(there(end), 1);
    }
}

#[tokio::test]
async fn what_is_held_goes_out_after_the_tasks_that_are_ready() {
    LocalSet::new()
        .run_until(async {
            let (mut writer, mut end) = pair().await;
            spawn_local(keep_flushing());
            yield_now().await;
            ROUND.with(|round| round.is_busy.set(true));
            writer.write_all(b"x").await.unwrap();
            assert_eq!(end.read_u8().await.unwrap(), b'x');
        })
        .await;
}

#[tokio::test]
async fn what_the_kernel_does_not_take_waits_until_it_does() {
    let (mut writer, mut end) = pair().await;
    hold_here();
    let mut written = 0;
    loop {
        // Until the other side, which reads nothing, is full.
        let mut write = pin!(writer.write(&[b'x'; SHORT]));
        let Poll::Ready(count) = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await else { break };
        written += count.unwrap();
        flush();
    }
    assert!(writer.is_stuck());
    let reading = async {
        let mut got = 0;
        while got < written {
            got += end.read(&mut [0; 1 << 14]).await.unwrap();
        }
    };
    let (flushed, ()) = tokio::join!(writer.flush(), reading);
    flushed.unwrap();
    assert!(!writer.is_stuck());
}

#[tokio::test]
async fn who_wrote_what_the_other_side_refused_is_told_and_takes_it_back() {
    let (mut writer, end) = pair().await;
    hold_here();
    socket2::SockRef::from(&end).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(end);
    writer.write_all(b"request").await.unwrap();
    flush();
    writer.flush().await.expect_err("the connection was reset");
    assert_eq!((writer.take_back(), writer.take_back()), (7, 0));
}

#[tokio::test]
async fn what_is_taken_back_is_not_sent() {
    let (mut writer, mut end) = pair().await;
    hold_here();
    writer.write_all(b"request").await.unwrap();
    assert_eq!(writer.take_back(), 7);
    flush();
    drop(writer);
    assert_eq!(end.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_held_goes_out_before_a_connection_is_shut_and_after_it_is_dropped() {
    for is_shut in [true, false] {
        let (mut writer, end) = pair().await;
        hold_here();
        writer.write_all(b"bye").await.unwrap();
        if is_shut {
            let flushed = async {
                yield_now().await;
                assert_eq!(there(&end), 0);
                flush();
            };
            let (shut, ()) = tokio::join!(writer.shutdown(), flushed);
            shut.unwrap();
        } else {
            drop(writer);
            flush();
        }
        let mut end: net::TcpStream = end.into_std().unwrap();
        end.set_nonblocking(false).unwrap();
        let mut got = String::new();
        end.read_to_string(&mut got).unwrap();
        assert_eq!(got, "bye");
    }
}
