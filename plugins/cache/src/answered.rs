//! The response at hand, as a cache looks at it: its fields, read in one crossing.

use tollgate_plugin_sdk::{Header, response};

use crate::date;
use crate::directives::{Directives, number};
use crate::notes::Source;

/// A response's fields.
pub(crate) struct Answered {
    pub(crate) status: u16,
    fields: Vec<Header>,
    /// Of fields that have more than one line, or are asked for as one.
    joined: Joined,
}

/// Fields with all their lines as one.
struct Joined {
    cache_control: Option<String>,
    cdn_cache_control: Option<String>,
    vary: Option<String>,
}

impl Answered {
    pub(crate) fn read() -> Self {
        let fields = response::headers();
        let all = |name| join(&fields, name);
        let joined = Joined {
            cache_control: all("cache-control"),
            cdn_cache_control: all("cdn-cache-control"),
            vary: all("vary"),
        };
        Self { status: response::status(), fields, joined }
    }

    /// The first line of a field.
    pub(crate) fn first<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.lines(name).next()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.lines(name).next().is_some()
    }

    pub(crate) fn vary(&self) -> Option<&str> {
        self.joined.vary.as_deref()
    }

    /// What its freshness follows from.
    pub(crate) fn source(&self) -> Source<'_> {
        let is_one = self.lines("expires").nth(1).is_none();
        Source {
            cache_control: self.joined.cache_control.as_deref(),
            cdn_cache_control: self.joined.cdn_cache_control.as_deref(),
            expires: self.first("expires").map(|expires| if is_one { expires } else { "" }),
            last_modified: self.first("last-modified"),
        }
    }

    /// It says itself how long it is fresh, and that is not nothing.
    pub(crate) fn is_explicitly_fresh(&self) -> bool {
        let (told, _) = self.source().directives();
        let named = told.seconds("s-maxage").or_else(|| told.seconds("max-age"));
        named.map_or_else(|| self.has("expires"), |seconds| seconds > 0)
    }

    /// Seconds since 1970.
    pub(crate) fn date(&self) -> Option<u64> {
        self.first("date").and_then(date::parse)
    }

    /// `Age` in seconds: the first of several, RFC 9111 section 5.1; what is no number is none.
    pub(crate) fn age(&self) -> u64 {
        let first = self.first("age").and_then(|age| age.split(',').next());
        first.and_then(|age| number(age.trim())).unwrap_or(0)
    }

    /// All lines of a field.
    pub(crate) fn lines<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
    }
}

fn join(fields: &[Header], name: &str) -> Option<String> {
    let lines: Vec<&str> = fields.iter().filter(|field| field.name == name).map(|field| field.value.as_str()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

impl Source<'_> {
    /// The directives that hold for this cache, and whether they are those for CDNs alone.
    pub(crate) fn directives(&self) -> (Directives, bool) {
        match self.cdn_cache_control.and_then(|field| Directives::targeted([field])) {
            Some(directives) => (directives, true),
            None => (Directives::parse(self.cache_control), false),
        }
    }
}

impl Source<'_> {
    /// A newer response's fields, and these where it has none.
    pub(crate) fn under(&self, newer: &Self) -> Self {
        Source {
            cache_control: newer.cache_control.or(self.cache_control),
            cdn_cache_control: newer.cdn_cache_control.or(self.cdn_cache_control),
            expires: newer.expires.or(self.expires),
            last_modified: newer.last_modified.or(self.last_modified),
        }
    }
}
