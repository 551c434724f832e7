//! The way out: what becomes of the response that was fetched.

use tollgate_plugin_sdk::response::{self, Source as Maker};
use tollgate_plugin_sdk::{ResponseVerdict, cache, log};

use crate::answered::Answered;
use crate::condition;
use crate::config::Config;
use crate::judged::Judged;
use crate::lookup::{Wanted, shape};
use crate::notes::{self, Kind, Meta, Note, Stale};
use crate::url;

/// Fields a 304 does not change: they describe the stored body (RFC 9111 section 3.2).
const OF_THE_BODY: [&str; 2] = ["content-encoding", "content-range"];

/// What becomes of the response at hand.
pub(crate) fn land(config: &Config, note: &Note<'_>) -> ResponseVerdict {
    let answered = Answered::read();
    hide_tags(config, &answered);
    let by_gateway = response::made_by() == Maker::Gateway;
    let is_stored = match note.kind {
        Kind::Past => false,
        Kind::Post | Kind::Unsafe => !by_gateway && changed(config, note, &answered),
        Kind::Get | Kind::Head => {
            if let Some(verdict) = with_stale(config, note, &answered, by_gateway) {
                return verdict;
            }
            fetched(config, note, &answered, by_gateway)
        }
    };
    tell(&format!("{}; fwd={}{}", config.name, note.forward.name(), if is_stored { "; stored" } else { "" }));
    ResponseVerdict::Next
}

/// The answer to a GET or HEAD that is passed on. True if it is stored.
fn fetched(config: &Config, note: &Note<'_>, answered: &Answered, by_gateway: bool) -> bool {
    if note.kind != Kind::Get || by_gateway {
        return false;
    }
    let is_stored = store(config, note, answered);
    if !is_stored && answered.status < 500 {
        // Not for this time only: those who come next need not wait to be told the same.
        cache::release(config.apart.as_millis());
    }
    is_stored
}

/// The tags are the operator's, of all that passes here. Those of what is stored were read before.
fn hide_tags(config: &Config, answered: &Answered) {
    if answered.has(&config.tags)
        && let Err(error) = response::remove_header(&config.tags)
    {
        log::warn(&format!("the client sees the tags: {error}"));
    }
}

/// What is made of the response where one is stored that was not good enough. `None`: what is made of
/// any other.
fn with_stale(config: &Config, note: &Note<'_>, answered: &Answered, by_gateway: bool) -> Option<ResponseVerdict> {
    let stale = note.stale.as_ref()?;
    let meta = &notes::read::<Meta<'_>>(stale.meta)?;
    if answered.status == 304 && stale.validates && !by_gateway {
        return refreshed(config, note, stale, meta, answered);
    }
    let age_ms = stale.age_ms + note.elapsed_ms();
    let staleness_ms = age_ms.saturating_sub(meta.life.fresh_ms);
    let window_ms = match (by_gateway, answered.status) {
        (true, 502 | 504) => meta.life.if_unreachable_ms.max(stale.client_if_error_ms),
        (false, 500 | 502 | 503 | 504) => meta.life.if_error_ms.max(stale.client_if_error_ms),
        _ => 0,
    };
    if staleness_ms < window_ms {
        cache::release(config.apart.as_millis());
        // An upstream that gave no answer has no status (RFC 9211 section 2.3).
        let told = if by_gateway { String::new() } else { format!("; fwd-status={}", answered.status) };
        let status = format!("{}; fwd=stale{told}; detail=stale", config.name);
        return serve(note, meta, stale, stale.entry, age_ms, status);
    }
    if note.kind == Kind::Head && !by_gateway {
        told_by_head(config, note, stale, meta, answered);
    }
    None
}

/// The upstream says that what is stored is still good.
fn refreshed(
    config: &Config,
    note: &Note<'_>,
    stale: &Stale<'_>,
    meta: &Meta<'_>,
    answered: &Answered,
) -> Option<ResponseVerdict> {
    let status = format!("{}; fwd=stale; fwd-status=304", config.name);
    if !condition::is_about(answered.first("etag"), meta.etag) {
        return not_refreshed(note, stale, meta, answered, &status);
    }
    let judged = Judged::of_refresh(config, note, answered, meta);
    let storable = judged.and_then(|judged| Some((judged.storing(config, &OF_THE_BODY)?, judged)));
    let Some((storing, judged)) = storable else {
        // It may not be stored any more; it was good for this request.
        cache::remove(note.key);
        return serve(note, meta, stale, stale.entry, 0, status);
    };
    let entry = cache::refresh(stale.entry, &storing).ok()?;
    serve(note, &judged.meta(), stale, entry, judged.initial_age_ms, status)
}

