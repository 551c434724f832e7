//! Where the body of an answer ends, and its bytes on the way there (RFC 9112 sections 6 and 7).

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Version};

use super::Broken;
use super::announced::Announced;

/// Longest line that announces a chunk, extensions included, in bytes.
const MAX_CHUNK_LINE: usize = 4 * 1024;
/// Most bytes of trailers.
const MAX_TRAILERS: usize = 16 * 1024;
/// Most fields among the trailers.
const MAX_TRAILER_FIELDS: usize = 64;

/// Takes a body out of the bytes it comes in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Decoder {
    /// This many bytes are still to come; 0 at the end.
    Length(u64),
    Chunked(Chunked),
    /// All until the target closes the connection.
    UntilClose,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Chunked {
    Size,
    /// So many bytes of a chunk, more than 0.
    Data(u64),
    /// The line break behind a chunk.
    Break,
    Trailers,
}

/// What was found in the bytes received so far.
#[derive(Debug)]
pub(in crate::upstream) enum Decoded {
    Data(Bytes),
    /// Trailers, and with them the end.
    Trailers(HeaderMap),
    End,
    /// More has to be received.
    Nothing,
}

impl Decoder {
    /// How the body behind a head is framed. Strict: an answer that two readers could cut in two ways
    /// is refused, or the rest of it would be taken for the answer to another client's request.
    pub(super) fn of(
        method: &Method,
        status: StatusCode,
        version: Version,
        announced: &Announced,
    ) -> Result<Self, Broken> {
        let bodiless = method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match (announced.is_chunked, announced.length) {
            _ if bodiless => Ok(Self::Length(0)),
            (true, Some(_)) => Err(Broken::Framing("both transfer-encoding and content-length")),
            (true, None) if version == Version::HTTP_10 => Err(Broken::Framing("transfer-encoding in HTTP/1.0")),
            (true, None) => Ok(Self::Chunked(Chunked::Size)),
            (false, Some(length)) => Ok(Self::Length(length)),
            (false, None) => Ok(Self::UntilClose),
        }
    }

    /// Whether nothing is to come.
    pub(in crate::upstream) fn is_over(&self) -> bool {
        *self == Self::Length(0)
    }

    /// How many bytes are to come, where the head said it.
    pub(in crate::upstream) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Takes what is there of the body. After [`Decoded::End`] or trailers it is over.
    pub(in crate::upstream) fn decode(&mut self, received: &mut BytesMut) -> Result<Decoded, Broken> {
        match self {
            Self::Length(0) => Ok(Decoded::End),
            Self::Length(left) => Ok(take(received, left)),
            Self::UntilClose => Ok(take(received, &mut { u64::MAX })),
            Self::Chunked(next) => {
                let decoded = decode_chunked(next, received)?;
                if matches!(decoded, Decoded::End | Decoded::Trailers(_)) {
                    *self = Self::Length(0);
                }
                Ok(decoded)
            }
        }
    }

    /// The target has closed: whether that is the body's end.
    pub(in crate::upstream) fn ends_with_connection(&self) -> bool {
        *self == Self::UntilClose
    }
}

fn decode_chunked(next: &mut Chunked, received: &mut BytesMut) -> Result<Decoded, Broken> {
    loop {
        match next {
            // httparse takes a line without digits for a size of 0, which would end the body.
            Chunked::Size if received.first().is_some_and(|first| !first.is_ascii_hexdigit()) => {
                return Err(Broken::Chunk("its size is not one"));
            }
            Chunked::Size => match httparse::parse_chunk_size(received) {
                // Also where it came at once: what is refused must not depend on how bytes arrive.
                Ok(httparse::Status::Complete((line, _))) if line > MAX_CHUNK_LINE => {
                    return Err(Broken::Chunk("its size has no end"));
                }
                Ok(httparse::Status::Complete((line, size))) => {
                    received.advance(line);
                    *next = if size == 0 { Chunked::Trailers } else { Chunked::Data(size) };
                }
                Ok(httparse::Status::Partial) if received.len() > MAX_CHUNK_LINE => {
                    return Err(Broken::Chunk("its size has no end"));
                }
                Ok(httparse::Status::Partial) => return Ok(Decoded::Nothing),
                Err(_) => return Err(Broken::Chunk("its size is not one")),
            },
            Chunked::Data(left) => {
                let data = take(received, left);
                if *left == 0 {
                    *next = Chunked::Break;
                }
                return Ok(data);
            }
            Chunked::Break => match received.get(..2) {
                Some(b"\r\n") => {
                    received.advance(2);
                    *next = Chunked::Size;
                }
                Some(_) => return Err(Broken::Chunk("it is longer than it said")),
                None => return Ok(Decoded::Nothing),
            },
            Chunked::Trailers => return trailers(received),
        }
    }
}

/// Takes at most `left` bytes, without a copy.
fn take(received: &mut BytesMut, left: &mut u64) -> Decoded {
    if received.is_empty() {
        return Decoded::Nothing;
    }
    let count = usize::try_from(*left).map_or(received.len(), |left| left.min(received.len()));
    *left -= count as u64;
    Decoded::Data(received.split_to(count).freeze())
}

