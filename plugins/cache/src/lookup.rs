//! The way in: is there a stored response for this request, and will it do?

use tollgate_plugin_sdk::cache::{self, ByteRange, Fetch, Hit, Reuse, Stored};
use tollgate_plugin_sdk::{Answer, Header, Verdict, is_field_name};

use crate::asked::{Asked, all_lines};
use crate::condition::{self, Part};
use crate::config::Config;
use crate::freshness::{Use, usable};
use crate::notes::{self, Forward, Kind, Meta, Note, Stale};
use crate::vary;

/// Fields of a client's that are replaced where the gateway asks for itself.
const CONDITIONS: [&str; 4] = ["if-none-match", "if-modified-since", "range", "if-range"];

/// Fields of a request a hit depends on, beside those the stored response varies by. `Authorization` is not one: what
/// was stored is for all.
const DEPENDS_ON: &str =
    "x-forwarded-proto,cache-control,range,if-range,if-none-match,if-modified-since,if-match,if-unmodified-since";

/// Most bytes of the names of such fields, those above among them: less than the names the gateway would take.
const MAX_VARY: usize = 512;

/// Who waited for what is stored is asked again at once. Later nobody has, and need not be asked about.
const YOUNG_MS: u64 = 2000;

/// What becomes of a GET or HEAD.
pub(crate) fn answer(config: &Config, asked: &Asked) -> Verdict {
    if asked.has_precondition || asked.directives.has("no-store") {
        return past(Forward::Bypass);
    }
    let found = cache::lookup(&asked.key);
    let mut forward = if found.is_empty() { Forward::UriMiss } else { Forward::VaryMiss };
    let matching = found.iter().find_map(|stored| {
        let meta = notes::read::<Meta<'_>>(&stored.meta)?;
        is_answer_to(&meta).then_some((stored, meta))
    });
    if let Some((stored, meta)) = &matching {
        let age_ms = meta.initial_age_ms + stored.resident_ms;
        let usable = usable(&meta.life, age_ms, &asked.directives);
        // A refresh has no client: it cannot be of a HEAD.
        let usable = if usable == Use::ServeAndRefresh && asked.kind == Kind::Head { Use::Validate } else { usable };
        if usable != Use::Validate {
            let collapsed = waited_for(stored);
            let mut verdict = serve(config, asked, (stored, meta), age_ms, collapsed);
            if let Verdict::Serve(hit) = &mut verdict {
                if usable == Use::ServeAndRefresh {
                    hit.refresh = Some(fetch(config, asked, Reader::Nobody, Forward::Stale, Some((stored, meta))));
                } else if collapsed.is_none() {
                    hit.reuse = reuse(asked, &found, (stored, meta), age_ms);
                }
            }
            return verdict;
        }
        let is_fresh = age_ms < meta.life.fresh_ms && !meta.life.no_cache;
        forward = if is_fresh { Forward::Request } else { Forward::Stale };
    }
    if asked.directives.has("only-if-cached") {
        // Neither a hit nor forwarded, for which RFC 9211 has no other words.
        let nothing = Answer::new(504).header("cache-status", format!("{}; detail=only-if-cached", config.name));
        return Verdict::Respond(nothing.text("Nothing is stored that answers this request.\n"));
    }
    let matching = matching.as_ref().map(|(stored, meta)| (*stored, meta));
    Verdict::Fetch(fetch(config, asked, Reader::Client, forward, matching))
}

/// A request that may change what is stored: it goes on, and the way out is told of it.
pub(crate) fn unsafe_method(asked: &Asked) -> Fetch {
    let note = Note { authorized: asked.is_authorized(), ..Note::of(asked.kind, &asked.key, Forward::Method) };
    Fetch { note: notes::write(&note), ..Fetch::alone(asked.key.as_str()) }
}

/// A request the cache has no part in: it goes on, and the way out is told why.
pub(crate) fn past(why: Forward) -> Verdict {
    // Nothing is stored under any key.
    Verdict::Fetch(Fetch { note: notes::write(&Note::of(Kind::Past, "", why)), ..Fetch::alone("") })
}

/// A stored response, made the answer to this request: all of it, a part of it, or that it is known.
pub(crate) struct Shape {
    status: Option<u16>,
    part: Option<ByteRange>,
    content_range: Option<String>,
}

/// What the client's own fields say of the answer it wants.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
    pub(crate) if_range: Option<&'a str>,
}

/// `None` for a range outside the body.
pub(crate) fn shape(wanted: &Wanted<'_>, meta: &Meta<'_>, length: u64) -> Option<Shape> {
    let whole = Shape { status: None, part: None, content_range: None };
    if meta.status != 200 {
        return Some(whole);
    }
    let is_known = match (wanted.if_none_match, wanted.if_modified_since) {
        (Some(list), _) => condition::matches_any(list, meta.etag),
        (None, Some(since)) => meta.modified.is_some_and(|date| condition::not_modified_since(since, date)),
        (None, None) => false,
    };
    if is_known {
        return Some(Shape { status: Some(304), ..whole });
    }
    let same = |condition| condition::is_same(condition, meta.etag, meta.last_modified);
    let range = wanted.range.filter(|_| wanted.if_range.is_none_or(same));
    match range.map(|range| condition::part(range, length)) {
        Some(Part::Bytes(first, last)) => Some(Shape {
            status: Some(206),
            part: Some(ByteRange { first, last }),
            content_range: Some(format!("bytes {first}-{last}/{length}")),
        }),
        Some(Part::Outside) => None,
        Some(Part::Whole) | None => Some(whole),
    }
}

