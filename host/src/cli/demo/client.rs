//! A small HTTP client: one request, one connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// From the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer's body; the metrics are the longest.
const MAX_BODY: usize = 1024 * 1024;

/// A GET request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) to: SocketAddr,
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Request {
    pub(super) fn get(to: SocketAddr, path: &'static str) -> Self {
        Self { to, path, headers: Vec::new() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

pub(super) async fn send(request: &Request) -> Result<Reply, Error> {
    tokio::time::timeout(TIMEOUT, exchange(request)).await?
}

async fn exchange(request: &Request) -> Result<Reply, Error> {
    let stream = TcpStream::connect(request.to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut head = http::Request::get(request.path).header("host", request.to.to_string());
    for (name, value) in &request.headers {
        head = head.header(*name, value);
    }
    let (answer, body) = sender.send_request(head.body(Empty::<Bytes>::new())?).await?.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
    drop(sender);
    connection.await??;
    Ok(Reply {
        status: answer.status.as_u16(),
        reason: answer.status.canonical_reason().unwrap_or_default(),
        headers: answer.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
