//! One stored response, and the responses of one key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, response};

/// Most responses of one key. One more takes the place of the oldest.
pub(super) const MAX_VARIANTS: usize = 32;
/// What an entry takes beside its bytes, about: maps, counters, allocations.
const OVERHEAD: usize = 512;
/// What a header field takes beside its bytes, about.
const FIELD_OVERHEAD: usize = 96;

static LAST: AtomicU64 = AtomicU64::new(0);

/// Status and fields, in memory of their own: what comes off a connection is a piece of its buffer,
/// and would keep all of that.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

/// What a plugin says of a response it stores.
#[derive(Debug)]
pub struct Kept {
    /// Its own notes.
    pub meta: Vec<u8>,
    pub selector: String,
    pub tags: Vec<String>,
    pub keep: Duration,
}

/// A stored response. Never changed: what is refreshed is a new one with the same body.
#[derive(Debug)]
pub struct Entry {
    /// Unique in this process.
    pub id: u64,
    pub head: Head,
    pub body: Bytes,
    /// Of the body: the field, made once.
    pub length: HeaderValue,
    pub kept: Kept,
    pub stored: Instant,
    /// The same moment by the clocks of all gateways: milliseconds since 1970.
    pub(super) stored_at: u64,
    expires: Option<Instant>,
}

/// The responses of one key, the newest first.
#[derive(Debug, Default)]
pub struct Variants {
    pub(super) entries: Vec<Arc<Entry>>,
    /// Until when nobody waits for somebody else to fetch this key.
    pub(super) apart_until: Option<Instant>,
    pub(super) bytes: u64,
}

impl Head {
    /// A copy, without framing and without the fields named.
    pub fn of(head: &response::Parts, without: &[String]) -> Self {
        let mut headers = HeaderMap::with_capacity(head.headers.len());
        for (name, value) in &head.headers {
            let left_out = *name == header::CONTENT_LENGTH || names(without, name);
            if let (false, Some(value)) = (left_out, copy(value)) {
                headers.append(name, value);
            }
        }
        Self { status: head.status, headers }
    }

    /// The same, with the fields of a newer response in place of its own, but for those named.
    #[must_use]
    pub fn refreshed(&self, newer: &HeaderMap, without: &[String]) -> Self {
        let mut headers = self.headers.clone();
        for name in newer.keys() {
            if *name == header::CONTENT_LENGTH || names(without, name) {
                continue;
            }
            headers.remove(name);
            for value in newer.get_all(name).iter().filter_map(copy) {
                headers.append(name, value);
            }
        }
        Self { status: self.status, headers }
    }

    fn bytes(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD).sum()
    }
}

fn names(list: &[String], name: &HeaderName) -> bool {
    list.iter().any(|other| other.eq_ignore_ascii_case(name.as_str()))
}

