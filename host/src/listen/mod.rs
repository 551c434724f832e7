//! Accepting connections and handing each to the worker with the fewest.
//!
//! A hop for each connection, not for each request: it keeps the balance exact with a few
//! long-lived connections, and loses nothing at hand-over, as closing one of several accept
//! queues would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::worker::thread::{Accepted, Handle};

pub mod connection;
mod interim;
mod patience;

/// Connections the kernel keeps for us until they are accepted.
const BACKLOG: i32 = 4096;
/// Pause after an error that is not about one connection, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Binds an address. Port 0 takes a free one.
pub fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the kernel to forget the last run's connections.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // `[::]` means both families, whatever the machine's default is.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts until the gateway stops. Runs on the control runtime.
pub async fn accept(
    listener: TcpListener,
    workers: Arc<Vec<Handle>>,
    places: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let next = async {
            // The place is taken first: without one, connections wait in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let Ok(place) = place else { return };
        match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
            Ok((stream, peer)) => {
                let least = workers.iter().min_by_key(|worker| worker.open_connections());
                if let Some(worker) = least {
                    worker.serve(Accepted { stream, peer, place });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
