//! A request on its way to a target.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};
use http_body::{Body as _, Frame};
use tokio::io::AsyncWrite as _;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::Instant;

use super::encode::{self, Asked};
use crate::body::{Body, BodyError, Fault, Side};
use crate::give_way::Share;
use crate::upstream::socket::Writer;

/// How a request's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes are left to send.
    Known(u64),
    Chunked,
}

/// A request that is being written: its head, and its body as that comes.
#[derive(Debug)]
pub(in crate::upstream) struct Sending {
    body: Body,
    length: Length,
    /// Names the request's `trailer` fields announced.
    trailers: Vec<HeaderName>,
    /// The head, or what stands before a chunk; `written` bytes of it are out.
    before: Vec<u8>,
    written: usize,
    /// A piece of the body, and what stands behind it.
    data: Bytes,
    after: &'static [u8],
    share: Share,
    /// Nothing comes after what is to be written now.
    is_last: bool,
    /// Bytes that the socket took.
    taken: usize,
    began: Instant,
    sent_at: Option<Instant>,
}

/// Why a request could not be written.
#[derive(Debug)]
pub(super) enum Unsent {
    Body(BodyError),
    Socket(io::Error),
}

impl Sending {
    /// `buffer` is taken for the head; [`Self::into_buffer`] gives it back.
    pub(super) fn new(asked: &Asked<'_>, body: Body, mut buffer: Vec<u8>, began: Instant) -> Self {
        let length = body.size_hint().exact().map_or(Length::Chunked, Length::Known);
        buffer.clear();
        encode::head(&mut buffer, asked, length);
        let trailers = if length == Length::Chunked { announced(&asked.head.headers) } else { Vec::new() };
        Self {
            body,
            length,
            trailers,
            before: buffer,
            written: 0,
            data: Bytes::new(),
            after: b"",
            share: Share::default(),
            is_last: length == Length::Known(0),
            taken: 0,
            began,
            sent_at: None,
        }
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.before
    }

    /// Whether the target may have seen a byte.
    pub(super) fn is_started(&self) -> bool {
        self.taken > 0
    }

    /// When the last byte was written, or writing failed.
    pub(in crate::upstream) fn sent_at(&self) -> Option<Instant> {
        self.sent_at
    }

    /// Writes as much as can be written. After an error it is not to be polled again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, socket: &mut Writer) -> Poll<Result<(), Unsent>> {
        // What goes out in one go is sent when it is begun: the clock is not read for it.
        let at_once = self.taken == 0;
        while self.sent_at.is_none() {
            // The head and the first piece of the body go out together, where that piece is there.
            if !self.is_last && self.data.is_empty() && self.after.is_empty() {
                match self.fill(cx) {
                    Poll::Ready(filled) => filled.map_err(Unsent::Body)?,
                    // What TLS holds back must not wait for the rest of the body.
                    Poll::Pending if self.is_written() => {
                        if let Err(error) = ready!(Pin::new(&mut *socket).poll_flush(cx)) {
                            return self.failed(error, socket);
                        }
                        return Poll::Pending;
                    }
                    Poll::Pending => {}
                }
            }
            if !self.is_written() {
                match ready!(self.write(cx, socket)) {
                    Ok(0) => return self.failed(io::ErrorKind::WriteZero.into(), socket),
                    Ok(written) => self.advance(written),
                    Err(error) => return self.failed(error, socket),
                }
            }
            if self.is_last && self.is_written() {
                if let Err(error) = ready!(Pin::new(&mut *socket).poll_flush(cx)) {
                    return self.failed(error, socket);
                }
                self.sent_at = Some(if at_once { self.began } else { Instant::now() });
            }
        }
        // What the socket took may have been refused by the kernel since.
        match ready!(Pin::new(&mut *socket).poll_flush(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => self.failed(error, socket),
        }
    }

