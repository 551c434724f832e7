//! Interim answers (1xx) on their way from a target to the client: what RFC 9110 section 15.2 has a
//! proxy pass on, such as 103 with the links of RFC 8297.
//!
//! A target's connection puts them in, the client's socket takes them out, and the exchange between
//! the two answers only when nothing is left in here. Plugins see none of it: a chain decides about
//! the answer, and that is still to come.
//!
//! Absent on purpose: 100, because the gateway answers `expect` itself, and 101, which is final for
//! its connection.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderMap, TRAILER};
use http::{HeaderName, HeaderValue, StatusCode};

use super::hop_by_hop::strip_hop_by_hop;

/// Most bytes that wait for a client to read. What has no room is left out: it was only a hint.
const MAX_WAITING: usize = 64 * 1024;

/// Whole heads that wait to be written, of the one request a connection is about to answer.
#[derive(Debug, Clone, Default)]
pub struct Interim(Rc<RefCell<BytesMut>>);

impl Interim {
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Lets `write` have all that waits, and forgets as much as it says it has written.
    pub fn drain<E>(&self, write: impl FnOnce(&[u8]) -> Poll<Result<usize, E>>) -> Poll<Result<usize, E>> {
        let mut waiting = self.0.borrow_mut();
        let written = write(&waiting);
        if let Poll::Ready(Ok(count)) = &written {
            let count = (*count).min(waiting.len());
            drop(waiting.split_to(count));
        }
        written
    }

    /// Waits until all of it is written. Whoever writes wakes the task, which is the connection's own.
    pub async fn written(&self) {
        poll_fn(|_| if self.is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Whether an answer with this status is passed on.
    pub(super) fn takes(status: StatusCode) -> bool {
        status.is_informational() && status != StatusCode::CONTINUE && status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// An interim answer has come. It has no content, so nothing may say how long that is.
    pub(crate) fn put(&self, status: StatusCode, mut headers: HeaderMap) {
        strip_hop_by_hop(&mut headers);
        for name in [CONTENT_LENGTH, TRAILER] {
            headers.remove(name);
        }
        let mut waiting = self.0.borrow_mut();
        let before = waiting.len();
        encode(&mut waiting, status, &headers);
        if waiting.len() > MAX_WAITING {
            waiting.truncate(before);
        }
    }
}

fn encode(to: &mut BytesMut, status: StatusCode, headers: &HeaderMap) {
    to.extend_from_slice(b"HTTP/1.1 ");
    to.extend_from_slice(status.as_str().as_bytes());
    to.extend_from_slice(b" ");
    to.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    to.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        field(to, name, value);
    }
    to.extend_from_slice(b"\r\n");
}

fn field(to: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
        to.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn written(interim: &Interim, most: usize) -> String {
        let mut out = Vec::new();
        let _ = interim.drain(|bytes| {
            out.extend_from_slice(&bytes[..bytes.len().min(most)]);
            Poll::Ready(Ok::<_, Infallible>(out.len()))
        });
        String::from_utf8(out).unwrap()
    }

    fn link(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::LINK, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_is_about_the_hop_or_about_content_is_left_out() {
        let mut headers = link("</a>");
        for (name, value) in [("connection", "x-own"), ("x-own", "1"), ("content-length", "3"), ("x-kept", "1")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let interim = Interim::default();
        interim.put(StatusCode::EARLY_HINTS, headers);
        assert_eq!(written(&interim, 999), "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-kept: 1\r\n\r\n");
        assert!(interim.is_empty());
    }

    #[test]
    fn what_a_client_takes_in_pieces_is_the_same() {
        let interim = Interim::default();
        interim.put(StatusCode::PROCESSING, HeaderMap::new());
        interim.put(StatusCode::from_u16(199).unwrap(), HeaderMap::new());
        let pieces: String = (0..60).map(|_| written(&interim, 1)).collect();
        assert_eq!(pieces, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 \r\n\r\n");
    }

    #[test]
    fn what_has_no_room_is_left_out_and_no_half_of_it_stays() {
        let interim = Interim::default();
        interim.put(StatusCode::EARLY_HINTS, link("</a>"));
        interim.put(StatusCode::EARLY_HINTS, link(&"x".repeat(MAX_WAITING)));
        interim.put(StatusCode::EARLY_HINTS, link("</b>"));
        let sent = written(&interim, 999);
        assert_eq!((sent.matches("HTTP/1.1 ").count(), sent.contains("</b>")), (2, true), "{sent}");
    }

    #[test]
    fn those_the_gateway_answers_itself_are_not_passed_on() {
        for (status, taken) in [(100, false), (101, false), (102, true), (103, true), (150, true), (200, false)] {
            assert_eq!(Interim::takes(StatusCode::from_u16(status).unwrap()), taken, "{status}");
        }
    }
}
