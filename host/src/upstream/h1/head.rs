//! The head of an answer, from bytes.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};

use super::announced::Announced;
use super::fields::{self, Field, Fields};
use super::{Broken, Decoder};
use crate::upstream::Interim;

/// Longest head, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Most fields of a head.
const MAX_FIELDS: usize = 128;

/// A final answer's head, and what it says of the rest.
#[derive(Debug)]
pub(in crate::upstream) struct Head {
    pub(in crate::upstream) status: StatusCode,
    pub(in crate::upstream) fields: Fields,
    pub(in crate::upstream) body: Decoder,
    /// Whether the target keeps the connection open after this answer.
    pub(in crate::upstream) keeps_alive: bool,
}

/// What an answer is expected to be like.
#[derive(Debug)]
pub(in crate::upstream) struct Expected<'a> {
    /// The request's.
    pub(in crate::upstream) method: &'a Method,
    /// Takes the interim answers, if anybody wants them.
    pub(in crate::upstream) interim: Option<&'a Interim>,
    /// Somebody is going to ask for its fields.
    pub(in crate::upstream) reads_fields: bool,
}

/// Takes a whole head out of what was received; `None` where more has to come. Interim answers go to
/// whoever wants them, or are skipped; 101 is final here. `places` is scratch space.
pub(super) fn take(
    received: &mut BytesMut,
    places: &mut Vec<Field>,
    expected: &Expected<'_>,
) -> Result<Option<Head>, Broken> {
    loop {
        let Some(head) = parse(received, places)? else {
            return if received.len() > MAX_HEAD { Err(Broken::HeadTooLarge(MAX_HEAD)) } else { Ok(None) };
        };
        if head.length > MAX_HEAD {
            return Err(Broken::HeadTooLarge(MAX_HEAD));
        }
        if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
            let bytes = received.split_to(head.length).freeze();
            if let Some(interim) = expected.interim.filter(|_| Interim::takes(head.status)) {
                interim.put(head.status, fields::map(&bytes, places)?);
            }
            continue;
        }
        let bytes = received.split_to(head.length).freeze();
        return finish(&head, bytes, places, expected).map(Some);
    }
}

pub(super) struct Parsed {
    length: usize,
    status: StatusCode,
    version: Version,
}

/// `places` is filled anew.
pub(super) fn parse(received: &[u8], places: &mut Vec<Field>) -> Result<Option<Parsed>, Broken> {
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
    places.clear();
    places.extend(
        answer.headers.iter().map(|field| Field { name: place(field.name.as_bytes()), value: place(field.value) }),
    );
    Ok(Some(Parsed { length, status, version }))
}

fn finish(head: &Parsed, bytes: Bytes, places: &[Field], expected: &Expected<'_>) -> Result<Head, Broken> {
    let announced = Announced::by(places.iter().map(|field| field.within(&bytes)))?;
    let body = Decoder::of(expected.method, head.status, head.version, &announced)?;
    // RFC 9112 section 9.3. HTTP/1.0's `keep-alive` is not believed: a proxy may not (appendix C.2.2).
    let keeps_alive = head.version == Version::HTTP_11 && !announced.closes && !body.ends_with_connection();
    let fields = if expected.reads_fields { Fields::Read(fields::map(&bytes, places)?) } else { Fields::Unread(bytes) };
    Ok(Head { status: head.status, fields, body, keeps_alive })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Expected<'_> = Expected { method: &Method::GET, interim: None, reads_fields: true };

    fn taken(sent: &str) -> Result<Option<Head>, Broken> {
        take(&mut BytesMut::from(sent), &mut Vec::new(), &ANSWER)
    }

    #[test]
    fn a_head_is_taken_and_the_body_is_left() {
        let mut received = BytesMut::from("HTTP/1.1 201 Fine\r\nX-A: 1\r\nx-a:2\r\nContent-Length: 2\r\n\r\nok");
        let head = take(&mut received, &mut Vec::new(), &ANSWER).unwrap().unwrap();
        assert_eq!(head.status, 201);
        assert_eq!((head.body, head.keeps_alive, &received[..]), (Decoder::Length(2), true, &b"ok"[..]));
        assert_eq!(head.fields.end_to_end().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
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
        assert_eq!((head.status, head.fields.end_to_end().len()), (StatusCode::OK, 0));
        assert_eq!(taken("HTTP/1.1 101 Sw\r\n\r\n").unwrap().unwrap().status, 101);
    }

    #[test]
    fn interim_answers_are_kept_for_whoever_wants_them() {
        let sent = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        for end in [sent.len() - 1, sent.len()] {
            let interim = Interim::default();
            let mut received = BytesMut::from(&sent[..end]);
            let expected = Expected { interim: Some(&interim), ..ANSWER };
            let head = take(&mut received, &mut Vec::new(), &expected).unwrap();
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
        let head = take(&mut received, &mut Vec::new(), &ANSWER).unwrap().unwrap();
        assert_eq!(head.fields.end_to_end()["x"].as_bytes(), b"a\xffb");
    }
}
