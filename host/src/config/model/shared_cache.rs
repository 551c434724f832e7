//! `[state.cache]`: what gateways share of the cache.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo as _};

/// What gateways share of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCache {
    pub redis: RedisServer,
    /// What names in Redis begin with.
    pub prefix: String,
    /// The longest a request waits for Redis.
    pub timeout: Duration,
    /// Largest body that is shared, in bytes.
    pub object: usize,
}

/// An address, and what it takes to be let in.
#[derive(Clone)]
pub struct RedisServer {
    url: String,
    info: ConnectionInfo,
}

impl RedisServer {
    /// `None` if there is no Redis behind such a URL.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let info = url.into_connection_info().ok()?;
        Some(Self { url: url.to_owned(), info })
    }

    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

impl PartialEq for RedisServer {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for RedisServer {}

/// Without the password.
impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisServer").field(&self.info.addr().to_string()).finish()
    }
}
