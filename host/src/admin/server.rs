//! Accepts and serves the admin connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Admin, pages};

/// Open admin connections; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 64;
/// From the connection to the whole request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// From the connection to the last byte of the answer. A client that does not read is cut off.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request head.
const MAX_HEAD: usize = 16 * 1024;
/// Pause after a failed accept: mostly the descriptors have run out, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts for as long as it is polled.
pub(super) async fn accept(listener: TcpListener, admin: Arc<Admin>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The semaphore is never closed, which is its only error.
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                tokio::spawn(async move {
                    connection(stream, &admin).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept an admin connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One request: a scrape every few seconds needs no keep-alive, and nothing has to be closed later.
async fn connection(stream: TcpStream, admin: &Admin) {
    let service = service_fn(async |request| Ok::<_, Infallible>(pages::answer(admin, &request).await));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(TOTAL_TIMEOUT, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection failed"),
        Err(_) => tracing::debug!("an admin connection took too long"),
    }
}