/// A 304 about another response than the one that is stored changes nothing of it, and is none for a client that
/// does not have that one (RFC 9111 section 4.3.4). It is asked again, without a condition.
fn not_refreshed(
    note: &Note<'_>,
    stale: &Stale<'_>,
    meta: &Meta<'_>,
    answered: &Answered,
    cache_status: &str,
) -> Option<ResponseVerdict> {
    cache::remove(note.key);
    let is_known = note.if_none_match.is_some_and(|list| condition::matches_any(list, answered.first("etag")));
    if is_known {
        tell(cache_status);
        return Some(ResponseVerdict::Next);
    }
    if cache::again() {
        return Some(ResponseVerdict::Next);
    }
    serve(
        note,
        meta,
        stale,
        stale.entry,
        stale.age_ms + note.elapsed_ms(),
        format!("{cache_status}; detail=other-etag"),
    )
}

/// What a HEAD says of a stored response (RFC 9111 section 4.3.5): it is still so, or it is not.
fn told_by_head(config: &Config, note: &Note<'_>, stale: &Stale<'_>, meta: &Meta<'_>, answered: &Answered) {
    let same = |name: &str, stored: Option<&str>| answered.first(name).is_none_or(|newer| stored == Some(newer));
    let length = answered.first("content-length").is_none_or(|length| length == stale.length.to_string());
    let is_same = answered.status == meta.status
        && length
        && same("etag", meta.etag)
        && same("last-modified", meta.last_modified);
    if !is_same {
        if answered.status < 500 {
            cache::remove(note.key);
        }
        return;
    }
    let judged = Judged::of_refresh(config, note, answered, meta);
    if let Some(storing) = judged.and_then(|judged| judged.storing(config, &OF_THE_BODY))
        && let Err(error) = cache::refresh(stale.entry, &storing)
    {
        log::debug(&format!("a HEAD changed nothing: {error}"));
    }
}

/// A request that may have changed what is stored (RFC 9111 section 4.4). True if its answer is stored.
fn changed(config: &Config, note: &Note<'_>, answered: &Answered) -> bool {
    if answered.status >= 400 {
        return false;
    }
    let url = note.key.split(' ').next().unwrap_or_default();
    let own = answered.first("content-location").and_then(|location| url::resolve(url, location));
    let says_what_get_would = note.kind == Kind::Post && own.as_deref() == Some(url);
    // Then it is what a GET would answer (RFC 9110 section 9.3.3), and takes the place of what is there.
    let is_stored = says_what_get_would && answered.is_explicitly_fresh() && store(config, note, answered);
    if !is_stored {
        cache::remove(note.key);
    }
    let rest = note.key.strip_prefix(url).unwrap_or_default();
    let location = answered.first("location").and_then(|location| url::resolve(url, location));
    for other in [own, location].into_iter().flatten().filter(|other| other != url) {
        cache::remove(&format!("{other}{rest}"));
    }
    is_stored
}

fn store(config: &Config, note: &Note<'_>, answered: &Answered) -> bool {
    let storing = Judged::of(config, note, answered).and_then(|judged| judged.storing(config, &[]));
    storing.is_some_and(|storing| cache::store(&storing).is_ok())
}

/// The stored response for the client that waited for the upstream's word.
fn serve(
    note: &Note<'_>,
    meta: &Meta<'_>,
    stale: &Stale<'_>,
    entry: u64,
    age_ms: u64,
    cache_status: String,
) -> Option<ResponseVerdict> {
    let is_get = note.kind == Kind::Get;
    let wanted = Wanted {
        if_none_match: note.if_none_match,
        if_modified_since: note.if_modified_since,
        range: note.range.filter(|_| is_get),
        if_range: note.if_range,
    };
    // A range outside the body gets all of it here.
    let shape = shape(&wanted, meta, stale.length).or_else(|| shape(&Wanted::default(), meta, stale.length))?;
    Some(ResponseVerdict::Serve(shape.into_hit(entry, age_ms, cache_status)))
}

/// Adds to `Cache-Status`, where caches behind this one may have written (RFC 9211 section 2).
fn tell(cache_status: &str) {
    if let Err(error) = response::add_header("cache-status", cache_status) {
        log::warn(&format!("the response has no Cache-Status: {error}"));
    }
}
