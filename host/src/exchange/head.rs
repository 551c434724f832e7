//! What the gateway itself asks of a request's head, and does to it.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::header::{self, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri, Version, request};

use crate::respond::Failure;

const NOT_A_HOST: Failure = Failure::BadRequest { problem: "The request does not name a host." };

/// Refuses what cannot be forwarded safely; returns the host asked for, in lower case and without
/// port.
pub(crate) fn check(head: &request::Parts, max_bytes: usize) -> Result<Cow<'_, str>, Failure> {
    let Seen { bytes, host, has_hosts, is_coded } = Seen::of(&head.headers);
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    // hyper's own limit is that of its read buffer, which may hold more than one head.
    if target + bytes > max_bytes {
        return Err(Failure::HeadTooLarge);
    }
    if head.method == Method::CONNECT {
        return Err(Failure::BadRequest { problem: "CONNECT is not supported." });
    }
    // RFC 9112 section 6.1: passed on, it would be taken for the content.
    if is_coded {
        return Err(Failure::UnknownCoding);
    }
    // RFC 9112 section 3.2: none (in HTTP/1.1) or more than one is a 400, or one request could be
    // routed as one host here and served as another behind.
    if has_hosts || (host.is_none() && head.version == Version::HTTP_11) {
        return Err(Failure::BadRequest { problem: "A request has exactly one Host field." });
    }
    let authority = match (head.uri.authority(), host) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().map_err(|_| NOT_A_HOST)?,
        (None, None) => "",
    };
    Ok(lower_case(host_of(authority).ok_or(NOT_A_HOST)?))
}

/// What there is to see in one look through a head's fields, which costs less than to look for each.
#[derive(Default)]
struct Seen<'a> {
    /// Of the fields as they were sent, but for white space that does not matter.
    bytes: usize,
    host: Option<&'a HeaderValue>,
    /// More than one.
    has_hosts: bool,
    /// The body is in another transfer coding than `chunked`, which is the one that can be taken off, or in more.
    is_coded: bool,
}

impl<'a> Seen<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let (mut seen, mut is_chunked) = (Self::default(), false);
        for (name, value) in headers {
            seen.bytes += name.as_str().len() + value.len() + 4;
            if *name == header::HOST {
                seen.has_hosts |= seen.host.is_some();
                seen.host = Some(value);
            } else if *name == header::TRANSFER_ENCODING {
                seen.is_coded |= is_chunked || !value.as_bytes().eq_ignore_ascii_case(b"chunked");
                is_chunked = true;
            }
        }
        seen
    }
}

/// Makes the target's host the request's own, where it names one: it goes before the field (RFC 9112 section
/// 3.2.2), for the route and for whoever reads the field later.
pub(super) fn take_host_of_target(head: &mut request::Parts) {
    if let Some(host) = head.uri.authority().and_then(|authority| authority.as_str().try_into().ok()) {
        // A map that is full stays as it is: hyper has let at most `server.limits.header_count` in.
        let _ = head.headers.try_insert(header::HOST, host);
    }
}

/// Takes a route's prefix off the path. It is a prefix of every path the route matches, but not of all that
/// plugins call it with.
pub(crate) fn strip_prefix(uri: &mut Uri, prefix: Option<&str>) {
    let Some(rest) = prefix.and_then(|prefix| uri.path().strip_prefix(prefix.trim_end_matches('/'))) else { return };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    let target = match uri.query() {
        Some(query) => format!("{slash}{rest}?{query}"),
        None => format!("{slash}{rest}"),
    };
    if let Ok(target) = PathAndQuery::try_from(target) {
        *uri = target.into();
    }
}

/// The host of an authority, without its port and without a dot at its end, which says nothing but that the name
/// is whole. None where it is no host, or has a user before it (RFC 9110 section 4.2.4): services would read such
/// ones in different ways.
fn host_of(authority: &str) -> Option<&str> {
    let find = |wanted: u8| authority.bytes().position(|byte| byte == wanted);
    let (host, port) = match find(b']') {
        Some(bracket) => authority.split_at_checked(bracket + 1)?,
        None => authority.split_at_checked(find(b':').unwrap_or(authority.len()))?,
    };
    let is_port = port.strip_prefix(':').is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = match host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
    };
    let has_port_or_ends = port.is_empty() || port.starts_with(':');
    (is_host && is_port && has_port_or_ends).then(|| host.strip_suffix('.').unwrap_or(host))
}

fn lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|b| b.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host.into() }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_host_loses_its_port_and_its_capitals() {
        assert_eq!(host_of("API.Example:8080").map(lower_case).as_deref(), Some("api.example"));
        for (authority, host) in [("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a_b.", "a_b"), ("a.:", "a"), ("", "")] {
            assert_eq!(host_of(authority), Some(host), "{authority}");
        }
        for authority in ["a:b", "a:80a", "::1", "[::1", "[a]", "[::1]80", "[::1].", "a@b", "a/b", "a,b", "a b", "]"] {
            assert_eq!(host_of(authority), None, "{authority}");
        }
    }

    #[test]
    fn two_hosts_or_none_are_refused() {
        let head = |hosts: &[&str]| {
            let mut builder = Request::builder().uri("/");
            for host in hosts {
                builder = builder.header("host", *host);
            }
            builder.body(()).unwrap().into_parts().0
        };
        assert!(check(&head(&["a"]), 100).is_ok());
        assert!(check(&head(&[]), 100).is_err());
        assert!(check(&head(&["a", "b"]), 100).is_err());
    }

    #[test]
    fn a_body_in_another_coding_than_chunked_is_refused() {
        let refused = |codings: &[&str]| {
            let mut builder = Request::builder().uri("/").header("host", "a");
            for coding in codings {
                builder = builder.header("transfer-encoding", *coding);
            }
            let head = builder.body(()).unwrap().into_parts().0;
            matches!(check(&head, 1000), Err(Failure::UnknownCoding))
        };
        assert!(!refused(&[]) && !refused(&["Chunked"]));
        assert!(refused(&["gzip"]) && refused(&["gzip, chunked"]));
        assert!(refused(&["chunked", "chunked"]) && refused(&["gzip", "chunked"]) && refused(&["chunked", "gzip"]));
    }

    #[test]
    fn a_prefix_goes_and_the_query_stays() {
        let stripped = |from: &str, prefix: &str| {
            let mut uri: Uri = from.parse().unwrap();
            strip_prefix(&mut uri, Some(prefix));
            uri.to_string()
        };
        assert_eq!(stripped("/api/users?a=b", "/api"), "/users?a=b");
        assert_eq!(stripped("/api", "/api"), "/");
        assert_eq!(stripped("/api/", "/api/"), "/");
        assert_eq!(stripped("/other/x", "/api"), "/other/x");
    }
}