    /// As much as its share allows: what others send must not wait for megabytes.
    fn write(&mut self, cx: &mut Context<'_>, socket: &mut Writer) -> Poll<io::Result<usize>> {
        let left = ready!(self.share.poll_left(cx));
        let before = &self.before[self.written..];
        // What stands behind the data comes once that is out.
        let cut = self.data.get(..left).map(|some| (some, b"".as_slice()));
        let (data, after) = cut.unwrap_or((&self.data, self.after));
        let slices = [IoSlice::new(before), IoSlice::new(data), IoSlice::new(after)];
        let written = Pin::new(socket).poll_write_vectored(cx, &slices);
        match &written {
            Poll::Ready(bytes) => self.share.spend(*bytes.as_ref().unwrap_or(&0)),
            Poll::Pending => self.share.renew(),
        }
        written
    }

    fn failed(&mut self, error: io::Error, socket: &Writer) -> Poll<Result<(), Unsent>> {
        self.take_back(socket);
        self.sent_at = Some(Instant::now());
        Poll::Ready(Err(Unsent::Socket(error)))
    }

    /// Of a request that is given up, what the target has not been sent is not sent any more.
    pub(super) fn take_back(&mut self, socket: &Writer) {
        self.taken = self.taken.saturating_sub(socket.take_back());
    }

    fn is_written(&self) -> bool {
        self.written == self.before.len() && self.data.is_empty() && self.after.is_empty()
    }

    fn advance(&mut self, mut written: usize) {
        self.taken = self.taken.saturating_add(written);
        let before = written.min(self.before.len() - self.written);
        self.written += before;
        written -= before;
        let data = written.min(self.data.len());
        self.data.advance(data);
        self.after = self.after.get(written - data..).unwrap_or_default();
    }

    /// Gets the next piece of the body ready to be written.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?;
        if self.written == self.before.len() {
            self.before.clear();
            self.written = 0;
        }
        Poll::Ready(match frame.map(Frame::into_data) {
            Some(Ok(data)) => self.piece(data),
            Some(Err(frame)) => self.end(frame.into_trailers().ok()),
            None => self.end(None),
        })
    }

    fn piece(&mut self, data: Bytes) -> Result<(), BodyError> {
        self.is_last = self.body.is_end_stream();
        match &mut self.length {
            Length::Known(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(MISCOUNTED)?;
                if self.is_last && *left > 0 {
                    return Err(MISCOUNTED);
                }
            }
            Length::Chunked => {
                // A chunk of no bytes would be the last one.
                if !data.is_empty() {
                    self.before.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                    self.after = if self.is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
                } else if self.is_last {
                    self.after = b"0\r\n\r\n";
                }
            }
        }
        self.data = data;
        Ok(())
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), BodyError> {
        self.is_last = true;
        match self.length {
            Length::Known(0) => {}
            Length::Known(_) => return Err(MISCOUNTED),
            Length::Chunked => {
                self.before.extend_from_slice(b"0\r\n");
                for (name, value) in &trailers.unwrap_or_default() {
                    if self.trailers.contains(name) {
                        encode::field(&mut self.before, name.as_str(), value.as_bytes());
                    }
                }
                self.after = b"\r\n";
            }
        }
        Ok(())
    }
}

/// A body that has not as many bytes as it said. hyper sees to it that a client's has.
const MISCOUNTED: BodyError = BodyError { side: Side::Gateway, fault: Fault::Broken };

/// The trailers a request announces, without those that mean something before the body is read and
/// so may not come behind it (RFC 9110 section 6.5.1).
fn announced(headers: &HeaderMap) -> Vec<HeaderName> {
    const EARLY: [HeaderName; 6] =
        [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONTENT_TYPE, CONTENT_ENCODING, AUTHORIZATION];
    let names = headers.get_all(TRAILER).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    names
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| !EARLY.contains(name))
        .collect()
}

/// The rest of a request whose answer came before it was sent. Dropped, it is given up.
#[derive(Debug)]
pub(in crate::upstream) struct Upload {
    /// Ends with the socket's other half, so that it stays open for as long as this lives.
    task: JoinHandle<Option<Writer>>,
}

impl Upload {
    /// In a task of its own: who reads the answer must not have to send the request as well.
    pub(super) fn spawn(mut sending: Sending, mut socket: Writer) -> Self {
        let task = spawn_local(async move {
            let sent = std::future::poll_fn(|cx| sending.poll(cx, &mut socket)).await;
            // Where the body broke off the socket is closed for writing: the target sees that, too.
            sent.is_ok().then_some(socket)
        });
        Self { task }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.task.abort();
    }
}
