//! A client's socket that writes interim answers (1xx) between hyper's own.
//!
//! hyper's server sends none (RFC 9110 section 15.2 wants a proxy to pass them on). It flushes its
//! socket only when nothing is left of what it has encoded, and it has one request in hand at a time:
//! so in `poll_flush` the last answer is out, also where the client sent its requests at once, and the
//! next one is not begun before its exchange is over, which waits until nothing is left here.
//!
//! Absent on purpose: anything of this in `poll_write`, except to end what was begun. Between two of
//! hyper's writes there may be the rest of an answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::upstream::Interim;

/// Writes what is in `interim` where hyper has nothing to write.
#[derive(Debug)]
pub(super) struct Informing<S> {
    stream: S,
    interim: Interim,
    /// A part of it is out: before the rest is, nothing else may be written.
    is_begun: bool,
}

impl<S: AsyncWrite + Unpin> Informing<S> {
    pub(super) fn new(stream: S, interim: Interim) -> Self {
        Self { stream, interim, is_begun: false }
    }

    fn write_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.interim.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let count = ready!(self.interim.drain(|bytes| stream.poll_write(cx, bytes)))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_begun = true;
        }
        self.is_begun = false;
        // The exchange waits for this, and is polled by the same task.
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Informing<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Informing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_begun {
            ready!(self.write_interim(cx))?;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_begun {
            ready!(self.write_interim(cx))?;
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.interim.is_empty() {
            ready!(self.write_interim(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http::header::LINK;
    use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// An interim answer for each request, and an answer far longer than the socket takes at once.
    async fn answer(interim: &Interim, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        interim.put(StatusCode::EARLY_HINTS, HeaderMap::from_iter([(LINK, HeaderValue::try_from(&path).unwrap())]));
        interim.written().await;
        Ok(Response::new(path.repeat(1000).into()))
    }

    /// All that a client gets for requests it sent at once, read `piece` bytes at a time.
    async fn answers(requests: String, piece: usize) -> String {
        let (ours, theirs) = tokio::io::duplex(7);
        let interim = Interim::default();
        let stream = TokioIo::new(Informing::new(ours, interim.clone()));
        let service = service_fn(async |request| answer(&interim, request).await);
        let served = http1::Builder::new().serve_connection(stream, service);
        let (mut read, mut write) = tokio::io::split(theirs);
        let asking = tokio::spawn(async move {
            write.write_all(requests.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let got = async {
            let (mut all, mut some) = (Vec::new(), vec![0; piece]);
            while let Ok(count @ 1..) = read.read(&mut some).await {
                all.extend_from_slice(&some[..count]);
                tokio::task::yield_now().await;
            }
            String::from_utf8(all).unwrap()
        };
        let (served, got) = tokio::join!(served, got);
        served.unwrap();
        asking.abort();
        got
    }

    #[tokio::test]
    async fn an_interim_answer_is_never_within_another_answer() {
        let ask = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n{more}\r\n");
        let requests = [ask("/1", ""), ask("/2", ""), ask("/3", "connection: close\r\n")].concat();
        for piece in [1, 5, 4096] {
            let got = answers(requests.clone(), piece).await;
            let mut rest = &*got;
            for path in ["/1", "/2", "/3"] {
                let interim = format!("HTTP/1.1 103 Early Hints\r\nlink: {path}\r\n\r\n");
                rest = rest.strip_prefix(&interim).unwrap_or_else(|| panic!("{path}: {rest}"));
                let (head, body) = rest.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
                rest = body.strip_prefix(&path.repeat(1000)).unwrap();
            }
            assert_eq!(rest, "");
        }
    }

    #[tokio::test]
    async fn what_was_begun_is_ended_before_anything_else_is_written() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let interim = Interim::default();
        let mut stream = Informing::new(ours, interim.clone());
        interim.put(StatusCode::PROCESSING, HeaderMap::new());
        let writes = async {
            // The socket takes a part of it.
            assert!(flushed_once(&mut stream).await.is_pending());
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
            drop(stream);
        };
        let mut got = String::new();
        let ((), read) = tokio::join!(writes, theirs.read_to_string(&mut got));
        read.unwrap();
        assert_eq!(got, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    }

    async fn flushed_once(stream: &mut (impl AsyncWrite + Unpin)) -> Poll<io::Result<()>> {
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_flush(cx))).await
    }
}
