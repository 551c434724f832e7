//! Where a target is, and how a connection to it is opened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use super::h1::Connection;
use super::reach::Reach;
use super::socket;
use super::tls::Proof;
use crate::body::timer::later;

/// Where a target is, and which addresses it may have.
#[derive(Debug)]
pub(super) struct Address {
    place: Place,
    reach: Reach,
}

#[derive(Debug)]
enum Place {
    Literal(SocketAddr),
    /// Looked up for every new connection: keep-alive makes those few, and an answer that
    /// changed is noticed. Caching is the system resolver's.
    Name(String, u16),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// What the last address tried failed with; [`io::ErrorKind::TimedOut`] for out of time.
    Failed(io::Error),
    /// The target is there, where it may not be.
    OutOfReach(IpAddr),
}

impl Address {
    pub(super) fn new(host: &str, port: u16, reach: Reach) -> Self {
        let place = match host.parse::<IpAddr>() {
            Ok(ip) => Place::Literal(SocketAddr::new(ip, port)),
            Err(_) => Place::Name(host.to_owned(), port),
        };
        Self { place, reach }
    }

    /// The addresses that may be connected to, at least one.
    async fn look_up(&self) -> Result<Vec<SocketAddr>, Unconnected> {
        let mut found: Vec<SocketAddr> = match &self.place {
            Place::Literal(address) => vec![*address],
            Place::Name(host, port) => lookup_host((host.as_str(), *port)).await?.collect(),
        };
        let first = *found.first().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
        found.retain(|address| self.reach.includes(address.ip()));
        if found.is_empty() { Err(Unconnected::OutOfReach(first.ip())) } else { Ok(found) }
    }
}

impl From<io::Error> for Unconnected {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Elapsed> for Unconnected {
    fn from(elapsed: Elapsed) -> Self {
        Self::Failed(elapsed.into())
    }
}

/// Opens a connection, with TLS where a proof is demanded, within `patience`.
pub(super) async fn connect(
    address: &Address,
    proof: Option<&Proof>,
    patience: Duration,
) -> Result<Box<Connection>, Unconnected> {
    let until = later(Instant::now(), patience);
    let found = timeout_at(until, address.look_up()).await??;
    let stream = connect_any(found, until).await?;
    stream.set_nodelay(true)?;
    let halves = match proof {
        None => socket::plain(stream),
        Some(proof) => socket::tls(timeout_at(until, proof.demand(stream)).await??),
    };
    Ok(Box::new(Connection::new(halves)))
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
        let place = |host| Address::new(host, 1, Reach::Any).place;
        assert!(matches!(place("127.0.0.1"), Place::Literal(_)));
        assert!(matches!(place("::1"), Place::Literal(_)));
        assert!(matches!(place("localhost"), Place::Name(..)));
    }

    #[tokio::test]
    async fn every_spelling_of_a_local_address_is_out_of_the_publics_reach() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "::1",
            "::ffff:127.0.0.1",
            "localhost",
        ] {
            assert!(Address::new(host, 80, Reach::Any).look_up().await.is_ok(), "{host}");
            let found = Address::new(host, 80, Reach::Public).look_up().await;
            assert!(matches!(found, Err(Unconnected::OutOfReach(_))), "{host}: {found:?}");
        }
        assert!(Address::new("8.8.8.8", 80, Reach::Public).look_up().await.is_ok());
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
