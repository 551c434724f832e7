//! Whether a response may be stored, for how long it is fresh, and whether a stored one will do.

use crate::config::Config;
use crate::date;
use crate::directives::{Directives, LONGEST};
use crate::notes::{Life, Source};

/// Longest time a response is fresh by the age of its `Last-Modified`: a day, in seconds.
const LONGEST_GUESS: u64 = 24 * 3600;

/// What else matters of a response, beside its status and its directives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) status: u16,
    /// The request had `Authorization`, or a plugin knew who it was from.
    pub(crate) authorized: bool,
    pub(crate) sets_cookie: bool,
    /// `ETag` or `Last-Modified`.
    pub(crate) has_validator: bool,
    /// When it was made, in seconds since 1970.
    pub(crate) date: u64,
}

/// How long a response may be used; `None` if it may not be stored (RFC 9111 section 3).
pub(crate) fn life(config: &Config, source: &Source<'_>, facts: &Facts) -> Option<Life> {
    let (told, is_targeted) = source.directives();
    let understood = is_understood(facts.status);
    if told.has("must-understand") && !understood || told.has("no-store") && !told.has("must-understand") {
        return None;
    }
    let shareable = told.has("public") || told.has("must-revalidate") || told.has("s-maxage");
    if told.is_of_all("private") || facts.authorized && !shareable || matches!(facts.status, 0..=199 | 206 | 304) {
        return None;
    }
    let explicit = explicit(&told, if is_targeted { None } else { source.expires }, facts.date);
    // Set-Cookie goes to everybody: only where the response itself says that it may be stored.
    if explicit.is_none() && facts.sets_cookie {
        return None;
    }
    let fresh = explicit.or_else(|| implied(config, &told, source, facts));
    // To be asked again each time, and nothing to ask with.
    let is_useless = (fresh.is_none() || told.is_of_all("no-cache")) && !facts.has_validator;
    let is_cacheable = explicit.is_some() || told.has("public") || is_heuristically_cacheable(facts.status);
    if is_useless || !is_cacheable && fresh.is_none() {
        return None;
    }
    Some(windows(config, &told, fresh.unwrap_or(0)))
}

/// What a stored response is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Serve,
    /// It is stale: serve it, and fetch it anew meanwhile.
    ServeAndRefresh,
    /// Only after the upstream was asked.
    Validate,
}

/// Whether a stored response of this age answers a request with these directives.
pub(crate) fn usable(life: &Life, age_ms: u64, asked: &Directives) -> Use {
    let left = life.fresh_ms.saturating_sub(age_ms);
    let too_old = asked.seconds("max-age").is_some_and(|age| age == 0 || age_ms > ms(age));
    let too_short = asked.seconds("min-fresh").is_some_and(|wanted| left < ms(wanted));
    if life.no_cache || asked.has("no-cache") || too_old || too_short {
        return Use::Validate;
    }
    if left > 0 {
        return Use::Serve;
    }
    let staleness = age_ms - life.fresh_ms;
    let tolerated = if asked.has_bare("max-stale") { Some(LONGEST) } else { asked.seconds("max-stale") };
    if !life.must_revalidate && tolerated.is_some_and(|most| staleness <= ms(most)) {
        return Use::Serve;
    }
    if staleness < life.while_revalidate_ms { Use::ServeAndRefresh } else { Use::Validate }
}

/// Milliseconds of freshness a response names itself.
fn explicit(told: &Directives, expires: Option<&str>, date: u64) -> Option<u64> {
    let named = told.seconds("s-maxage").or_else(|| told.seconds("max-age"));
    let until = |expires| date::parse(expires).map_or(0, |end| end.saturating_sub(date).min(LONGEST));
    named.or_else(|| expires.map(until)).map(ms)
}

/// Milliseconds of freshness the operator or `Last-Modified` gives a response that names none.
fn implied(config: &Config, told: &Directives, source: &Source<'_>, facts: &Facts) -> Option<u64> {
    if let Some(fresh) = config.fresh.get(&facts.status.to_string()) {
        return Some(fresh.as_millis().into());
    }
    if !config.heuristic || !(told.has("public") || is_heuristically_cacheable(facts.status)) {
        return None;
    }
    let modified = source.last_modified.and_then(date::parse)?;
    Some(ms((facts.date.saturating_sub(modified) / 10).min(LONGEST_GUESS)))
}

fn windows(config: &Config, told: &Directives, fresh_ms: u64) -> Life {
    let no_cache = told.is_of_all("no-cache");
    // s-maxage means it too (RFC 9111 section 5.2.2.10), unless the response itself says for how long.
    let forbidden = no_cache || told.has("must-revalidate") || told.has("proxy-revalidate");
    let implied = forbidden || told.has("s-maxage");
    let window = |name: &str, default: u32| {
        let named = told.seconds(name).filter(|_| !forbidden);
        named.map_or(if implied { 0 } else { default.into() }, ms)
    };
    let if_error_ms = window("stale-if-error", config.stale_if_error.as_millis());
    Life {
        fresh_ms,
        no_cache,
        must_revalidate: implied,
        while_revalidate_ms: window("stale-while-revalidate", config.stale_while_revalidate.as_millis()),
        if_error_ms,
        if_unreachable_ms: window("stale-if-error", config.stale_if_unreachable.as_millis()).max(if_error_ms),
    }
}

fn ms(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}

/// Statuses whose meaning for a cache is known: RFC 9110 section 15.
fn is_understood(status: u16) -> bool {
    matches!(status, 200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511)
}

