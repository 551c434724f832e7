//! A stored response, made the answer. The body is shared with the store, not copied.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Response, StatusCode, response};

use super::entry::Entry;
use crate::body::Body;
use crate::context::is_bodiless;

/// First and last byte.
pub type Part = (u64, u64);

/// How a stored response is sent.
#[derive(Debug)]
pub struct Hit {
    /// The stored one's if `None`.
    pub status: Option<StatusCode>,
    pub part: Option<Part>,
    pub set: HeaderMap,
}

/// Head and body; the problem's text if the body has no such part.
pub fn serve(entry: &Entry, hit: Hit) -> Result<(response::Parts, Body), String> {
    let mut head = Response::new(()).into_parts().0;
    head.status = hit.status.unwrap_or(entry.head.status);
    head.headers = entry.head.headers.clone();
    let mut last = None;
    for (name, value) in hit.set {
        // A map gives the name of a field once, before its first line.
        if let Some(name) = name {
            last = Some(name.clone());
            head.headers.insert(name, value);
        } else if let Some(name) = &last {
            head.headers.append(name, value);
        }
    }
    let body = body_of(entry, head.status, hit.part)?;
    if !is_bodiless(head.status) {
        let of_part = |(first, last)| HeaderValue::from(last - first + 1);
        head.headers.insert(CONTENT_LENGTH, hit.part.map_or_else(|| entry.length.clone(), of_part));
    }
    Ok((head, body))
}

/// What of it is the body of an answer of this status.
pub(super) fn body_of(entry: &Entry, status: StatusCode, part: Option<Part>) -> Result<Body, String> {
    if is_bodiless(status) {
        return Ok(Body::empty());
    }
    Ok(Body::full(match part {
        Some((first, last)) => cut(&entry.body, first, last)?,
        None => entry.body.clone(),
    }))
}

fn cut(body: &Bytes, first: u64, last: u64) -> Result<Bytes, String> {
    let whole = || format!("bytes {first} to {last} of a stored body that has {}", body.len());
    let (first, last) = usize::try_from(first).ok().zip(usize::try_from(last).ok()).ok_or_else(whole)?;
    if first > last || last >= body.len() {
        return Err(whole());
    }
    Ok(body.slice(first..=last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_within_the_body_or_an_error() {
        let body = Bytes::from_static(b"0123456789");
        assert_eq!(cut(&body, 2, 4).unwrap(), "234");
        assert_eq!(cut(&body, 9, 9).unwrap(), "9");
        assert!(cut(&body, 4, 2).is_err() && cut(&body, 0, 10).is_err() && cut(&body, 0, u64::MAX).is_err());
    }
}
