//! An answer that arrives in pieces, without a socket: for the fuzz target `answer`.

use bytes::BytesMut;
use http::Method;

use super::{Broken, Decoded, Expected, head};

/// Status and body of the answer to a GET; an error where it is broken or not whole.
pub(crate) fn read<'a>(mut pieces: impl Iterator<Item = &'a [u8]>) -> Result<(u16, Vec<u8>), Broken> {
    let (mut received, mut places) = (BytesMut::new(), Vec::new());
    let expected = Expected { method: &Method::GET, interim: None, reads_fields: true };
    let mut answer = loop {
        if let Some(head) = head::take(&mut received, &mut places, &expected)? {
            break head;
        }
        received.extend_from_slice(pieces.next().ok_or(Broken::Closed)?);
    };
    let status = answer.status.as_u16();
    let mut body = Vec::new();
    loop {
        match answer.body.decode(&mut received)? {
            Decoded::Data(data) => body.extend_from_slice(&data),
            Decoded::Trailers(_) | Decoded::End => return Ok((status, body)),
            Decoded::Nothing => match pieces.next() {
                Some(piece) => received.extend_from_slice(piece),
                None if answer.body.ends_with_connection() => return Ok((status, body)),
                None => return Err(Broken::Closed),
            },
        }
    }
}
