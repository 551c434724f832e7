//! One client's connection: HTTP/1.1 with keep-alive, until either side has had enough.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::interim::Informing;
use super::patience::Impatient;
use crate::cork::corked;
use crate::exchange::{self, Client};
use crate::upstream::Interim;
use crate::worker::Worker;
use crate::worker::thread::Accepted;

/// Bytes of a request's body that are read at once, at the most. hyper's read buffer has one limit for them and
/// for a head; a head that is longer than it may be is refused once it is read.
const PIECE: usize = 64 * 1024;

/// Serves a connection to its end. While draining, the answer under way is the last one.
pub async fn serve(worker: Rc<Worker>, accepted: Accepted) {
    let Accepted { stream, peer, place } = accepted;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "a connection could not be taken over"),
    };
    let address = peer.ip().to_canonical();
    let interim = Interim::default();
    let client = Client::new(address).with_interim(interim.clone());
    let service = service_fn(async |request| Ok::<_, Infallible>(exchange::serve(&worker, &client, request).await));
    let snapshot = worker.snapshot();
    let limits = &snapshot.shared.config.server.limits;
    let stream = Impatient::new(corked(stream), &client, limits.head_timeout, limits.idle_timeout);
    let stream = Informing::new(stream, interim);
    let connection = http1::Builder::new()
        // `Impatient` bounds it, with one timer for the connection instead of one for each request.
        .header_read_timeout(None)
        // A client that ends its half of the connection is taken to have gone, as nginx takes it when it
        // proxies. The end of a connection looks the same, and those who give up are many, those who
        // only stop writing few: waiting for the former would keep their upstream calls going.
        .half_close(false)
        .max_buf_size(limits.head.max(PIECE))
        .max_headers(limits.header_count)
        .serve_connection(TokioIo::new(stream), service);
    // A connection may live for days; the snapshot must not.
    drop(snapshot);
    let metrics = &worker.metrics;
    metrics.connection_opened();
    let mut connection = pin!(connection);
    let (open, mut is_told) = (worker.connections.open(), false);
    let ended = poll_fn(|cx| {
        if !is_told && open.is_draining(cx) {
            is_told = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = ended {
        // Clients hang up, and send what is not HTTP: hyper has answered 400, 408 or 431 where it could.
        tracing::debug!(client = %address, %error, "connection ended early");
    }
    metrics.connection_closed();
    drop(place);
}
