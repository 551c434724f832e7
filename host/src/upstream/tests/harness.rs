//! Scripted targets, and upstreams in front of them.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use http::Request;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::Instant;

use crate::body::{Body, collect};
use crate::config::model::{self, Balance};
use crate::upstream::{Answer, Call, Registry, TargetState, Upstream, UpstreamError};

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// Longer than any test may wait for something that is to come at once.
pub(super) const LONG: Duration = Duration::from_secs(10);

/// Runs a test as a worker would: one thread, local tasks.
pub(super) fn on_a_worker(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

pub(super) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Lets everything run that is ready to.
pub(super) async fn settle() {
    tokio::time::sleep(ms(20)).await;
}

/// A target: what it does is written per connection.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) connections: Rc<Cell<usize>>,
    /// Heads as they came.
    pub(super) requests: Rc<RefCell<Vec<String>>>,
    /// Connections the other side has closed.
    pub(super) closed: Rc<Cell<usize>>,
}

/// One connection to a target, from the target's side.
pub(super) struct Wire {
    stream: TcpStream,
    /// From 1.
    pub(super) number: usize,
    requests: Rc<RefCell<Vec<String>>>,
    closed: Rc<Cell<usize>>,
}

impl Wire {
    /// Ends the connection as a process does that crashes: what is on its way is refused.
    pub(super) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

impl Server {
    pub(super) async fn start<F: Future<Output = ()> + 'static>(script: impl Fn(Wire) -> F + 'static) -> Self {
        Self::start_at(0, script).await
    }

    pub(super) async fn start_at<F: Future<Output = ()> + 'static>(
        port: u16,
        script: impl Fn(Wire) -> F + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Rc::default(),
            requests: Rc::default(),
            closed: Rc::default(),
        };
        let connections = Rc::clone(&server.connections);
        let (requests, closed) = (Rc::clone(&server.requests), Rc::clone(&server.closed));
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.set(connections.get() + 1);
                let (requests, closed) = (Rc::clone(&requests), Rc::clone(&closed));
                spawn_local(script(Wire { stream, number: connections.get(), requests, closed }));
            }
        });
        server
    }

    /// Answers every request with `answer`.
    pub(super) async fn answering(answer: &'static str) -> Self {
        Self::start(move |mut wire| async move {
            while wire.request().await {
                wire.write(answer).await;
            }
        })
        .await
    }
}

impl Wire {
    /// Reads one request's head and drops what follows of it; false at the end of the connection.
    pub(super) async fn request(&mut self) -> bool {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = self.stream.read_u8().await else {
                self.closed.set(self.closed.get() + 1);
                return false;
            };
            head.push(byte);
        }
        self.requests.borrow_mut().push(String::from_utf8(head).unwrap());
        true
    }

    /// Reads `count` bytes of a body; less at the end of the connection.
    pub(super) async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut body = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.stream.read(&mut body[filled..]).await {
                Ok(read) if read > 0 => filled += read,
                _ => break,
            }
        }
        body.truncate(filled);
        body
    }

    pub(super) async fn write(&mut self, bytes: &str) {
        let _ = self.stream.write_all(bytes.as_bytes()).await;
    }
}

/// A port nobody listens on.
pub(super) fn dead_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Patient settings; tests change what they are about.
pub(super) fn settings(ports: &[u16]) -> model::Upstream {
    model::Upstream {
        name: "test".into(),
        targets: ports.iter().map(|port| target(model::Scheme::Http, "127.0.0.1", *port)).collect(),
        balance: Balance::RoundRobin,
        timeouts: model::UpstreamTimeouts { connect: LONG, first_byte: LONG, idle: LONG, total: LONG },
        ejection: model::Ejection { failures: 0, duration: LONG },
        idle_connections: 8,
        idle_for: LONG,
        connect_retries: 0,
        interim: true,
    }
}

pub(super) fn target(scheme: model::Scheme, host: &str, port: u16) -> model::Target {
    model::Target { scheme, host: host.into(), port }
}

pub(super) fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "client.example").body(Body::empty()).unwrap()
}

pub(super) fn post(body: Body) -> Request<Body> {
    Request::post("/").body(body).unwrap()
}

pub(super) async fn send(upstream: &Upstream, request: Request<Body>) -> Result<Answer, UpstreamError> {
    let (head, body) = request.into_parts();
    upstream
        .send(
            &head,
            body,
            Call {
                began: Instant::now(),
                deadline: None,
                preserve_host: false,
                more: &[],
                interim: None,
                reads_fields: true,
            },
        )
        .await
}

/// Sends `GET /` and reads the whole answer.
pub(super) async fn fetch(upstream: &Upstream) -> String {
    let answer = send(upstream, get("/")).await.unwrap();
    String::from_utf8(collect(answer.body, 1 << 20).await.unwrap().to_vec()).unwrap()
}

/// Of the only target there is.
pub(super) fn state(registry: &Registry) -> TargetState {
    let mut states: Vec<_> = registry.targets().collect();
    assert_eq!(states.len(), 1);
    states.pop().unwrap()
}
