//! A request's head as a client may send it: it is refused, or goes on with one host in small
//! letters, a path that starts with `/` and has one spelling, and no field that is about the connection.

#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::{check_head, respell, strip_prefix};
use tollgate::upstream::hop_by_hop::strip_hop_by_hop;

#[derive(Debug, Arbitrary)]
struct Head<'a> {
    method: &'a [u8],
    target: &'a [u8],
    http_1_0: bool,
    merge_slashes: bool,
    fields: Vec<(Name<'a>, &'a [u8])>,
    prefix: Option<&'a str>,
}

/// The names that mean something, and any other.
#[derive(Debug, Arbitrary)]
enum Name<'a> {
    Host,
    Connection,
    Te,
    Trailer,
    TransferEncoding,
    ForwardedFor,
    Other(&'a [u8]),
}

fuzz_target!(|sent: Head<'_>| {
    let Some(mut head) = head(&sent) else { return };
    let query = head.uri.query().map(str::to_owned);
    if respell(&mut head, sent.merge_slashes).is_ok() {
        let once = head.uri.clone();
        assert!(once.path().starts_with('/') || head.method == Method::OPTIONS, "{once}");
        assert!(!once.path().split('/').any(|segment| [".", ".."].contains(&segment)), "{once}");
        assert_eq!(once.query(), query.as_deref());
        assert!(respell(&mut head, sent.merge_slashes).is_ok() && head.uri == once, "another spelling: {once}");
    }
    let checked = check_head(&head, 16 * 1024).map(|host| host.into_owned());
    if let Ok(host) = &checked {
        assert!(!host.bytes().any(|byte| byte.is_ascii_uppercase()), "{host}");
        assert!(head.headers.get_all("host").iter().count() <= 1 && head.method != Method::CONNECT);
    }
    strip_hop_by_hop(&mut head.headers);
    for gone in ["keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "proxy-authorization"] {
        assert!(!head.headers.contains_key(gone), "{gone}");
    }
    let hosts = head.headers.get_all("host").iter().count();
    assert!(checked.is_err() || sent.http_1_0 || hosts == 1, "the host was taken off");

    let before = head.uri.clone();
    strip_prefix(&mut head.uri, sent.prefix);
    if head.uri != before {
        let rest = before.path().strip_prefix(sent.prefix.unwrap().trim_end_matches('/')).unwrap();
        assert!(
            head.uri.path().starts_with('/') && head.uri.path().trim_start_matches('/') == rest.trim_start_matches('/')
        );
        assert_eq!(head.uri.query(), before.query());
    }
});

/// As hyper would make it of a request line and fields.
fn head(sent: &Head<'_>) -> Option<http::request::Parts> {
    let mut headers = HeaderMap::new();
    for (name, value) in sent.fields.iter().take(32) {
        let name = match name {
            Name::Host => http::header::HOST,
            Name::Connection => http::header::CONNECTION,
            Name::Te => http::header::TE,
            Name::Trailer => http::header::TRAILER,
            Name::TransferEncoding => http::header::TRANSFER_ENCODING,
            Name::ForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Name::Other(name) => HeaderName::from_bytes(name).ok()?,
        };
        headers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    let mut head = Request::new(()).into_parts().0;
    head.method = Method::from_bytes(sent.method).ok()?;
    head.uri = Uri::try_from(sent.target).ok()?;
    head.version = if sent.http_1_0 { Version::HTTP_10 } else { Version::HTTP_11 };
    head.headers = headers;
    Some(head)
}
