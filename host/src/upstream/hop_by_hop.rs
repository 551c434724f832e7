//! Fields that are about one connection and do not travel on (RFC 9110 section 7.6.1).

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE};

/// What is known to be for the next hop only.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "proxy-authorization",
];

/// Takes off everything that is meant for the next hop only: `connection`, the fields it names, and
/// those that are known to need it. Nothing is allocated unless a field outside that set is named.
///
/// Call it on a request before any plugin runs, or a client could name a field that a plugin sets
/// and have it taken off again. `host` cannot be taken off this way, because routes match on it.
///
/// - `te: trailers` stays, named in `connection` as section 10.1.4 asks; other codings go.
/// - `trailer` stays: it is not on the list, and trailers are passed on.
/// - `proxy-authenticate` and `proxy-authorization` go: section 11.7 has them mean the next proxy,
///   which this gateway is, and credentials for it are no upstream's business.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    let wants_trailers = accepts_trailers(headers);
    for name in unusual_nominations(headers) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether the field is for the next hop only, whatever `connection` says.
///
/// Looks at the length first: most heads have none of these fields, and looking each up in the map
/// costs more than looking at every name.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    const LENGTHS: u32 = {
        let (mut lengths, mut at) = (0, 0);
        while at < HOP_BY_HOP.len() {
            lengths |= 1 << HOP_BY_HOP[at].len();
            at += 1;
        }
        lengths
    };
    let name = name.as_str();
    name.len() < 32 && LENGTHS >> name.len() & 1 == 1 && HOP_BY_HOP.contains(&name)
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().flat_map(tokens).any(|token| token.eq_ignore_ascii_case(b"trailers"))
}

/// What `connection` names beyond what is taken off anyway.
fn unusual_nominations(headers: &HeaderMap) -> Vec<HeaderName> {
    const USUAL: [&[u8]; 5] = [b"keep-alive", b"close", b"upgrade", b"te", b"transfer-encoding"];
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter(|token| !USUAL.iter().any(|usual| token.eq_ignore_ascii_case(usual)))
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .filter(|name| name != HOST)
        .collect()
}

/// The members of a comma-separated list.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        strip_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        left.sort();
        left
    }

    #[test]
    fn fields_about_the_connection_are_taken_off_and_others_stay() {
        let left = stripped(&[
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic eA=="),
            ("accept", "*/*"),
            ("trailer", "x-sum"),
        ]);
        assert_eq!(left, ["accept: */*", "trailer: x-sum"]);
    }

    #[test]
    fn fields_named_by_any_connection_line_are_taken_off_in_any_case() {
        let left = stripped(&[
            ("connection", "close, X-One"),
            ("connection", " x-TWO ,"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
        ]);
        assert_eq!(left, ["x-three: 3"]);
    }

    #[test]
    fn host_cannot_be_named_away() {
        assert_eq!(stripped(&[("connection", "host"), ("host", "a")]), ["host: a"]);
    }

    #[test]
    fn te_is_reduced_to_trailers() {
        assert_eq!(stripped(&[("te", "gzip, trailers"), ("connection", "TE")]), ["connection: te", "te: trailers"]);
        assert!(stripped(&[("te", "gzip"), ("connection", "TE")]).is_empty());
    }

    #[test]
    fn a_connection_field_that_is_no_list_of_names_is_just_taken_off() {
        assert_eq!(stripped(&[("connection", ",, a b;\"c\", "), ("x", "1")]), ["x: 1"]);
    }
}