fn trailers(received: &mut BytesMut) -> Result<Decoded, Broken> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_TRAILER_FIELDS];
    match httparse::parse_headers(received, &mut fields) {
        Ok(httparse::Status::Complete((length, _))) if length > MAX_TRAILERS => {
            Err(Broken::Chunk("its trailers have no end"))
        }
        Ok(httparse::Status::Complete((length, fields))) => {
            let mut map = HeaderMap::with_capacity(fields.len());
            for field in fields {
                let name = HeaderName::from_bytes(field.name.as_bytes());
                let value = HeaderValue::from_bytes(field.value);
                if let (Ok(name), Ok(value)) = (name, value) {
                    map.append(name, value);
                }
            }
            received.advance(length);
            Ok(if map.is_empty() { Decoded::End } else { Decoded::Trailers(map) })
        }
        Ok(httparse::Status::Partial) if received.len() <= MAX_TRAILERS => Ok(Decoded::Nothing),
        Ok(httparse::Status::Partial) => Err(Broken::Chunk("its trailers have no end")),
        Err(_) => Err(Broken::Chunk("its trailers are not fields")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(fields: &[(&str, &str)]) -> Result<Decoder, Broken> {
        answering(&Method::GET, StatusCode::OK, Version::HTTP_11, fields)
    }

    fn answering(
        method: &Method,
        status: StatusCode,
        version: Version,
        fields: &[(&str, &str)],
    ) -> Result<Decoder, Broken> {
        let announced = Announced::by(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))?;
        Decoder::of(method, status, version, &announced)
    }

    /// Feeds `sent` in pieces of `piece` bytes, and returns the body.
    fn decoded(mut decoder: Decoder, sent: &[u8], piece: usize) -> Result<(Vec<u8>, Option<HeaderMap>), Broken> {
        let (mut received, mut body) = (BytesMut::new(), Vec::new());
        let mut pieces = sent.chunks(piece);
        loop {
            match decoder.decode(&mut received)? {
                Decoded::Data(data) => body.extend_from_slice(&data),
                Decoded::Trailers(trailers) => return Ok((body, Some(trailers))),
                Decoded::End => return Ok((body, None)),
                Decoded::Nothing => match pieces.next() {
                    Some(piece) => received.extend_from_slice(piece),
                    None => return Err(Broken::Closed),
                },
            }
        }
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        assert_eq!(framed(&[("content-length", "5")]).unwrap(), Decoder::Length(5));
        assert_eq!(framed(&[("content-length", "5, 5"), ("content-length", "5")]).unwrap(), Decoder::Length(5));
        assert_eq!(framed(&[("transfer-encoding", "Chunked")]).unwrap(), Decoder::Chunked(Chunked::Size));
        assert_eq!(framed(&[]).unwrap(), Decoder::UntilClose);
    }

    #[test]
    fn an_answer_that_never_has_a_body_ends_with_its_head() {
        let length = [("content-length", "5")];
        let cases = [(Method::HEAD, StatusCode::OK), (Method::GET, StatusCode::NO_CONTENT)];
        for (method, status) in cases.iter().chain([&(Method::GET, StatusCode::NOT_MODIFIED)]) {
            assert!(answering(method, *status, Version::HTTP_11, &length).unwrap().is_over());
        }
    }

    #[test]
    fn an_answer_that_could_be_cut_in_two_ways_is_refused() {
        for fields in [
            &[("transfer-encoding", "chunked"), ("content-length", "5")][..],
            &[("content-length", "5"), ("content-length", "6")],
            &[("transfer-encoding", "gzip, chunked")],
        ] {
            assert!(matches!(framed(fields), Err(Broken::Framing(_))), "{fields:?}");
        }
        let old = answering(&Method::GET, StatusCode::OK, Version::HTTP_10, &[("transfer-encoding", "chunked")]);
        assert!(matches!(old, Err(Broken::Framing(_))));
    }

    #[test]
    fn a_chunked_body_is_the_same_however_it_is_cut() {
        let sent = b"3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n";
        for piece in 1..=sent.len() {
            let (body, trailers) = decoded(Decoder::Chunked(Chunked::Size), sent, piece).unwrap();
            assert_eq!(body, b"abc0123456789", "in pieces of {piece}");
            assert_eq!(trailers.unwrap()["x-sum"], "1");
        }
    }

    #[test]
    fn broken_chunks_are_told() {
        for sent in [
            &b"3\r\nabcd\r\n0\r\n\r\n"[..],
            b"x\r\n",
            b"3\nabc\n",
            b"-1\r\n",
            b"10000000000000000\r\n",
            b"0\r\na b: c\r\n\r\n",
            b"\r\n",
        ] {
            let problem = decoded(Decoder::Chunked(Chunked::Size), sent, 1).unwrap_err();
            assert!(matches!(problem, Broken::Chunk(_)), "{}: {problem}", sent.escape_ascii());
        }
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let size = [b"3;".to_vec(), vec![b'x'; MAX_CHUNK_LINE], b"\r\nabc\r\n0\r\n\r\n".to_vec()].concat();
        let trailers = [b"0\r\nx: ".to_vec(), vec![b'x'; MAX_TRAILERS], b"\r\n\r\n".to_vec()].concat();
        for endless in [size, trailers] {
            for piece in [999, endless.len()] {
                let read = decoded(Decoder::Chunked(Chunked::Size), &endless, piece);
                assert!(matches!(read, Err(Broken::Chunk(_))), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn bytes_behind_the_end_stay() {
        let mut received = BytesMut::from(&b"abcdef"[..]);
        let mut decoder = Decoder::Length(4);
        assert!(matches!(decoder.decode(&mut received), Ok(Decoded::Data(data)) if data == "abcd"));
        assert!(matches!(decoder.decode(&mut received), Ok(Decoded::End)));
        assert_eq!(received, "ef");
    }
}
