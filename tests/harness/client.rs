//! A well-behaved client: hyper on one connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::wait::within;

/// One connection with keep-alive.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A request with a `host` that is the gateway's, unless another is set.
pub fn request<B>(method: &str, path: &str, body: B) -> Request<B> {
    Request::builder().method(method).uri(path).body(body).unwrap()
}

impl Client {
    pub async fn to(address: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, address }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request("GET", path, "")).await
    }

    pub async fn send<B: Into<Bytes>>(&mut self, request: Request<B>) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no whole answer: {error}"))
    }

    /// As [`Self::send`], where the answer may break off.
    pub async fn try_send<B: Into<Bytes>>(&mut self, request: Request<B>) -> hyper::Result<Answer> {
        let mut request = request.map(|body| Full::new(body.into()));
        if !request.headers().contains_key("host") {
            let host = self.address.to_string();
            request.headers_mut().insert("host", host.try_into().unwrap());
        }
        within("the connection to be free", self.sender.ready()).await?;
        let answer = within("the answer's head", self.sender.send_request(request)).await?;
        let (head, body) = answer.into_parts();
        let body = within("the answer's body", body.collect()).await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), version: head.version, headers: head.headers, body })
    }
}

impl Answer {
    /// The body, which must be UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {:?}", self.body))
    }

    /// The first value of a field, or `""`.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
