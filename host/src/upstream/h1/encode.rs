//! The head of a request, as bytes.

use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::sending::Length;

/// Fields by name and value, which are known to be good; those without a value are left out.
pub(in crate::upstream) type More<'a> = &'a [(&'static str, Option<&'a [u8]>)];

/// A request's head for one target.
#[derive(Debug)]
pub(in crate::upstream) struct Asked<'a> {
    pub(in crate::upstream) head: &'a Parts,
    /// In place of the head's own.
    pub(in crate::upstream) host: &'a HeaderValue,
    /// Behind the head's own fields.
    pub(in crate::upstream) more: More<'a>,
}

/// Writes a head. The target is in origin-form, `host` comes first (RFC 9112 section 3.2);
/// framing follows from the body alone, whatever the fields say.
pub(super) fn head(to: &mut Vec<u8>, asked: &Asked<'_>, length: Length) {
    let Asked { head, host, more } = asked;
    to.extend_from_slice(head.method.as_str().as_bytes());
    to.push(b' ');
    target(to, head);
    to.extend_from_slice(b" HTTP/1.1\r\n");
    field(to, HOST.as_str(), host.as_bytes());
    fields(to, &head.headers);
    for (name, value) in more.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        field(to, name, value);
    }
    match length {
        // RFC 9110 8.6: a method that means content says so when there is none.
        Length::Known(0) if !means_content(&head.method) => {}
        Length::Known(length) => {
            to.extend_from_slice(b"content-length: ");
            to.extend_from_slice(length.to_string().as_bytes());
            to.extend_from_slice(b"\r\n");
        }
        Length::Chunked => to.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    to.extend_from_slice(b"\r\n");
}

/// Writes all fields but those [`head`] decides on.
fn fields(to: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        if name != HOST && name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            field(to, name.as_str(), value.as_bytes());
        }
    }
}

pub(super) fn field(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    to.extend_from_slice(b": ");
    to.extend_from_slice(value);
    to.extend_from_slice(b"\r\n");
}

fn target(to: &mut Vec<u8>, head: &Parts) {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    // `http://a?b` has no path of its own; `*` stands for itself.
    if !target.starts_with(['/', '*']) {
        to.push(b'/');
    }
    to.extend_from_slice(target.as_bytes());
}

fn means_content(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The head as it is written, without its `host: target.example`.
    fn encoded(method: &str, uri: &str, fields: &[(&'static str, &'static str)], length: Length) -> String {
        encoded_with(method, uri, fields, &[], length)
    }

    fn encoded_with(
        method: &str,
        uri: &str,
        fields: &[(&'static str, &'static str)],
        more: More<'_>,
        length: Length,
    ) -> String {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let mut bytes = Vec::new();
        let host = &HeaderValue::from_static("target.example");
        head(&mut bytes, &Asked { head: &builder.body(()).unwrap().into_parts().0, host, more }, length);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("host: ").count(), 1, "{text}");
        text.replacen(" HTTP/1.1\r\nhost: target.example\r\n", " HTTP/1.1\r\n", 1)
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
            assert_eq!(encoded("GET", given, &[], Length::Known(0)), format!("GET {sent} HTTP/1.1\r\n\r\n"), "{given}");
        }
    }

    #[test]
    fn the_request_is_framed_by_its_body_and_not_by_its_fields() {
        let lies = [("content-length", "5"), ("transfer-encoding", "gzip")];
        assert_eq!(encoded("GET", "/", &lies, Length::Known(0)), "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(encoded("POST", "/", &lies, Length::Known(0)), "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(encoded("GET", "/", &lies, Length::Known(3)), "GET / HTTP/1.1\r\ncontent-length: 3\r\n\r\n");
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(encoded("POST", "/", &lies, Length::Chunked), chunked);
    }

    #[test]
    fn the_host_comes_first_and_once_and_every_line_of_other_fields_is_kept() {
        let fields = [("x-a", "1"), ("host", "client.example"), ("x-a", "2")];
        let sent = encoded("GET", "/", &fields, Length::Known(0));
        assert_eq!(sent, "GET / HTTP/1.1\r\nx-a: 1\r\nx-a: 2\r\n\r\n");
    }

    #[test]
    fn more_fields_come_behind_the_others_if_they_have_a_value() {
        let sent = encoded_with("GET", "/", &[("x-a", "1")], &[("x-b", Some(b"2")), ("x-c", None)], Length::Known(0));
        assert_eq!(sent, "GET / HTTP/1.1\r\nx-a: 1\r\nx-b: 2\r\n\r\n");
    }
}
