//! A response that may be stored, and how.

use tollgate_plugin_sdk::cache::{self, Storing};
use tollgate_plugin_sdk::clock;

use crate::answered::Answered;
use crate::asked::is_authenticated;
use crate::config::Config;
use crate::date;
use crate::freshness::{Facts, life};
use crate::notes::{self, Life, Meta, Note, Source};
use crate::vary;

/// Fields that are not stored: those of one hop, and the cache's own.
const NOT_STORED: [&str; 6] = [
    "age",
    "cache-status",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
];

/// What the gateway takes: bytes of notes, bytes of a key or selector, names of fields.
const MAX_META: usize = 64 << 10;
pub(crate) const MAX_KEY: usize = 8 << 10;
const MAX_NAMES: usize = 256;

/// Fields a response varies by, and what the request has in them.
type Selecting = Vec<(String, Option<String>)>;

/// What is known of a response that may be stored.
pub(crate) struct Judged<'a> {
    pub(crate) initial_age_ms: u64,
    status: u16,
    life: Life,
    keep_ms: u64,
    source: Source<'a>,
    etag: Option<&'a str>,
    modified: Option<u64>,
    selecting: Selecting,
    tags: Vec<&'a str>,
}

impl<'a> Judged<'a> {
    /// The response at hand; `None` if it may not be stored.
    pub(crate) fn of(config: &Config, note: &Note<'_>, answered: &'a Answered) -> Option<Self> {
        let selecting = selecting(answered.vary())?;
        let etag = answered.first("etag");
        let judged = Self::new(config, note, answered, answered.status, answered.source(), etag, selecting)?;
        Some(Self { tags: tags(answered.lines(&config.tags)), ..judged })
    }

    /// A stored response, with the newer fields of the one at hand.
    pub(crate) fn of_refresh(
        config: &Config,
        note: &Note<'_>,
        answered: &'a Answered,
        stored: &Meta<'a>,
    ) -> Option<Self> {
        let same = || stored.vary.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        let selecting = answered.vary().map_or_else(|| Some(same()), |vary| selecting(Some(vary)))?;
        let etag = answered.first("etag").or(stored.etag);
        let source = stored.source.under(&answered.source());
        let judged = Self::new(config, note, answered, stored.status, source, etag, selecting)?;
        let newer = tags(answered.lines(&config.tags));
        Some(Self { tags: if answered.has(&config.tags) { newer } else { stored.tags.clone() }, ..judged })
    }

    fn new(
        config: &Config,
        note: &Note<'_>,
        answered: &'a Answered,
        status: u16,
        source: Source<'a>,
        etag: Option<&'a str>,
        selecting: Selecting,
    ) -> Option<Self> {
        let now = clock::unix_ms() / 1000;
        let date = answered.date().unwrap_or(now);
        let has_validator = etag.is_some() || source.last_modified.is_some();
        let sets_cookie = answered.has("set-cookie") || answered.has("set-cookie2");
        // A plugin behind this one may be the one that knows who it is from.
        let authorized = note.authorized || is_authenticated();
        let facts = Facts { status, authorized, sets_cookie, has_validator, date };
        let life = life(config, &source, &facts)?;
        // RFC 9111 section 4.2.3.
        let apparent = now.saturating_sub(date) * 1000;
        let initial_age_ms = apparent.max(answered.age() * 1000 + note.elapsed_ms());
        let after = life.while_revalidate_ms.max(life.if_error_ms).max(life.if_unreachable_ms);
        let after = after.max(u64::from(config.keep_stale.as_millis()));
        let fresh = life.fresh_ms.saturating_sub(initial_age_ms);
        let modified = source.last_modified.and_then(date::parse).or(Some(date));
        Some(Self {
            initial_age_ms,
            status,
            life,
            keep_ms: fresh + after,
            source,
            etag,
            modified,
            selecting,
            tags: Vec::new(),
        })
    }

    pub(crate) fn meta(&self) -> Meta<'_> {
        Meta {
            life: self.life,
            initial_age_ms: self.initial_age_ms,
            status: self.status,
            etag: self.etag,
            last_modified: self.source.last_modified,
            modified: self.modified,
            vary: self.selecting.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect(),
            source: self.source.clone(),
            tags: few(&self.tags),
        }
    }

    /// How the gateway is asked to store it; `kept` are fields a refresh does not change. `None` where the gateway
    /// takes less: an upstream may vary by a cookie that is as long as it likes.
    pub(crate) fn storing(&self, config: &Config, kept: &[&str]) -> Option<Storing> {
        let (told, _) = self.source.directives();
        let named = told.fields("no-cache").chain(told.fields("private"));
        let own = NOT_STORED.iter().chain(kept).map(|&name| name.to_owned());
        let storing = Storing {
            meta: notes::write(&self.meta()),
            keep_ms: self.keep_ms,
            selector: selector(&self.selecting),
            tags: self.tags.iter().map(|&tag| tag.to_owned()).collect(),
            without: own.chain(named).chain([config.tags.clone()]).collect(),
        };
        let fits =
            storing.meta.len() <= MAX_META && storing.selector.len() <= MAX_KEY && storing.without.len() <= MAX_NAMES;
        fits.then_some(storing)
    }
}

/// `None` where the response varies by more than fields, or by more fields than can be asked for.
fn selecting(vary: Option<&str>) -> Option<Selecting> {
    let names = vary::names(vary).filter(|names| names.len() <= MAX_NAMES)?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    let asked = cache::request_headers(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let values = names.iter().zip(asked).map(|(name, lines)| lines.map(|lines| vary::normal(name, &lines)));
    let values: Vec<_> = values.collect();
    Some(names.into_iter().zip(values).collect())
}

/// Names and values; a field that is missing is told from one that is empty.
fn selector(selecting: &Selecting) -> String {
    let mut selector = String::new();
    for (name, value) in selecting {
        selector.push_str(name);
        if let Some(value) = value {
            selector.push('=');
            selector.push_str(value);
        }
        selector.push('\n');
    }
    selector
}

/// As many as there is room for among what is noted of a response: the gateway takes 64 KiB.
fn few<'a>(tags: &[&'a str]) -> Vec<&'a str> {
    let mut left: usize = 16 << 10;
    let fits = |tag: &&&str| {
        let rest = left.checked_sub(tag.len() + 2);
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    tags.iter().take_while(fits).copied().collect()
}

/// At most as many and as long as the gateway takes.
fn tags<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let tags = lines.flat_map(|line| line.split([',', ' '])).filter(|tag| !tag.is_empty() && tag.len() <= 1024);
    tags.take(256).collect()
}
