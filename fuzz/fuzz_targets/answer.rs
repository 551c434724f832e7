//! Answers of upstreams: read the same however they are cut up, and never more than was sent.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::read_answer;

#[derive(Debug, Arbitrary)]
struct Case<'a> {
    /// Lengths of the pieces, again and again.
    cuts: Vec<u8>,
    start: Start,
    bytes: &'a [u8],
}

/// Most random bytes are no answer; these come further.
#[derive(Debug, Arbitrary)]
enum Start {
    Nothing,
    Head,
    Chunked,
    Length(u8),
    UntilClose,
}

impl Start {
    fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Head => "HTTP/1.1 200 OK\r\n".to_owned(),
            Self::Chunked => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            Self::Length(length) => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"),
            Self::UntilClose => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        }
    }
}

fuzz_target!(|case: Case<'_>| {
    let mut sent = case.start.text().into_bytes();
    sent.extend_from_slice(case.bytes);
    let whole = read_answer(std::iter::once(&sent[..]));
    if let Ok((status, body)) = &whole {
        assert!((200..=999).contains(status) || *status == 101, "{status}");
        assert!(body.len() <= sent.len());
    }
    let mut rest = &sent[..];
    let mut cuts = case.cuts.iter().cycle();
    let pieces = std::iter::from_fn(|| {
        let length = usize::from(*cuts.next().unwrap_or(&1)).max(1).min(rest.len());
        let (piece, more) = rest.split_at(length);
        rest = more;
        (length > 0).then_some(piece)
    });
    assert_eq!(read_answer(pieces).ok(), whole.ok());
});
