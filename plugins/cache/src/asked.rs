//! The request at hand, as a cache looks at it.

use tollgate_plugin_sdk::attributes;
use tollgate_plugin_sdk::request::{self, RequestLine};

use crate::config::Config;
use crate::directives::Directives;
use crate::judged::MAX_KEY;
use crate::lookup::Wanted;
use crate::notes::{Forward, Kind};
use crate::url::without_default_port;

/// What a request asks for.
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    /// The absolute URL, and the route behind a space.
    pub(crate) key: String,
    pub(crate) directives: Directives,
    /// The request has `Authorization`.
    has_credentials: bool,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<String>,
    /// It has a condition only the upstream can judge.
    pub(crate) has_precondition: bool,
}

/// In the order they are asked for.
const FIELDS: [&str; 9] = [
    "x-forwarded-proto",
    "cache-control",
    "authorization",
    "range",
    "if-range",
    "if-none-match",
    "if-modified-since",
    "if-match",
    "if-unmodified-since",
];

/// The names of the fields that are asked for, made once.
pub(crate) struct Fields(Vec<String>);

impl Default for Fields {
    fn default() -> Self {
        Self(FIELDS.map(str::to_owned).into())
    }
}

impl Asked {
    /// An error says why the cache has no part in it: a method that neither is answered from what is stored nor
    /// changes it; a body, which may decide what the answer is and is in no key; a URL longer than anything is
    /// stored under.
    pub(crate) fn read(config: &Config, fields: &Fields) -> Result<Self, Forward> {
        let line = request::line();
        let kind = match line.method.as_str() {
            "GET" => Kind::Get,
            "HEAD" => Kind::Head,
            "POST" => Kind::Post,
            // Safe by the registry of RFC 9110 section 16.1.1, and not answered from what is stored.
            "OPTIONS" | "TRACE" | "PROPFIND" | "REPORT" | "SEARCH" | "QUERY" => return Err(Forward::Method),
            _ => Kind::Unsafe,
        };
        if matches!(kind, Kind::Get | Kind::Head) && request::has_body() {
            return Err(Forward::Bypass);
        }
        let mut fields = request::header_many_kept(&fields.0).into_iter();
        let mut next = || fields.next().flatten();
        let scheme = next();
        let has_control = next().is_some();
        let has_credentials = next().is_some();
        let range = next();
        let if_range = next();
        let if_none_match = next().map(|first| all_lines("if-none-match").unwrap_or(first));
        let if_modified_since = next();
        let has_precondition = next().is_some() || next().is_some();
        let directives = if has_control && config.heed_clients {
            Directives::parse(request::header_values("cache-control").iter().map(String::as_str))
        } else {
            Directives::default()
        };
        let key = key(scheme.as_deref().unwrap_or("http"), &line, config.across_routes);
        if key.len() > MAX_KEY {
            return Err(Forward::Bypass);
        }
        Ok(Self {
            kind,
            key,
            directives,
            has_credentials,
            range,
            if_range,
            if_none_match,
            if_modified_since,
            has_precondition,
        })
    }

    /// Whether the answer may be for one user alone. Asked for what is sent on, and not for a hit: what
    /// was stored is for all.
    pub(crate) fn is_authorized(&self) -> bool {
        self.has_credentials || is_authenticated()
    }

    /// What is judged by what is stored.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            if_none_match: self.if_none_match.as_deref(),
            if_modified_since: self.if_modified_since.as_deref(),
            range: self.range.as_deref(),
            if_range: self.if_range.as_deref(),
        }
    }

    /// RFC 5861 section 4.
    pub(crate) fn stale_if_error_ms(&self) -> u64 {
        self.directives.seconds("stale-if-error").unwrap_or(0) * 1000
    }

    pub(crate) fn is_conditional(&self) -> bool {
        self.if_none_match.is_some() || self.if_modified_since.is_some() || self.has_precondition
    }
}

/// Whether a plugin says that it knows who the request is from. It may have taken the credentials out,
/// or found them in another field than `Authorization`, so that nothing else tells of them.
pub(crate) fn is_authenticated() -> bool {
    attributes::get("authenticated").is_some()
}

/// All lines of a field of the request, as one.
pub(crate) fn all_lines(name: &str) -> Option<String> {
    let mut lines = request::header_values(name);
    if lines.len() > 1 { Some(lines.join(", ")) } else { lines.pop() }
}

fn key(scheme: &str, line: &RequestLine, across_routes: bool) -> String {
    let RequestLine { host, path, query, route, .. } = line;
    let query_length = query.as_ref().map_or(0, |query| query.len() + 1);
    let mut key = String::with_capacity(scheme.len() + host.len() + path.len() + query_length + route.len() + 4);
    key.push_str(scheme);
    key.push_str("://");
    key.push_str(without_default_port(scheme, host));
    key.make_ascii_lowercase();
    key.push_str(path);
    if let Some(query) = query {
        key.push('?');
        key.push_str(query);
    }
    if !across_routes {
        key.push(' ');
        key.push_str(route);
    }
    key
}
