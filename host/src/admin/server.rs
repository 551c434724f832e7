//! Accepts and serves the admin connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{AdminState, pages};

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

/// Serves admin requests for as long as it is polled. Dropping it stops accepting; answers under
/// way are finished.
pub async fn serve(listener: TcpListener, state: Arc<AdminState>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The semaphore is never closed, which is its only error.
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    connection(stream, &state).await;
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
async fn connection(stream: TcpStream, state: &AdminState) {
    let service = service_fn(async |request| Ok::<_, Infallible>(pages::answer(state, &request)));
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::telemetry::Registry;

    async fn ask(request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = AdminState::new(
            PathBuf::from("tollgate.toml"),
            Arc::new(Registry::default()),
        );
        let server = tokio::spawn(serve(listener, Arc::new(state)));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    #[tokio::test]
    async fn it_answers_over_tcp_and_closes() {
        let answer = ask("GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
    }

    #[tokio::test]
    async fn head_has_the_length_and_no_body() {
        let answer = ask("HEAD /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer.contains("content-length: 3\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_refused() {
        let answer = ask(&format!(
            "GET /{} HTTP/1.1\r\nhost: a\r\n\r\n",
            "a".repeat(MAX_HEAD)
        ))
        .await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}
