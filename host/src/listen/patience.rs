//! A client's socket that does not wait forever: not for a request to come, not for an answer to be
//! read.
//!
//! The body knows how long it waits for the client's next byte; what comes before and after it is
//! bounded here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::exchange::Turn;

/// A read fails once a request has been waited for too long, a write when it makes no progress.
#[derive(Debug)]
pub(super) struct Impatient<S> {
    stream: S,
    turn: Turn,
    /// From the connection, or the last answer, to the whole head of a request.
    head: Duration,
    /// Longest pause in writing an answer.
    idle: Duration,
    /// One timer for all requests of the connection. Where it fires too early, because a request
    /// came meanwhile, it is set anew: cheaper than setting it for each request.
    reading: Option<Pin<Box<Sleep>>>,
    /// Only there while a write waits, which it seldom does.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S, turn: Turn, head: Duration, idle: Duration) -> Self {
        Self { stream, turn, head, idle, reading: None, writing: None }
    }

    /// Called where there was nothing to read. The timer wakes the connection, which reads again.
    fn wait_for_request(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(since) = self.turn.waiting_since() else { return Poll::Pending };
        let end = Instant::from_std(since) + self.head;
        let timer = self.reading.get_or_insert_with(|| Box::pin(sleep_until(end)));
        ready!(timer.as_mut().poll(cx));
        // It was set for an earlier request, and this one has time left: look again when that is over.
        if Instant::now() < end {
            timer.as_mut().reset(end);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent no whole request in time")))
    }

    fn bounded<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let waiting = self.writing.get_or_insert_with(|| Box::pin(sleep(self.idle)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.wait_for_request(cx),
            read @ Poll::Ready(_) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bounded(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::exchange::Client;

    #[tokio::test]
    async fn a_request_that_does_not_come_ends_the_read() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let turn = Client::new([127, 0, 0, 1].into()).turn;
        let mut stream = Impatient::new(ours, turn, Duration::from_millis(40), Duration::from_secs(9));
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_reader_that_stops_ends_the_write_and_one_that_is_slow_does_not() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let turn = Client::new([127, 0, 0, 1].into()).turn;
        let mut stream = Impatient::new(ours, turn, Duration::from_secs(9), Duration::from_millis(80));
        let slow = tokio::spawn(async move {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                theirs.read_exact(&mut [0; 16]).await.unwrap();
            }
            theirs
        });
        stream.write_all(&[1; 64]).await.unwrap();
        let _stopped = slow.await.unwrap();
        let error = stream.write_all(&[1; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
