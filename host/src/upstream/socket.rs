//! The socket of a connection, with TLS around it or without; read and written apart.
//!
//! Absent on purpose: what is sent and received, which is `h1`'s, and whom to trust, which is `tls`'.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_rustls::client::TlsStream;

use crate::cork;

/// The end that is read.
#[derive(Debug)]
pub(super) enum Reader {
    Plain(OwnedReadHalf),
    Tls(Rc<RefCell<TlsStream<TcpStream>>>),
}

/// The end that is written. Dropped, the target is told that nothing more comes.
#[derive(Debug)]
pub(super) enum Writer {
    Plain(cork::Writer),
    Tls(TlsWriter),
}

#[derive(Debug)]
pub(super) struct TlsWriter(Rc<RefCell<TlsStream<TcpStream>>>);

pub(super) fn plain(stream: TcpStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Reader::Plain(reader), Writer::Plain(cork::Writer::new(writer)))
}

pub(super) fn tls(stream: TlsStream<TcpStream>) -> (Reader, Writer) {
    let stream = Rc::new(RefCell::new(stream));
    (Reader::Tls(Rc::clone(&stream)), Writer::Tls(TlsWriter(stream)))
}

impl Reader {
    /// Whether nothing came since the last read, not even the end. Asks the kernel only where the
    /// runtime was told of news; with TLS always, for what came may be a record without data.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Plain(stream) => is_would_block(stream.try_read(&mut [0; 1])),
            Self::Tls(stream) => {
                let mut stream = stream.borrow_mut();
                let mut nothing = Context::from_waker(Waker::noop());
                is_silent(stream.get_ref().0)
                    && Pin::new(&mut *stream).poll_read(&mut nothing, &mut ReadBuf::new(&mut [0; 1])).is_pending()
            }
        }
    }

    /// The same, by the kernel's word: what the runtime was not told yet counts, too.
    pub(super) fn is_silent(&self) -> bool {
        match self {
            Self::Plain(stream) => is_silent(stream.as_ref()),
            Self::Tls(stream) => is_silent(stream.borrow().get_ref().0),
        }
    }
}

fn is_silent(socket: &TcpStream) -> bool {
    is_would_block(SockRef::from(socket).peek(&mut [MaybeUninit::uninit(); 1]))
}

fn is_would_block(read: io::Result<usize>) -> bool {
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl Writer {
    /// Takes back what the kernel does not have, and says how many bytes that are. TLS gives nothing back: what
    /// it was given is counted as sent.
    pub(super) fn take_back(&self) -> usize {
        match self {
            Self::Plain(stream) => stream.take_back(),
            Self::Tls(_) => 0,
        }
    }

    /// Whether the kernel has not taken something it was offered. What TLS holds back a flush writes.
    pub(super) fn is_stuck(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_stuck(),
            Self::Tls(_) => false,
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(writer) => Pin::new(&mut *writer.0.borrow_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// TLS keeps what it could not write at once.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(writer) => Pin::new(&mut *writer.0.borrow_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(writer) => Pin::new(&mut *writer.0.borrow_mut()).poll_shutdown(cx),
        }
    }
}

impl Drop for TlsWriter {
    /// Says goodbye if that can be done at once, as tokio's own half does for a plain socket.
    fn drop(&mut self) {
        let mut nothing = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(&mut nothing);
    }
}
