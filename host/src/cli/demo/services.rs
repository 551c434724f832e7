//! The services behind the demo's gateway.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What a service answers to a path; `None` for 404.
type Answer = fn(&str, &HeaderMap) -> Option<Value>;

/// The services, on a thread of their own. They end when this is dropped.
pub(super) struct Services {
    pub(super) users: SocketAddr,
    pub(super) orders: SocketAddr,
    pub(super) products: SocketAddr,
    /// Dropped, it stops the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Services {
    pub(super) fn start() -> io::Result<Self> {
        let (users_listener, users) = listen()?;
        let (orders_listener, orders) = listen()?;
        let (products_listener, products) = listen()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("demo-services".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(users_listener, user) => {}
                    () = serve(orders_listener, order) => {}
                    () = serve(products_listener, product) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { users, orders, products, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

fn user(path: &str, headers: &HeaderMap) -> Option<Value> {
    let id = path.strip_prefix("/users/")?;
    let name = if id == "alice" { "Alice" } else { "Somebody" };
    Some(json!({ "id": id, "name": name, "seen": seen(headers) }))
}

fn order(path: &str, headers: &HeaderMap) -> Option<Value> {
    path.strip_prefix("/orders/")?;
    let orders = [json!({ "id": 17, "product": "lamp" }), json!({ "id": 18, "product": "chair" })];
    Some(json!({ "orders": orders, "seen": seen(headers) }))
}

fn product(path: &str, headers: &HeaderMap) -> Option<Value> {
    (path == "/products").then(|| json!({ "products": ["lamp", "chair", "table"], "seen": seen(headers) }))
}

/// Who the gateway says it is, and that the request came through it.
fn seen(headers: &HeaderMap) -> Value {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    json!({
        "x-user": text("x-user"),
        "x-forwarded-for": text("x-forwarded-for"),
        "authorization": headers.contains_key(AUTHORIZATION),
    })
}

fn listen() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(listener: std::net::TcpListener, answer: Answer) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a demo service cannot listen"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| async move {
                    Ok::<_, Infallible>(response(answer(request.uri().path(), request.headers())))
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // The gateway closes connections when it likes.
                tokio::spawn(async { drop(connection.await) });
            }
            Err(error) => return tracing::error!(%error, "a demo service cannot accept"),
        }
    }
}

fn response(answer: Option<Value>) -> Response<Full<Bytes>> {
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let body = answer.unwrap_or_else(|| json!({ "error": "not_found" }));
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