impl Shape {
    /// With the fields of RFC 9111 section 4 and RFC 9211.
    pub(crate) fn into_hit(self, entry: u64, age_ms: u64, cache_status: String) -> Hit {
        let age = itoa::Buffer::new().format(age_ms / 1000).to_owned();
        let mut set = vec![Header::new("age", age), Header::new("cache-status", cache_status)];
        set.extend(self.content_range.map(|range| Header::new("content-range", range)));
        Hit { status: self.status, part: self.part, set, ..Hit::of(entry) }
    }
}

fn serve(
    config: &Config,
    asked: &Asked,
    (stored, meta): (&Stored, &Meta<'_>),
    age_ms: u64,
    collapsed: Option<Forward>,
) -> Verdict {
    let is_get = asked.kind == Kind::Get;
    let all = asked.wanted();
    let wanted = Wanted { range: all.range.filter(|_| is_get), ..all };
    let status = match collapsed {
        Some(forward) => format!("{}; fwd={}; collapsed", config.name, forward.name()),
        None => [&config.name, "; hit; ttl=", itoa::Buffer::new().format(ttl(meta, age_ms))].concat(),
    };
    if let Some(shape) = shape(&wanted, meta, stored.length) {
        return Verdict::Serve(shape.into_hit(stored.entry, age_ms, status));
    }
    let outside = Answer::new(416).header("content-range", format!("bytes */{}", stored.length));
    Verdict::Respond(outside.header("cache-status", status))
}

/// A request for the same is answered in the same way until the age it is told is another, or what is stored is stale.
/// Not where the client's directives have a say, in which there are times as well.
fn reuse(asked: &Asked, found: &[Stored], (stored, meta): (&Stored, &Meta<'_>), age_ms: u64) -> Option<Reuse> {
    let stays_fresh = meta.life.fresh_ms.saturating_sub(age_ms);
    if !asked.directives.is_empty() || stays_fresh == 0 {
        return None;
    }
    let next_second = 1000 - age_ms % 1000;
    let mut vary = DEPENDS_ON.to_owned();
    // Which of several it is depends on what each of them varies by.
    let others = found.iter().filter(|other| other.entry != stored.entry);
    for other in others.filter_map(|other| notes::read::<Meta<'_>>(&other.meta)) {
        add_names(&mut vary, &other)?;
    }
    add_names(&mut vary, meta)?;
    Some(Reuse { during_ms: u32::try_from(stays_fresh.min(next_second)).unwrap_or(0), vary })
}

/// `None` where there are more of them than it is worth, or one that no field can have: an upstream may say anything.
fn add_names(vary: &mut String, meta: &Meta<'_>) -> Option<()> {
    for (name, _) in &meta.vary {
        if vary.len() + name.len() > MAX_VARY || !is_field_name(name) {
            return None;
        }
        vary.push(',');
        vary.push_str(name);
    }
    Some(())
}

/// Why this request would have been sent on, if it waited for the one that brought what is stored.
fn waited_for(stored: &Stored) -> Option<Forward> {
    if stored.resident_ms > YOUNG_MS {
        return None;
    }
    let note = cache::note()?;
    notes::read::<Note<'_>>(&note).map(|note| note.forward)
}

/// Seconds it is still fresh; negative once it is stale.
pub(crate) fn ttl(meta: &Meta<'_>, age_ms: u64) -> i64 {
    let seconds = |ms: u64| i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    seconds(meta.life.fresh_ms) - seconds(age_ms)
}

fn is_answer_to(meta: &Meta<'_>) -> bool {
    meta.vary.iter().all(|(name, value)| all_lines(name).map(|lines| vary::normal(name, &lines)).as_deref() == *value)
}

/// Who reads what is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Client,
    /// No client waits for it: all of the response is wanted, whatever the one asked for that is served
    /// meanwhile.
    Nobody,
}

fn fetch(
    config: &Config,
    asked: &Asked,
    reader: Reader,
    forward: Forward,
    stale: Option<(&Stored, &Meta<'_>)>,
) -> Fetch {
    let validators = stale.map(|(_, meta)| validators(meta)).unwrap_or_default();
    let validates = !validators.is_empty();
    let is_sent_as_asked = reader == Reader::Client && !validates;
    let wanted = if reader == Reader::Client && validates { asked.wanted() } else { Wanted::default() };
    let authorized = asked.is_authorized();
    let note = Note {
        authorized,
        if_none_match: wanted.if_none_match,
        if_modified_since: wanted.if_modified_since,
        range: wanted.range,
        if_range: wanted.if_range,
        stale: stale.map(|(stored, meta)| Stale {
            entry: stored.entry,
            meta: &stored.meta,
            age_ms: meta.initial_age_ms + stored.resident_ms,
            validates,
            length: stored.length,
            client_if_error_ms: if meta.life.must_revalidate { 0 } else { asked.stale_if_error_ms() },
        }),
        ..Note::of(asked.kind, &asked.key, forward)
    };
    // The answer to what only this client asks for is nobody else's.
    let is_for_all = asked.kind == Kind::Get
        && !authorized
        && forward != Forward::Request
        && (!is_sent_as_asked || asked.range.is_none() && !asked.is_conditional());
    Fetch {
        key: asked.key.clone(),
        note: notes::write(&note),
        wait_ms: if is_for_all { config.wait.as_millis() } else { 0 },
        set: validators,
        remove: if is_sent_as_asked { Vec::new() } else { CONDITIONS.map(str::to_owned).to_vec() },
    }
}

/// The conditions by which the upstream says that a stored response is still good.
fn validators(meta: &Meta<'_>) -> Vec<Header> {
    let tag = meta.etag.map(|tag| Header::new("if-none-match", tag));
    let date = meta.last_modified.map(|date| Header::new("if-modified-since", date));
    tag.into_iter().chain(date).collect()
}
