//! `[state]`.

use super::{Resolver, server};
use crate::config::{file, model};

/// Longest prefix of names in Redis, in bytes.
const MAX_PREFIX: usize = 128;

impl Resolver<'_> {
    /// Its tables are decoded one by one: an error in one key hides no error in another.
    pub(super) fn state(&mut self) -> Option<model::State> {
        self.part::<file::State>("/state")?;
        if self.document.root.pointer("/state/cache").is_none() {
            return Some(model::State::default());
        }
        let written = self.part::<file::SharedCache>("/state/cache")?;
        self.shared_cache(&written).map(|cache| model::State { cache: Some(cache) })
    }

    fn shared_cache(&mut self, written: &file::SharedCache) -> Option<model::SharedCache> {
        let before = self.errors.len();
        let file::SharedCache { redis, prefix, timeout, object } = written;
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || prefix.contains(char::is_control) {
            let message = format!("{} cannot be a prefix", self.shown("/state/cache/prefix", prefix));
            let help = format!("a prefix is 1 to {MAX_PREFIX} bytes without control characters, such as `tollgate`");
            self.error_with_help("/state/cache/prefix", message, help);
        }
        let server = model::RedisServer::parse(redis);
        if server.is_none() {
            let message = format!("{} is not the address of a Redis", self.shown("/state/cache/redis", redis));
            let help = "write `redis://HOST`, with what is needed of `redis://USER:PASSWORD@HOST:PORT/DATABASE`; \
                        `rediss://` for TLS; in a password `/` is written `%2F`, `@` `%40`, `:` `%3A`, `%` `%25`";
            self.error_with_help("/state/cache/redis", message, help);
        }
        let redis = server.filter(|_| self.errors.len() == before)?;
        let (prefix, object) = (prefix.clone(), server::bytes(*object));
        Some(model::SharedCache { redis, prefix, timeout: timeout.0, object })
    }
}
