//! Accepting connections and handing each to the worker with the fewest.
//!
//! A hop for each connection, not for each request: it keeps the balance exact with a few
//! long-lived connections, and loses nothing at hand-over, as closing one of several accept
//! queues would.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
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
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the kernel to forget the last run's connections.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // `[::]` means both families, whatever the machine's default is.
        socket.set_only_v6(false)?;
    }
    // Answers are written whole; Nagle's algorithm would only hold the last piece back. Linux hands the setting on
    // to each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts until the gateway stops. Runs on the control runtime.
pub async fn accept(
    listener: AsyncFd<TcpListener>,
    workers: Arc<Vec<Handle>>,
    places: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let next = async {
            // The place is taken first: without one, connections wait in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.async_io(Interest::READABLE, take_next).await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let Ok(place) = place else { return };
        match accepted {
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

/// tokio's own way would make the socket known to this thread's runtime first, and then unknown again, since a
/// worker is to have it: two system calls for each connection.
fn take_next(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let peer = peer.ok_or(io::ErrorKind::NotConnected)?;
    Ok((stream.into(), SocketAddr::try_from(peer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_does_not_block_and_has_no_nagle() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(take_next(&listener).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut stream, peer) = take_next(&listener).unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(stream.nodelay().unwrap());
        assert_eq!(io::Read::read(&mut stream, &mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