fn copy(value: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

impl Entry {
    pub(super) fn new(head: Head, body: Bytes, kept: Kept) -> Self {
        Self::of(head, body, kept, Instant::now(), now_ms())
    }

    /// One that another gateway stored. `None` if that was before this machine was there.
    pub(super) fn stored_at(head: Head, body: Bytes, kept: Kept, stored_at: u64) -> Option<Self> {
        // A clock that is ahead of ours makes it new, not newer than that.
        let age = Duration::from_millis(now_ms().saturating_sub(stored_at));
        Some(Self::of(head, body, kept, Instant::now().checked_sub(age)?, stored_at))
    }

    fn of(head: Head, body: Bytes, kept: Kept, stored: Instant, stored_at: u64) -> Self {
        let expires = stored.checked_add(kept.keep);
        let length = body.len().into();
        Self { id: LAST.fetch_add(1, Relaxed) + 1, head, body, length, kept, stored, stored_at, expires }
    }

    pub(super) fn is_kept(&self, now: Instant) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    fn bytes(&self) -> usize {
        self.body.len() + beside_the_body(&self.head, &self.kept)
    }
}

/// Bytes of an entry, but for its body.
fn beside_the_body(head: &Head, kept: &Kept) -> usize {
    let Kept { meta, selector, tags, .. } = kept;
    let tags: usize = tags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
    OVERHEAD + meta.len() + selector.len() + tags + head.bytes()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Variants {
    /// Whether this is not here yet, nor a later one with its selector.
    pub(super) fn lacks(&self, entry: &Entry) -> bool {
        let is_later = |other: &&Arc<Entry>| other.stored_at >= entry.stored_at;
        !self.entries.iter().filter(is_later).any(|other| other.kept.selector == entry.kept.selector)
    }

    /// With one more, in place of an earlier one with the same selector; without what has expired.
    pub(super) fn with(&self, entry: Arc<Entry>) -> Self {
        let now = Instant::now();
        let others =
            self.entries.iter().filter(|other| other.is_kept(now) && other.kept.selector != entry.kept.selector);
        let others: Vec<_> = others.take(MAX_VARIANTS - 1).cloned().collect();
        Self::of([entry].into_iter().chain(others).collect(), None)
    }

    /// Bytes of a key's only entry, but for its body.
    pub(super) fn beside_the_body(head: &Head, kept: &Kept) -> u64 {
        (OVERHEAD + beside_the_body(head, kept)) as u64
    }

    /// Without the oldest, as far as that is needed to fit into so many bytes. `None` if the newest does not.
    pub(super) fn within(mut self, bytes: u64) -> Option<Self> {
        while self.bytes > bytes {
            let oldest = self.entries.pop()?;
            if self.entries.is_empty() {
                return None;
            }
            self.bytes -= oldest.bytes() as u64;
        }
        Some(self)
    }

    /// The same, for requests that do not wait for one another.
    pub(super) fn apart(&self, until: Option<Instant>) -> Self {
        Self::of(self.entries.clone(), until)
    }

    fn of(entries: Vec<Arc<Entry>>, apart_until: Option<Instant>) -> Self {
        let bytes = OVERHEAD + entries.iter().map(|entry| entry.bytes()).sum::<usize>();
        Self { entries, apart_until, bytes: bytes as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(selector: &str, keep: Duration) -> Arc<Entry> {
        let head = Head { status: StatusCode::OK, headers: HeaderMap::new() };
        let kept = Kept { meta: vec![], selector: selector.into(), tags: vec![], keep };
        Arc::new(Entry::new(head, Bytes::from_static(b"body"), kept))
    }

    #[test]
    fn a_variant_replaces_the_one_before_it_and_what_has_expired_goes() {
        let long = Duration::from_secs(100);
        let (a, b, over) = (entry("a", long), entry("b", long), entry("c", Duration::ZERO));
        let variants = Variants::default().with(over).with(a).with(b);
        let newer = entry("a", long);
        let id = newer.id;
        let variants = variants.with(newer);
        let names: Vec<_> = variants.entries.iter().map(|entry| entry.kept.selector.as_str()).collect();
        assert_eq!((names, variants.entries[0].id), (vec!["a", "b"], id));
    }

    #[test]
    fn the_variants_of_a_key_are_bounded_and_the_oldest_goes() {
        let long = Duration::from_secs(100);
        let all = (0..=MAX_VARIANTS).fold(Variants::default(), |all, n| all.with(entry(&n.to_string(), long)));
        assert_eq!((all.entries.len(), all.entries.last().unwrap().kept.selector.as_str()), (MAX_VARIANTS, "1"));
    }

    #[test]
    fn a_refresh_takes_the_newer_fields_but_those_named() {
        let mut head = http::Response::new(()).into_parts().0;
        for (name, value) in [("a", "1"), ("b", "1"), ("content-length", "4"), ("secret", "x")] {
            head.headers.insert(name, HeaderValue::from_static(value));
        }
        let stored = Head::of(&head, &["Secret".into()]);
        assert!(!stored.headers.contains_key("content-length") && !stored.headers.contains_key("secret"));
        let newer = HeaderMap::from_iter([
            (HeaderName::from_static("a"), HeaderValue::from_static("2")),
            (HeaderName::from_static("b"), HeaderValue::from_static("2")),
        ]);
        let refreshed = stored.refreshed(&newer, &["b".into()]);
        assert_eq!((&refreshed.headers["a"], &refreshed.headers["b"]), (&"2".parse().unwrap(), &"1".parse().unwrap()));
    }
}
