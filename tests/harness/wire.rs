//! One connection, from the upstream's side, for upstreams that follow a script.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::raw::find;
use crate::wait::LONG;

/// What a script has in hand.
#[derive(Debug)]
pub struct Wire {
    pub(crate) stream: TcpStream,
    /// Which connection of the upstream it is, from 1.
    pub number: usize,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    pub(crate) read: Vec<u8>,
}

impl Wire {
    /// The next request's head, byte for byte; `None` when the gateway has ended the connection.
    pub async fn head(&mut self) -> Option<String> {
        let head = self.read_until("\r\n\r\n").await?;
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Everything up to and including these bytes; `None` if the connection ends before.
    pub async fn read_until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = find(&self.read, end.as_bytes()) {
                let rest = self.read.split_off(at + end.len());
                return Some(String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned());
            }
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The length of a chunked body, each byte of which is this one.
    pub async fn chunks_all(&mut self, byte: u8) -> usize {
        let mut length = 0;
        loop {
            let size = self.read_until("\r\n").await.expect("a chunk's size");
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            while self.read.len() < size + 2 {
                assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0, "the body broke off");
            }
            assert!(self.read[..size].iter().all(|found| *found == byte));
            self.read.drain(..size + 2);
            if size == 0 {
                return length;
            }
            length += size;
        }
    }

    /// An error here means that the gateway has gone, which is the test's to notice.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.write_all(bytes.as_ref()).await);
    }

    /// Waits until the gateway ends the connection, or has it reset.
    pub async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while self.stream.read(&mut rest).await.unwrap_or(0) > 0 {}
    }

    /// Does nothing for longer than any test takes.
    pub async fn hang(&self) {
        tokio::time::sleep(LONG * 2).await;
    }
}
