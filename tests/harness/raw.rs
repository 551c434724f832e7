//! A client that writes what it likes, byte by byte.

use std::net::SocketAddr;

use bytes::{Buf as _, BytesMut};
use http::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::Answer;
use crate::wait::within;

/// A TCP connection, from the client's side.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: BytesMut,
}

impl Raw {
    pub async fn to(address: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: BytesMut::new() }
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within("the bytes to be taken", self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Ends its half of the connection, and can still read.
    pub async fn finish_writing(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Everything up to and including these bytes. Fails if the connection ends before.
    pub async fn read_until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = find(&self.read, end.as_bytes()) {
                return text(&self.read.split_to(at + end.len()));
            }
            assert!(self.more().await, "the connection ended before {end:?}: {:?}", text(&self.read));
        }
    }

    /// Everything until the gateway ends the connection.
    pub async fn read_to_end(&mut self) -> String {
        while self.more().await {}
        text(&self.read.split())
    }

    /// One answer: its body is as long as `content-length` or the chunks say.
    pub async fn answer(&mut self) -> Answer {
        let head = self.read_until("\r\n\r\n").await;
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(http::HeaderName::try_from(name).unwrap(), value.try_into().unwrap());
        }
        let mut answer = Answer { status, version: http::Version::HTTP_11, headers, body: bytes::Bytes::new() };
        answer.body = if answer.header("transfer-encoding") == "chunked" {
            self.chunks().await
        } else {
            let length = answer.header("content-length").parse().unwrap_or(0);
            self.exactly(length).await
        };
        answer
    }

    async fn chunks(&mut self) -> bytes::Bytes {
        let mut body = BytesMut::new();
        loop {
            let size = self.read_until("\r\n").await;
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            body.extend_from_slice(&self.exactly(size).await);
            assert_eq!(self.read_until("\r\n").await, "\r\n");
            if size == 0 {
                return body.freeze();
            }
        }
    }

    /// So many bytes.
    pub async fn exactly(&mut self, length: usize) -> bytes::Bytes {
        while self.read.len() < length {
            assert!(self.more().await, "the connection ended within a body");
        }
        self.read.copy_to_bytes(length)
    }

    /// Reads some more; false at the end of the connection. A reset is an end, too.
    async fn more(&mut self) -> bool {
        within("more bytes, or the end", self.stream.read_buf(&mut self.read)).await.unwrap_or(0) > 0
    }
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
