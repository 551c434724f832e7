//! What the plugin notes: on a stored response, and from `on-request` to `on-response`.

use serde::{Deserialize, Serialize};
use tollgate_plugin_sdk::clock;

/// On a stored response: all a later request needs to know of it. Borrowed from the bytes the gateway
/// gives back, so that a hit allocates nothing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta<'a> {
    pub(crate) life: Life,
    /// Of the response, when it was stored: milliseconds.
    pub(crate) initial_age_ms: u64,
    pub(crate) status: u16,
    #[serde(borrow)]
    pub(crate) etag: Option<&'a str>,
    pub(crate) last_modified: Option<&'a str>,
    /// `Last-Modified`, or else `Date`, in seconds since 1970.
    pub(crate) modified: Option<u64>,
    /// Fields it varies by, and what they were in the request it answers.
    pub(crate) vary: Vec<(&'a str, Option<&'a str>)>,
    /// The fields its freshness follows from, for a 304 that has but some of them.
    pub(crate) source: Source<'a>,
    /// What operators can remove it by, for a 304 that says nothing of it.
    pub(crate) tags: Vec<&'a str>,
}

/// How long a response may be used, and what for: in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) fresh_ms: u64,
    /// Not without asking, however fresh.
    pub(crate) no_cache: bool,
    /// Not stale, whatever happens.
    pub(crate) must_revalidate: bool,
    pub(crate) while_revalidate_ms: u64,
    pub(crate) if_error_ms: u64,
    pub(crate) if_unreachable_ms: u64,
}

/// The fields freshness follows from, as they came; several lines are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source<'a> {
    #[serde(borrow)]
    pub(crate) cache_control: Option<&'a str>,
    pub(crate) cdn_cache_control: Option<&'a str>,
    /// Not one line: no date.
    pub(crate) expires: Option<&'a str>,
    pub(crate) last_modified: Option<&'a str>,
}

/// From `on-request` to `on-response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note<'a> {
    pub(crate) kind: Kind,
    pub(crate) key: &'a str,
    /// When it was sent on, by the monotonic clock.
    pub(crate) sent_us: u64,
    /// Why it was not answered from what is stored: RFC 9211 section 2.2.
    pub(crate) forward: Forward,
    /// The request has `Authorization`, or a plugin knows who it is from.
    pub(crate) authorized: bool,
    /// The client's own conditions, where the gateway's took their place.
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
    pub(crate) if_range: Option<&'a str>,
    /// What is stored and was not good enough: its number and its notes.
    #[serde(borrow)]
    pub(crate) stale: Option<Stale<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Get,
    Head,
    Post,
    /// Another method that may change what is stored.
    Unsafe,
    /// The cache has no part in it.
    Past,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Forward {
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Request,
    Stale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stale<'a> {
    pub(crate) entry: u64,
    pub(crate) meta: &'a [u8],
    /// When the request came, in milliseconds.
    pub(crate) age_ms: u64,
    /// The request asks whether it is still good.
    pub(crate) validates: bool,
    pub(crate) length: u64,
    /// For how many milliseconds after it is stale the client takes it in place of an error.
    pub(crate) client_if_error_ms: u64,
}

/// In bytes; empty only if the memory has run out.
pub(crate) fn write(note: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(note).unwrap_or_default()
}

/// `None` for what another version of the plugin has written.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

impl<'a> Note<'a> {
    /// Without conditions of the client's, and with nothing that is stored.
    pub(crate) fn of(kind: Kind, key: &'a str, forward: Forward) -> Self {
        Self {
            kind,
            key,
            sent_us: clock::monotonic_us(),
            forward,
            authorized: false,
            if_none_match: None,
            if_modified_since: None,
            range: None,
            if_range: None,
            stale: None,
        }
    }

    /// Milliseconds since the request was sent on.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        clock::monotonic_us().saturating_sub(self.sent_us) / 1000
    }
}

impl Forward {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_as_they_were_written() {
        let source = Source { cache_control: Some("max-age=1"), ..Source::default() };
        let meta = Meta {
            life: Life { fresh_ms: 1, ..Life::default() },
            initial_age_ms: 5,
            status: 200,
            etag: Some("\"a\""),
            last_modified: None,
            modified: Some(7),
            vary: vec![("accept", Some("text/html")), ("cookie", None)],
            source,
            tags: vec!["red"],
        };
        let bytes = write(&meta);
        assert_eq!(read::<Meta<'_>>(&bytes), Some(meta));
        assert_eq!(read::<Meta<'_>>(&bytes[..3]), None);
    }
}
