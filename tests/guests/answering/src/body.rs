//! Answers, told apart by how their bodies come and end.

use wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use super::response;

const PIECE: u64 = 16 * 1024;

/// A short one.
pub(super) fn whole(answer: ResponseOutparam, status: u16, text: &str) {
    let response = response(status, &[("content-type", "text/plain"), ("x-answered-by", "guest")]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    write(&body, text.as_bytes());
    OutgoingBody::finish(body, None).expect("an end");
}

/// What comes in goes out, piece by piece.
pub(super) fn echo(request: &IncomingRequest, answer: ResponseOutparam) {
    let response = response(200, &[]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    let incoming = request.consume().expect("the request's body");
    let (from, to) = (incoming.stream().expect("a stream"), body.write().expect("a stream"));
    copy(&from, &to);
    drop((from, to));
    OutgoingBody::finish(body, None).expect("an end");
}

/// A part, and then a trap.
pub(super) fn half(answer: ResponseOutparam) {
    let response = response(200, &[]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    write(&body, b"the first half");
    // So that the gateway has sent it.
    wasip2::clocks::monotonic_clock::subscribe_duration(100_000_000).block();
    panic!("asked to");
}

/// Fewer bytes than it says.
pub(super) fn short(answer: ResponseOutparam) {
    let response = response(200, &[("content-length", "100")]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    write(&body, b"too few");
    let _ = OutgoingBody::finish(body, None);
}

/// A head that announces so many bytes, and no body.
pub(super) fn nothing(answer: ResponseOutparam, length: &str) {
    ResponseOutparam::set(answer, Ok(response(200, &[("content-length", length)])));
}

/// As long as somebody reads it.
pub(super) fn endless(answer: ResponseOutparam) {
    let response = response(200, &[]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    let stream = body.write().expect("a stream");
    loop {
        stream.blocking_write_and_flush(&[b'x'; 4096]).expect("somebody who reads");
    }
}

/// A part, and then nothing for long.
pub(super) fn stuck(answer: ResponseOutparam) {
    let response = response(200, &[]);
    let body = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    write(&body, b"the first half");
    wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000).block();
}

pub(super) fn write(body: &OutgoingBody, bytes: &[u8]) {
    let stream = body.write().expect("a stream");
    for piece in bytes.chunks(4096) {
        stream.blocking_write_and_flush(piece).expect("somebody who reads");
    }
}

/// Until the end of what is read.
pub(super) fn copy(from: &InputStream, to: &OutputStream) {
    loop {
        match from.blocking_read(PIECE) {
            Ok(piece) => {
                for part in piece.chunks(4096) {
                    to.blocking_write_and_flush(part).expect("somebody who reads");
                }
            }
            Err(StreamError::Closed) => return,
            Err(StreamError::LastOperationFailed(error)) => panic!("{}", error.to_debug_string()),
        }
    }
}
