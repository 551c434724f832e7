//! A body in one piece, for who has to see it whole.

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;

use super::{Body, BodyError, Fault};

/// What came of reading a body whole.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// All of it. Trailers are dropped.
    Whole(Bytes),
    /// It is longer than it may be. Nothing of it is lost.
    TooLong(Body),
}

/// The whole body in one piece. Trailers are dropped.
///
/// # Errors
/// [`Fault::LimitExceeded`] beyond `max` bytes, before reading where the length was announced; and
/// whatever the body itself fails with.
pub async fn collect(body: Body, max: u64) -> Result<Bytes, BodyError> {
    let too_large = BodyError { side: body.side(), fault: Fault::LimitExceeded(max) };
    match gather(body, max).await? {
        Gathered::Whole(bytes) => Ok(bytes),
        Gathered::TooLong(_) => Err(too_large),
    }
}

/// As [`collect`], but a body that is too long can still be passed on. Without a copy where it came in
/// one piece.
pub(crate) async fn gather(mut body: Body, max: u64) -> Result<Gathered, BodyError> {
    let announced = body.size_hint().lower();
    if announced > max {
        return Ok(Gathered::TooLong(body));
    }
    // Most are short, and there already.
    if let Some(whole) = body.take_whole() {
        return Ok(Gathered::Whole(whole));
    }
    let Some(first) = next_data(&mut body).await? else {
        return Ok(Gathered::Whole(Bytes::new()));
    };
    if first.len() as u64 > max {
        return Ok(Gathered::TooLong(Body::joined(first, body)));
    }
    let Some(second) = next_data(&mut body).await? else {
        return Ok(Gathered::Whole(first));
    };
    // `announced` is at most `max`, so nobody can make the gateway reserve more than that.
    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
    whole.extend_from_slice(&first);
    let mut more = Some(second);
    while let Some(data) = more {
        whole.extend_from_slice(&data);
        if whole.len() as u64 > max {
            return Ok(Gathered::TooLong(Body::joined(whole.freeze(), body)));
        }
        more = next_data(&mut body).await?;
    }
    Ok(Gathered::Whole(whole.freeze()))
}

/// The next bytes, skipping trailers; `None` at the end.
async fn next_data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while !body.is_end_stream() {
        match body.frame().await.transpose()?.map(Frame::into_data) {
            Some(Ok(data)) => return Ok(Some(data)),
            Some(Err(_trailers)) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}
