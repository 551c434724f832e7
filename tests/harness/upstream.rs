//! Upstreams: services that answer, and services that misbehave.

use std::fmt;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::tls::Identity;
use crate::wait::until;
use crate::wire::Wire;

/// A service on a port of its own. It ends, with its connections, when it is dropped. Written as
/// `http://127.0.0.1:PORT`, which is what a config wants as a target.
#[derive(Debug)]
pub struct Upstream {
    pub port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// A request, as an upstream saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// The target as it stood in the request line: path and query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// On which connection it came, from 1.
    pub connection: usize,
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    heads: Arc<Mutex<Vec<String>>>,
    connections: AtomicUsize,
    open: AtomicUsize,
}

impl Upstream {
    /// Answers every request with 200 and this body.
    pub async fn answering(body: &'static str) -> Self {
        Self::handling(move |_| Response::new(body.into())).await
    }

    /// Answers with the body it was sent, and the path in `x-path`.
    pub async fn echoing() -> Self {
        Self::handling(|seen| Response::builder().header("x-path", &seen.path).body(seen.body.clone().into()).unwrap())
            .await
    }

    /// Answers with 200 and this body, so long after the request.
    pub async fn slow(delay: Duration, body: &'static str) -> Self {
        Self::serving(0, move |_| async move {
            tokio::time::sleep(delay).await;
            Response::new(body.into())
        })
        .await
    }

    pub async fn handling(handler: impl Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        Self::serving(0, move |seen| std::future::ready(handler(&seen))).await
    }

    /// As [`Self::answering`], on a port that was known before.
    pub async fn answering_at(port: u16, body: &'static str) -> Self {
        Self::serving(port, move |_| std::future::ready(Response::new(body.into()))).await
    }

    /// Answers with the body it was sent, to whoever takes this for its proof of being `localhost`;
    /// its address is `https://localhost:PORT`.
    pub async fn tls(identity: &Identity) -> Self {
        let acceptor = identity.acceptor();
        Self::listening(0, move |state, stream, connection| {
            let (acceptor, handler) = (acceptor.clone(), Arc::new(echo));
            async move {
                // Whoever does not believe the certificate hangs up.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(state, stream, connection, handler).await;
                }
            }
        })
        .await
    }

    /// Reads requests and never answers.
    pub async fn hanging() -> Self {
        Self::scripted(|mut wire| async move {
            wire.head().await;
            wire.closed().await;
        })
        .await
    }

    /// Does what the script says with each connection, which ends with the script.
    pub async fn scripted<F: Future<Output = ()> + Send + 'static>(
        script: impl Fn(Wire) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::listening(0, move |state, stream, number| {
            script(Wire { stream, number, heads: Arc::clone(&state.heads), read: Vec::new() })
        })
        .await
    }

    /// A port that refuses connections for as long as the socket is held: bound, and not listened on, so that
    /// nobody else gets it meanwhile.
    pub fn refusing() -> (u16, TcpSocket) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        (socket.local_addr().unwrap().port(), socket)
    }

    /// A port on which nobody listens.
    pub async fn refusing_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    /// The requests it was sent, in order. Scripted upstreams keep [`Self::heads`] instead.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The last request it was sent.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the upstream was asked")
    }

    /// The heads a scripted upstream has read, byte for byte.
    pub fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }

    /// Connections made to it so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many connections to it are open.
    pub async fn open(&self, count: usize) {
        let open = || (self.state.open.load(Ordering::SeqCst) == count).then_some(());
        until(&format!("{count} open connections to the upstream"), open).await;
    }

    async fn serving<F: Future<Output = Response<Full<Bytes>>> + Send + 'static>(
        port: u16,
        handler: impl Fn(Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let handler = Arc::new(handler);
        Self::listening(port, move |state, stream, connection| serve(state, stream, connection, Arc::clone(&handler)))
            .await
    }

    async fn listening<F: Future<Output = ()> + Send + 'static>(
        port: u16,
        serve: impl Fn(Arc<State>, TcpStream, usize) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let task = tokio::spawn(accept(listener, Arc::clone(&state), serve));
        Self { port, state, task }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    state: Arc<State>,
    serve: impl Fn(Arc<State>, TcpStream, usize) -> F,
) {
    // Connections end with the listener.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream.set_nodelay(true));
        let number = state.connections.fetch_add(1, Ordering::SeqCst) + 1;
        state.open.fetch_add(1, Ordering::SeqCst);
        let (state, served) = (Arc::clone(&state), serve(Arc::clone(&state), stream, number));
        connections.spawn(async move {
            served.await;
            state.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Answers the requests of one connection.
async fn serve<S: AsyncRead + AsyncWrite + Unpin, F: Future<Output = Response<Full<Bytes>>>>(
    state: Arc<State>,
    stream: S,
    connection: usize,
    handler: Arc<impl Fn(Seen) -> F>,
) {
    let service = service_fn(move |request| {
        let (state, handler) = (Arc::clone(&state), Arc::clone(&handler));
        async move {
            let seen = read(request, connection).await?;
            state.seen.lock().unwrap().push(seen.clone());
            Ok::<_, hyper::Error>(handler(seen).await)
        }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn echo(seen: Seen) -> Response<Full<Bytes>> {
    Response::builder().header("x-path", &seen.path).body(seen.body.into()).unwrap()
}

async fn read(request: Request<Incoming>, connection: usize) -> hyper::Result<Seen> {
    let (head, body) = request.into_parts();
    let path = head.uri.to_string();
    let body = body.collect().await?.to_bytes();
    Ok(Seen { method: head.method.to_string(), path, headers: head.headers, body, connection })
}

impl Seen {
    /// The first value of a field, or `""`.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
