//! Turns a request of any origin into one that hyper's client puts on the wire as it should be.
//!
//! hyper believes the fields over the body: a `content-length` left on a request whose body was
//! taken away would be sent, and GET with a body of unknown length would lose the body.

use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Extensions, Method, Request, Uri, Version};
use http_body::Body as _;

use crate::body::Body;

/// Origin-form URI, HTTP/1.1, and framing that follows from the body alone. `extensions` are dropped.
pub(super) fn prepare(mut head: Parts, body: Body) -> Request<Body> {
    head.extensions = Extensions::new();
    head.version = Version::HTTP_11;
    if head.uri.authority().is_some() || head.uri.path_and_query().is_none() {
        head.uri = origin_form(head.uri);
    }
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRANSFER_ENCODING);
    match body.size_hint().exact() {
        // RFC 9110 8.6: a method that means content says so when there is none.
        Some(0) if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) => {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // hyper writes `content-length` itself.
        Some(_) => {}
        None => {
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
    Request::from_parts(head, body)
}

/// Sets `host` to the target's, unless the request's own is to be kept and is there.
pub(super) fn set_host(request: &mut Request<Body>, target: &HeaderValue, preserve: bool) {
    if !(preserve && request.headers().contains_key(HOST)) {
        request.headers_mut().insert(HOST, target.clone());
    }
}

/// A copy that may be sent again (RFC 9110 9.2.2: a proxy repeats idempotent methods only), if the
/// body is in memory.
///
/// It is made before each such request on a reused connection, because hyper does not give back a
/// request it has begun to write: two allocations against a failed request at every restart of an upstream.
pub(super) fn copy_to_repeat(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.method().is_idempotent() {
        return None;
    }
    let mut copy = Request::new(request.body().replay()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

fn origin_form(uri: Uri) -> Uri {
    let path = uri.into_parts().path_and_query.filter(|path| !path.path().is_empty());
    path.unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(method: &str, uri: &str, body: Body, fields: &[(&'static str, &'static str)]) -> Request<Body> {
        let mut builder = Request::builder().method(method).uri(uri).version(Version::HTTP_10);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        prepare(head, body)
    }

    #[test]
    fn the_target_gets_path_and_query_only() {
        for (given, sent) in [
            ("http://a.example:81/b?c=d", "/b?c=d"),
            ("http://a.example", "/"),
            ("http://a.example?x", "/?x"),
            ("/b?c", "/b?c"),
            ("*", "*"),
            ("a.example:80", "/"),
        ] {
            assert_eq!(prepared("GET", given, Body::empty(), &[]).uri().to_string(), sent, "{given}");
        }
    }

    #[test]
    fn the_request_is_framed_by_its_body_and_not_by_its_fields() {
        let lies = [("content-length", "5"), ("transfer-encoding", "gzip")];
        let request = prepared("GET", "/", Body::empty(), &lies);
        assert!(request.headers().is_empty());
        let request = prepared("POST", "/", Body::empty(), &lies);
        assert_eq!(request.headers()["content-length"], "0");
        let request = prepared("POST", "/", Body::full("abc"), &lies);
        assert!(request.headers().is_empty());
        assert_eq!(request.version(), Version::HTTP_11);
    }

    #[test]
    fn only_an_idempotent_request_is_copied() {
        assert!(copy_to_repeat(&prepared("PUT", "/", Body::full("abc"), &[])).is_some());
        assert!(copy_to_repeat(&prepared("POST", "/", Body::full("abc"), &[])).is_none());
    }
}
