//! A client's socket that does not wait forever: not for a request to come, not for an answer to be
//! read.
//!
//! The body knows how long it waits for the client's next byte; what comes before and after it is
//! bounded here, and so is how much of it is sent or received before the worker looks at its other sockets.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::body::Rest;
use crate::exchange::{Client, Turn};
use crate::give_way::Share;

/// How long a client that is still sending has to read the last answer and to end the connection.
const LINGER: Duration = Duration::from_secs(5);

/// Bytes of it that are read at once.
const UNWANTED: usize = 16 << 10;

/// Slices that are written at once where not all can be.
const MOST_SLICES: usize = 16;

/// A read fails once a request has been waited for too long, a write when it makes no progress.
#[derive(Debug)]
pub(super) struct Impatient<S> {
    stream: S,
    share: Share,
    turn: Turn,
    rest: Rest,
    /// From the connection, or the last answer, to the whole head of a request.
    head: Duration,
    /// Longest pause in writing an answer.
    idle: Duration,
    /// One timer for all requests of the connection. Where it fires too early, because a request
    /// came meanwhile, it is set anew: cheaper than setting it for each request.
    reading: Option<Pin<Box<Sleep>>>,
    /// Only there while a write waits, which it seldom does.
    writing: Option<Pin<Box<Sleep>>>,
    /// The connection's last byte was written, and the client was told so.
    is_shut: bool,
    /// Only there while a client that was told so is still sending.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S, client: &Client, head: Duration, idle: Duration) -> Self {
        let (turn, rest) = (client.turn.clone(), client.rest.clone());
        Self {
            stream,
            share: Share::default(),
            turn,
            rest,
            head,
            idle,
            reading: None,
            writing: None,
            is_shut: false,
            lingering: None,
        }
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

    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(bytes) => self.share.spend(*bytes.as_ref().unwrap_or(&0)),
            Poll::Pending => self.share.renew(),
        }
        self.bounded(cx, written)
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
        ready!(self.share.poll_left(cx));
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => {
                self.share.renew();
                self.wait_for_request(cx)
            }
            read @ Poll::Ready(_) => {
                self.share.spend(buffer.filled().len() - before);
                read
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let left = ready!(self.share.poll_left(cx));
        let some = bytes.get(..left).unwrap_or(bytes);
        let written = Pin::new(&mut self.stream).poll_write(cx, some);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let left = ready!(self.share.poll_left(cx));
        let written = if slices.iter().map(|slice| slice.len()).sum::<usize>() <= left {
            Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
        } else {
            let mut room = [IoSlice::new(&[]); MOST_SLICES];
            Pin::new(&mut self.stream).poll_write_vectored(cx, first(slices, left, &mut room))
        };
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.bounded(cx, shut))?;
            self.is_shut = true;
        }
        self.poll_linger(cx)
    }
}

impl<S: AsyncRead + Unpin> Impatient<S> {
    /// Where bytes come that nobody reads, the kernel resets the connection, and the client may lose what it has
    /// not read of the answer (RFC 9112 section 9.6). So they are read, until the client has seen the end.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.lingering.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.share.poll_left(cx));
            let mut room = [MaybeUninit::uninit(); UNWANTED];
            let mut unwanted = ReadBuf::uninit(&mut room);
            match Pin::new(&mut self.stream).poll_read(cx, &mut unwanted) {
                Poll::Ready(Ok(())) if !unwanted.filled().is_empty() => {
                    self.rest.set_unread();
                    self.share.spend(unwanted.filled().len());
                    self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                }
                Poll::Pending if self.rest.is_unread() => {
                    self.share.renew();
                    return self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER))).as_mut().poll(cx).map(Ok);
                }
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Their first `most` bytes, or fewer where those are in more slices than there is `room` for.
fn first<'a, 'b>(slices: &'a [IoSlice<'_>], most: usize, room: &'b mut [IoSlice<'a>]) -> &'b [IoSlice<'a>] {
    let (mut left, mut count) = (most, 0);
    for (place, slice) in room.iter_mut().zip(slices) {
        if left == 0 {
            break;
        }
        *place = IoSlice::new(slice.get(..left).unwrap_or(slice));
        left -= place.len();
        count += 1;
    }
    room.get(..count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::exchange::Client;
    use crate::give_way::SHARE;

    #[tokio::test]
    async fn a_request_that_does_not_come_ends_the_read() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let client = Client::new([127, 0, 0, 1].into());
        let mut stream = Impatient::new(ours, &client, Duration::from_millis(40), Duration::from_secs(9));
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn while_a_long_answer_is_written_the_worker_looks_at_its_other_sockets() {
        const PIECES: usize = 8;
        let long = vec![1; PIECES * SHARE];
        let (ours, _theirs) = tokio::io::duplex(long.len());
        let client = Client::new([127, 0, 0, 1].into());
        let mut stream = Impatient::new(ours, &client, Duration::from_secs(9), Duration::from_secs(9));
        let looks = Cell::new(0);
        let other = async {
            loop {
                tokio::task::yield_now().await;
                looks.update(|looks| looks + 1);
            }
        };
        tokio::select! {
            biased;
            () = other => {}
            written = stream.write_all(&long) => written.unwrap(),
        }
        assert!(looks.get() >= PIECES - 1, "{} looks", looks.get());
    }

    #[test]
    fn what_is_too_long_is_cut_in_whichever_slice_it_is() {
        let [head, body] = [b"head".as_slice(), b"body"].map(IoSlice::new);
        for (most, expected) in [(2, ["he", ""]), (4, ["head", ""]), (7, ["head", "bod"]), (9, ["head", "body"])] {
            let mut room = [IoSlice::new(&[]); 3];
            let cut = first(&[head, body], most, &mut room).iter().map(|slice| slice.to_vec()).collect::<Vec<_>>();
            assert_eq!(cut.concat(), expected.concat().as_bytes());
        }
        assert_eq!(first(&[head, body], 9, &mut [IoSlice::new(&[])]).len(), 1, "there is no room for more");
    }

    #[tokio::test]
    async fn a_reader_that_stops_ends_the_write_and_one_that_is_slow_does_not() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let client = Client::new([127, 0, 0, 1].into());
        let mut stream = Impatient::new(ours, &client, Duration::from_secs(9), Duration::from_millis(80));
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
