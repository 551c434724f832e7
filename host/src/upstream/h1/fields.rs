//! The fields of an answer: as a map, or as the bytes they came in.
//!
//! To make a map of a few fields takes as long as all else that is done about the head of an answer.
//! A plugin that wants no more than status and body is spared that.

use std::ops::Range;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Broken, head};
use crate::upstream::hop_by_hop::strip_hop_by_hop;

/// The fields of an answer, those for this hop among them.
#[derive(Debug)]
pub enum Fields {
    Read(HeaderMap),
    /// A head that was parsed and found to be good.
    Unread(Bytes),
}

impl Fields {
    /// Those that travel on (RFC 9110 section 7.6.1).
    pub fn end_to_end(self) -> HeaderMap {
        let mut map = match self {
            Self::Read(map) => map,
            Self::Unread(bytes) => read_again(&bytes),
        };
        strip_hop_by_hop(&mut map);
        map
    }
}

/// Where a field is within its head.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

impl Field {
    /// Its name and value, in the head it was found in.
    pub(super) fn within<'a>(&self, head: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        (&head[self.name.clone()], &head[self.value.clone()])
    }
}

/// A map of the fields of a head.
pub(super) fn map(head: &Bytes, fields: &[Field]) -> Result<HeaderMap, Broken> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(&head[field.name.clone()]);
        let value = HeaderValue::from_maybe_shared(head.slice(field.value.clone()));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Broken::Head(httparse::Error::HeaderValue));
        };
        map.append(name, value);
    }
    Ok(map)
}

/// Nothing can be wrong with a head that was parsed before.
fn read_again(head: &Bytes) -> HeaderMap {
    let mut fields = Vec::new();
    let parsed = head::parse(head, &mut fields);
    parsed.and_then(|_| map(head, &fields)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_late_is_the_same_as_what_is_read_at_once() {
        let head = Bytes::from_static(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nkeep-alive: 5\r\nx-b: a\xffb\r\nx-a:2\r\n\r\n");
        let mut fields = Vec::new();
        head::parse(&head, &mut fields).unwrap();
        let at_once = Fields::Read(map(&head, &fields).unwrap()).end_to_end();
        assert_eq!(at_once.len(), 3);
        assert_eq!(Fields::Unread(head).end_to_end(), at_once);
    }
}
