//! Where a target is, and how a connection to it is opened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::h1::Connection;
use crate::body::timer::later;

/// Where a target is.
#[derive(Debug)]
pub(super) enum Address {
    Literal(SocketAddr),
    /// Looked up for every new connection: keep-alive makes those few, and an answer that
    /// changed is noticed. Caching is the system resolver's.
    Name(String, u16),
}

impl Address {
    pub(super) fn new(host: &str, port: u16) -> Self {
        match host.parse::<IpAddr>() {
            Ok(ip) => Self::Literal(SocketAddr::new(ip, port)),
            Err(_) => Self::Name(host.to_owned(), port),
        }
    }
}

/// Opens a connection.
///
/// # Errors
/// What the last address tried failed with; [`io::ErrorKind::TimedOut`] after `patience`.
pub(super) async fn connect(address: &Address, patience: Duration) -> io::Result<Box<Connection>> {
    let until = later(Instant::now(), patience);
    let stream = match address {
        Address::Literal(address) => timeout_at(until, TcpStream::connect(address)).await??,
        Address::Name(host, port) => {
            let found = timeout_at(until, lookup_host((host.as_str(), *port))).await??.collect();
            connect_any(found, until).await?
        }
    };
    stream.set_nodelay(true)?;
    Ok(Box::new(Connection::new(stream)))
}

/// Tries each address for its share of the time that is left: one that swallows packets must not
/// use up what the others need.
async fn connect_any(addresses: Vec<SocketAddr>, until: Instant) -> io::Result<TcpStream> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let now = Instant::now();
        let share = until.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(later(now, share), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(refused)) => error = refused,
            Err(elapsed) => error = elapsed.into(),
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_addresses_of_both_families_need_no_lookup() {
        assert!(matches!(Address::new("127.0.0.1", 1), Address::Literal(_)));
        assert!(matches!(Address::new("::1", 1), Address::Literal(_)));
        assert!(matches!(Address::new("localhost", 1), Address::Name(..)));
    }

    #[tokio::test]
    async fn the_next_address_is_tried_where_one_refuses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        let stream = connect_any(vec![closed, good], until).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(connect_any(vec![closed], until).await.is_err());
        assert!(connect_any(vec![], until).await.is_err());
    }
}
