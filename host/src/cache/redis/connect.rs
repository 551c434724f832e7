//! Connections to Redis.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisResult, TlsCertificates};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::config::model::{Outbound, RedisServer};

/// Longest time until a connection is there.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest time a command takes before Redis is taken for away.
const REPLY: Duration = Duration::from_secs(2);
/// How long a wait for removals takes, where there are none.
pub(super) const LISTEN: Duration = Duration::from_secs(5);

/// Two connections, since the one that waits for removals can do nothing else.
pub(super) struct Link {
    pub(super) commands: MultiplexedConnection,
    pub(super) removals: MultiplexedConnection,
}

/// Nothing is connected yet.
pub(super) fn client(server: &RedisServer, outbound: &Outbound) -> Result<Client, String> {
    let info = server.info().clone();
    let client = if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        // The library asks for the process' provider. That there is one already is no error.
        drop(aws_lc_rs::default_provider().install_default());
        Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: trusted(outbound) })
    } else {
        Client::open(info)
    };
    client.map_err(|error| format!("`state.cache.redis` cannot be used: {error}"))
}

pub(super) async fn link(client: &Client) -> RedisResult<Link> {
    let connect = async |reply| {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(reply));
        client.get_multiplexed_async_connection_with_config(&config).await
    };
    Ok(Link { commands: connect(REPLY).await?, removals: connect(LISTEN + REPLY).await? })
}

/// The system's authorities and the operator's, in PEM; `None` for the system's alone.
fn trusted(outbound: &Outbound) -> Option<Vec<u8>> {
    if outbound.trusted_ca.is_empty() {
        return None;
    }
    let system = rustls_native_certs::load_native_certs().certs;
    let mut pem = String::new();
    for certificate in system.iter().chain(&outbound.trusted_ca) {
        let text = STANDARD.encode(certificate);
        // Writing to a string cannot fail.
        let _ = writeln!(pem, "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
    }
    Some(pem.into_bytes())
}
