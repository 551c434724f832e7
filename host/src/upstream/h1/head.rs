//! The head of an answer, from bytes.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Version, response};

use super::{Broken, Decoder};
use crate::upstream::Interim;

/// Longest head, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Most fields of a head.
const MAX_FIELDS: usize = 128;

/// A final answer's head, and what it says of the rest.
#[derive(Debug)]
pub(in crate::upstream) struct Head {
    pub(in crate::upstream) parts: response::Parts,
    pub(in crate::upstream) body: Decoder,
    /// Whether the target keeps the connection open after this answer.
    pub(in crate::upstream) keeps_alive: bool,
}

/// Where a field is within its head.
#[derive(Debug)]
pub(super) struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

/// Takes a whole head out of what was received; `None` where more has to come. Interim answers go to
/// `interim`, or are skipped where nobody wants them; 101 is final here. `fields` is scratch space.
pub(super) fn take(
    received: &mut BytesMut,
    fields: &mut Vec<Field>,
    method: &Method,
    interim: Option<&Interim>,
) -> Result<Option<Head>, Broken> {
    loop {
        let Some(head) = parse(received, fields)? else {
            return if received.len() > MAX_HEAD { Err(Broken::HeadTooLarge(MAX_HEAD)) } else { Ok(None) };
        };
        if head.length > MAX_HEAD {
            return Err(Broken::HeadTooLarge(MAX_HEAD));
        }
        if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
            let bytes = received.split_to(head.length).freeze();
            if let Some(interim) = interim.filter(|_| Interim::takes(head.status)) {
                interim.put(head.status, headers(&bytes, fields)?);
            }
            continue;
        }
        let bytes = received.split_to(head.length).freeze();
        return finish(&head, &bytes, fields, method).map(Some);
    }
}

struct Parsed {
    length: usize,
    status: StatusCode,
    version: Version,
}

fn parse(received: &[u8], fields: &mut Vec<Field>) -> Result<Option<Parsed>, Broken> {
    // An empty line ends a head: without it there is nothing to parse yet.
    let mut room = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut answer = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut answer, received, &mut room);
    let length = match parsed.map_err(Broken::Head)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Broken::Head(httparse::Error::Status))?;
    let version = if answer.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    // The names and values lie in `received`, whose head is about to be cut off: places outlive that.
    let start = received.as_ptr().addr();
    let place = |part: &[u8]| {
        let from = part.as_ptr().addr() - start;
        from..from + part.len()
    };
    fields.clear();
    fields.extend(
        answer.headers.iter().map(|field| Field { name: place(field.name.as_bytes()), value: place(field.value) }),
    );
    Ok(Some(Parsed { length, status, version }))
}

fn headers(bytes: &Bytes, fields: &[Field]) -> Result<HeaderMap, Broken> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(&bytes[field.name.clone()]);
        let value = HeaderValue::from_maybe_shared(bytes.slice(field.value.clone()));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Broken::Head(httparse::Error::HeaderValue));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn finish(head: &Parsed, bytes: &Bytes, fields: &[Field], method: &Method) -> Result<Head, Broken> {
    let headers = headers(bytes, fields)?;
    let body = Decoder::of(method, head.status, head.version, &headers)?;
    let keeps_alive = keeps_alive(head.version, &headers) && !body.ends_with_connection();
    let mut parts = Response::new(()).into_parts().0;
    parts.status = head.status;
    parts.headers = headers;
    Ok(Head { parts, body, keeps_alive })
}

/// RFC 9112 section 9.3. HTTP/1.0's `keep-alive` is not believed: a proxy may not (appendix C.2.2).
fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let closes = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    version == Version::HTTP_11 && !headers.get_all(CONNECTION).iter().any(closes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sent: &str) -> Result<Option<Head>, Broken> {
        take(&mut BytesMut::from(sent), &mut Vec::new(), &Method::GET, None)
    }

    #[test]
    fn a_head_is_taken_and_the_body_is_left() {
        let mut received = BytesMut::from("HTTP/1.1 201 Fine\r\nX-A: 1\r\nx-a:2\r\nContent-Length: 2\r\n\r\nok");
        let head = take(&mut received, &mut Vec::new(), &Method::GET, None).unwrap().unwrap();
        assert_eq!(head.parts.status, 201);
        assert_eq!(head.parts.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((head.body, head.keeps_alive, &received[..]), (Decoder::Length(2), true, &b"ok"[..]));
    }

    #[test]
    fn a_head_that_is_not_whole_is_waited_for() {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for end in 0..whole.len() {
            assert!(taken(&whole[..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn interim_answers_are_skipped_and_switching_protocols_is_not_one() {
        let head = taken("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        let head = head.unwrap().unwrap();
        assert_eq!((head.parts.status, head.parts.headers.len()), (StatusCode::OK, 0));
        assert_eq!(taken("HTTP/1.1 101 Sw\r\n\r\n").unwrap().unwrap().parts.status, 101);
    }

    #[test]
    fn interim_answers_are_kept_for_whoever_wants_them() {
        let sent = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        for end in [sent.len() - 1, sent.len()] {
            let interim = Interim::default();
            let mut received = BytesMut::from(&sent[..end]);
            let head = take(&mut received, &mut Vec::new(), &Method::GET, Some(&interim)).unwrap();
            assert_eq!(head.is_some(), end == sent.len());
            let mut kept = Vec::new();
            let _ = interim.drain(|bytes| {
                kept.extend_from_slice(bytes);
                std::task::Poll::Ready(Ok::<_, ()>(bytes.len()))
            });
            assert_eq!(kept, b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n");
        }
    }

    #[test]
    fn what_ends_a_connection_is_seen() {
        let keeps = |head: &str| taken(head).unwrap().unwrap().keeps_alive;
        assert!(keeps("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\ncontent-length: 1\r\nConnection: x, Close\r\n\r\n"));
        assert!(!keeps("HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for sent in [
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        ] {
            assert!(matches!(taken(sent), Err(Broken::Head(_))), "{sent:?}");
        }
        let many = "x: y\r\n".repeat(MAX_FIELDS + 1);
        assert!(matches!(taken(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")), Err(Broken::Head(_))));
        let long = "x".repeat(MAX_HEAD);
        assert!(matches!(taken(&format!("HTTP/1.1 200 OK\r\nx: {long}")), Err(Broken::HeadTooLarge(_))));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let mut received = BytesMut::from(&b"HTTP/1.1 200 OK\r\nx: a\xffb\r\n\r\n"[..]);
        let head = take(&mut received, &mut Vec::new(), &Method::GET, None).unwrap().unwrap();
        assert_eq!(head.parts.headers["x"].as_bytes(), b"a\xffb");
    }
}
