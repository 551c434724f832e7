//! The numbers of what plugins have stored, read where they are kept.

use super::text::{Kind, Text};
use crate::cache::Sums;

type Caches = [(String, Sums)];

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

/// Only plugins that have stored or waited for something.
pub(super) fn write(text: &mut Text, caches: &Caches) {
    if caches.is_empty() {
        return;
    }
    for (name, kind, help, value) in FAMILIES {
        text.family(name, kind, help);
        for (plugin, sums) in caches {
            text.sample(&[("plugin", plugin)], value(sums));
        }
    }
}
