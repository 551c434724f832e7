//! A stored response as bytes, and back.
//!
//! First what is known of it, in postcard's format, then the body as it is. What is read was written by
//! another gateway, or by anybody who can write to that Redis: it is believed only as far as it makes a
//! response that this gateway could have stored.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::super::entry::{Entry, Head, Kept};
use crate::upstream::hop_by_hop::is_hop_by_hop;

/// Longest time a response is kept: a year. Redis takes no more than it can count.
pub(super) const MAX_KEEP: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Serialize, Deserialize)]
struct Record<'a> {
    /// Milliseconds since 1970.
    stored_at: u64,
    keep_ms: u64,
    status: u16,
    #[serde(borrow)]
    fields: Vec<(&'a str, &'a [u8])>,
    meta: &'a [u8],
    tags: Vec<&'a str>,
}

/// What is wrong with bytes that are no record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(super) &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// The bytes of a response.
pub(super) fn write(entry: &Entry) -> Result<Vec<u8>, Broken> {
    let Kept { meta, tags, keep, .. } = &entry.kept;
    let record = Record {
        stored_at: entry.stored_at,
        keep_ms: keep_ms(*keep),
        status: entry.head.status.as_u16(),
        fields: entry.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        meta,
        tags: tags.iter().map(String::as_str).collect(),
    };
    let mut bytes = postcard::to_allocvec(&record).map_err(|_| Broken("it cannot be written"))?;
    bytes.extend_from_slice(&entry.body);
    Ok(bytes)
}

/// The response of such bytes. `None` if it is over.
pub(crate) fn read(selector: String, bytes: &Bytes) -> Result<Option<Arc<Entry>>, Broken> {
    let (record, body) = postcard::take_from_bytes::<Record<'_>>(bytes).map_err(|_| Broken("it cannot be read"))?;
    let status = StatusCode::from_u16(record.status).ok().filter(|status| (200..=999).contains(&status.as_u16()));
    let status = status.ok_or(Broken("its status is none"))?;
    let mut headers = HeaderMap::with_capacity(record.fields.len());
    for (name, value) in &record.fields {
        let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value));
        let (Ok(name), Ok(value)) = (name, value) else { return Err(Broken("it has a field that is none")) };
        if name == CONTENT_LENGTH || is_hop_by_hop(&name) {
            return Err(Broken("it has a field that belongs to a connection"));
        }
        headers.try_append(name, value).map_err(|_| Broken("it has too many fields"))?;
    }
    let kept = Kept {
        meta: record.meta.to_vec(),
        selector,
        tags: record.tags.iter().map(|&tag| tag.to_owned()).collect(),
        keep: Duration::from_millis(record.keep_ms).min(MAX_KEEP),
    };
    let entry = Entry::stored_at(Head { status, headers }, bytes.slice_ref(body), kept, record.stored_at);
    Ok(entry.filter(|entry| entry.is_kept(std::time::Instant::now())).map(Arc::new))
}

/// For how long, in Redis' unit.
pub(super) fn keep_ms(keep: Duration) -> u64 {
    u64::try_from(keep.min(MAX_KEEP).as_millis()).unwrap_or(u64::MAX)
}

/// Tags alone, to purge by them without reading bodies.
pub(super) fn write_tags(tags: &[String]) -> Result<Vec<u8>, Broken> {
    postcard::to_allocvec(tags).map_err(|_| Broken("its tags cannot be written"))
}

pub(super) fn has_tag(bytes: &[u8], tag: &str) -> bool {
    // What cannot be read may have the tag.
    postcard::from_bytes::<Vec<&str>>(bytes).map_or(true, |tags| tags.contains(&tag))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(fields: &[(&'static str, &'static str)], body: &'static [u8], keep: Duration) -> Entry {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let kept = Kept { meta: vec![1, 0, 255], selector: "de".into(), tags: vec!["a".into(), "b".into()], keep };
        Entry::new(Head { status: StatusCode::NOT_FOUND, headers }, Bytes::from_static(body), kept)
    }

    #[test]
    fn a_response_is_read_as_it_was_written() {
        let written = entry(&[("a", "1"), ("b", "x"), ("a", "2")], b"\0body", Duration::from_secs(9));
        let read = read("de".into(), &write(&written).unwrap().into()).unwrap().unwrap();
        let parts = |entry: &Entry| {
            let Entry { head, body, kept, stored_at, .. } = entry;
            let Kept { meta, selector, tags, keep } = kept;
            let kept = (meta.clone(), selector.clone(), tags.clone(), *keep);
            (head.status, head.headers.clone(), body.clone(), kept, *stored_at)
        };
        assert_eq!(parts(&read), parts(&written));
        let apart = written.stored.max(read.stored) - written.stored.min(read.stored);
        assert!(apart < Duration::from_secs(5), "{apart:?}");
    }

    #[test]
    fn what_is_over_is_not_there() {
        let written = entry(&[], b"", Duration::ZERO);
        assert!(read(String::new(), &write(&written).unwrap().into()).unwrap().is_none());
    }

    #[test]
    fn fields_that_frame_a_message_are_not_taken_from_there() {
        for field in [("content-length", "1"), ("transfer-encoding", "chunked"), ("connection", "close")] {
            let written = entry(&[field], b"body", Duration::from_secs(9));
            let read = read(String::new(), &write(&written).unwrap().into());
            assert_eq!(read.unwrap_err(), Broken("it has a field that belongs to a connection"), "{field:?}");
        }
    }

    #[test]
    fn tags_are_found_whole() {
        let bytes = write_tags(&["red".into(), "blue".into()]).unwrap();
        assert!(has_tag(&bytes, "blue") && !has_tag(&bytes, "re"));
        assert!(has_tag(b"\xff\xff\xff", "any"), "what cannot be read may have it");
    }

    proptest! {
        #[test]
        fn whatever_is_there_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(String::new(), &bytes.into()));
        }

        #[test]
        fn a_record_cut_short_or_changed_is_read_without_a_panic(cut in 0..60usize, at in 0..60usize, to in any::<u8>()) {
            let mut bytes = write(&entry(&[("etag", "\"x\"")], b"body", Duration::from_secs(9))).unwrap();
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            drop(read(String::new(), &bytes.into()));
        }
    }
}