/// RFC 9110 section 15.1.
fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::duration::Duration;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn facts(status: u16) -> Facts {
        Facts { status, authorized: false, sets_cookie: false, has_validator: false, date: NOW }
    }

    fn told(cache_control: &str) -> Source<'_> {
        Source { cache_control: Some(cache_control), ..Source::default() }
    }

    fn fresh(cache_control: &str, facts: Facts) -> Option<u64> {
        life(&Config::default(), &told(cache_control), &facts).map(|life| life.fresh_ms / 1000)
    }

    #[test]
    fn the_shared_caches_own_directive_goes_first() {
        assert_eq!(fresh("max-age=1, s-maxage=5", facts(200)), Some(5));
        let both = Source { cdn_cache_control: Some("max-age=9"), ..told("no-store") };
        assert_eq!(life(&Config::default(), &both, &facts(200)).map(|life| life.fresh_ms / 1000), Some(9));
        let expires = Source { expires: Some("Tue, 14 Nov 2023 22:13:30 GMT"), ..Source::default() };
        assert_eq!(life(&Config::default(), &expires, &facts(200)).map(|life| life.fresh_ms / 1000), Some(10));
    }

    #[test]
    fn what_is_for_one_is_not_stored_for_all() {
        let authorized = Facts { authorized: true, ..facts(200) };
        assert_eq!(fresh("max-age=5", authorized), None);
        for allowed in ["max-age=5, public", "max-age=5, must-revalidate", "s-maxage=5"] {
            assert_eq!(fresh(allowed, authorized), Some(5), "{allowed}");
        }
        assert_eq!(fresh("max-age=5, private", facts(200)), None);
        assert_eq!(fresh("max-age=5, private=\"x\"", facts(200)), Some(5));
        assert_eq!(fresh("max-age=5, private=\"\"", facts(200)), None);
        assert_eq!(fresh("max-age=5, no-store", facts(200)), None);
        let cookie = Facts { sets_cookie: true, has_validator: true, ..facts(200) };
        assert_eq!((fresh("", cookie), fresh("max-age=5", cookie)), (None, Some(5)));
    }

    #[test]
    fn a_tenth_of_its_age_is_a_guess_only_where_the_status_allows_it() {
        let modified = Source { last_modified: Some("Mon, 13 Nov 2023 22:13:20 GMT"), ..Source::default() };
        let guess = |status| {
            let facts = Facts { has_validator: true, ..facts(status) };
            life(&Config::default(), &modified, &facts).map(|life| life.fresh_ms / 1000)
        };
        assert_eq!((guess(200), guess(404), guess(403), guess(599)), (Some(8640), Some(8640), None, None));
    }

    #[test]
    fn what_says_nothing_is_fresh_as_long_as_the_operator_says() {
        let config = Config { fresh: [("404".to_owned(), Duration::from_secs(30))].into(), ..Config::default() };
        let nothing = Source::default();
        assert_eq!(life(&config, &nothing, &facts(404)).map(|life| life.fresh_ms / 1000), Some(30));
        assert_eq!(life(&config, &nothing, &facts(200)), None);
        assert_eq!(life(&config, &told("max-age=1"), &facts(404)).map(|life| life.fresh_ms / 1000), Some(1));
    }

    #[test]
    fn must_understand_is_for_statuses_that_are_understood() {
        let line = "max-age=5, no-store, must-understand";
        assert_eq!((fresh(line, facts(200)), fresh(line, facts(599))), (Some(5), None));
    }

    #[test]
    fn a_stale_response_is_served_only_within_its_windows() {
        let life = |line: &str| life(&Config::default(), &told(line), &facts(200)).unwrap();
        let use_of = |line: &str, age, asked: &str| usable(&life(line), age, &Directives::parse([asked]));
        assert_eq!(use_of("max-age=2", 1999, ""), Use::Serve);
        assert_eq!(use_of("max-age=2", 2000, ""), Use::Validate);
        assert_eq!(use_of("max-age=2, stale-while-revalidate=3", 4999, ""), Use::ServeAndRefresh);
        assert_eq!(use_of("max-age=2, stale-while-revalidate=3", 5000, ""), Use::Validate);
        assert_eq!(use_of("max-age=2, stale-while-revalidate=3, must-revalidate", 2000, ""), Use::Validate);
        assert_eq!(use_of("s-maxage=2, stale-while-revalidate=3", 2000, ""), Use::ServeAndRefresh);
        assert_eq!(use_of("max-age=2", 3000, "max-stale=1"), Use::Serve);
        assert_eq!(use_of("max-age=2, must-revalidate", 3000, "max-stale"), Use::Validate);
        assert_eq!((life("max-age=2").if_error_ms, life("max-age=2").if_unreachable_ms), (0, 60_000));
        assert_eq!((life("s-maxage=2").if_unreachable_ms, life("max-age=2, stale-if-error=9").if_error_ms), (0, 9000));
    }

    #[test]
    fn a_client_may_ask_for_fresher_than_fresh() {
        let life = Life { fresh_ms: 100_000, ..Life::default() };
        let use_of = |age, asked: &str| usable(&life, age, &Directives::parse([asked]));
        for asked in ["no-cache", "max-age=0", "max-age=49", "min-fresh=51"] {
            assert_eq!(use_of(50_000, asked), Use::Validate, "{asked}");
        }
        for asked in ["", "max-age=50", "min-fresh=50"] {
            assert_eq!(use_of(50_000, asked), Use::Serve, "{asked}");
        }
    }
}
