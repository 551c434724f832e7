//! The numbers of what plugins have stored, read where they are kept.

use super::text::{Kind, Text};
use crate::cache::{Sums, redis};

/// The numbers of the cache.
#[derive(Debug, Default)]
pub struct Caches {
    /// Of plugins that have stored or waited for something, by name.
    pub plugins: Vec<(String, Sums)>,
    /// `None` where nothing is shared with other gateways.
    pub redis: Option<redis::Sums>,
}

/// A family, what it is, what it says and where its number is.
type Family = (&'static str, Kind, &'static str, fn(&Sums) -> u64);

const FAMILIES: [Family; 10] = [
    ("tollgate_cache_keys", Kind::Gauge, "Keys of stored responses.", |sums| sums.entries),
    ("tollgate_cache_bytes", Kind::Gauge, "Bytes of stored responses, about.", |sums| sums.bytes),
    ("tollgate_cache_waiting", Kind::Gauge, "Requests that wait for what another one fetches.", |sums| sums.waiting),
    ("tollgate_cache_stored_total", Kind::Counter, "Responses stored.", |sums| sums.stored),
    ("tollgate_cache_refreshed_total", Kind::Counter, "Stored responses kept for longer.", |sums| sums.refreshed),
    (
        "tollgate_cache_unfinished_total",
        Kind::Counter,
        "Bodies that broke off or were too long to be stored.",
        |sums| sums.unfinished,
    ),
    ("tollgate_cache_coalesced_total", Kind::Counter, "Requests served by what another one fetched.", |sums| {
        sums.coalesced
    }),
    ("tollgate_cache_gave_up_waiting_total", Kind::Counter, "Requests that waited for another one in vain.", |sums| {
        sums.gave_up_waiting
    }),
    ("tollgate_cache_removed_total", Kind::Counter, "Keys removed by plugins and operators.", |sums| sums.removed),
    ("tollgate_cache_evicted_total", Kind::Counter, "Keys removed for want of room.", |sums| sums.evicted),
];

pub(super) fn write(text: &mut Text, caches: &Caches) {
    if !caches.plugins.is_empty() {
        for (name, kind, help, value) in FAMILIES {
            text.family(name, kind, help);
            for (plugin, sums) in &caches.plugins {
                text.sample(&[("plugin", plugin)], value(sums));
            }
        }
    }
    if let Some(redis) = &caches.redis {
        write_redis(text, redis);
    }
}

fn write_redis(text: &mut Text, redis: &redis::Sums) {
    text.family("tollgate_cache_redis_connected", Kind::Gauge, "1 while the cache is shared through Redis.");
    text.sample(&[], u64::from(redis.is_connected));
    text.family("tollgate_cache_redis_lookups_total", Kind::Counter, "Keys looked up in Redis before a fetch.");
    let lookups = [
        ("hit", redis.hits),
        ("miss", redis.misses),
        ("late", redis.late),
        ("failed", redis.failed),
        ("skipped", redis.skipped),
    ];
    for (result, count) in lookups {
        text.sample(&[("result", result)], count);
    }
    text.family("tollgate_cache_redis_stored_total", Kind::Counter, "Responses written to Redis.");
    text.sample(&[], redis.stored);
    text.family("tollgate_cache_redis_dropped_total", Kind::Counter, "Responses that could not be written to Redis.");
    text.sample(&[], redis.dropped);
    text.family("tollgate_cache_redis_removals_total", Kind::Counter, "Removals, made here and heard of.");
    text.sample(&[("origin", "here")], redis.removed);
    text.sample(&[("origin", "elsewhere")], redis.heard);
    text.family("tollgate_cache_redis_removals_pending", Kind::Gauge, "Removals that wait for Redis.");
    text.sample(&[], redis.pending);
}
