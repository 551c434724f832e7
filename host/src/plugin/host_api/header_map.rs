//! Reading and changing header fields, for `request` and `response` alike.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::plugin::bindings::tollgate::plugin::types::{Header, HeaderError};
use crate::unchecked::text::utf8;

/// Most field lines of a head that plugins may build up.
pub(crate) const MAX_FIELDS: usize = 256;
/// Most names a plugin may ask for, or have removed, in one call.
pub(crate) const MAX_NAMES: usize = 256;
/// Longest value a plugin may set, in bytes.
pub(crate) const MAX_VALUE: usize = 32 * 1024;

/// Names up to which they are compared with the fields one by one.
const FEW: usize = 32;

pub(crate) fn get(map: &HeaderMap, name: &str) -> Option<String> {
    map.get(name).map(|value| to_text(value.as_bytes()))
}

pub(crate) fn get_bytes(map: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    map.get(name).map(|value| value.as_bytes().to_vec())
}

/// Refuses more than [`MAX_NAMES`]: each may be that of the longest field, whose value would be copied as often.
pub(crate) fn check_names(function: &str, names: &[String]) -> wasmtime::Result<()> {
    match names.len() {
        ..=MAX_NAMES => Ok(()),
        many => Err(wasmtime::Error::msg(format!("`{function}`: {many} names; at most {MAX_NAMES} are allowed"))),
    }
}

/// Of names that were checked.
pub(crate) fn get_many(map: &HeaderMap, names: &[String]) -> Vec<Option<String>> {
    if names.len() > FEW {
        return names.iter().map(|name| get(map, name)).collect();
    }
    // A head's fields are few, too: comparing names, most of which differ in length, costs less than making
    // each a `HeaderName` and hashing it.
    let mut found = vec![None; names.len()];
    for (name, value) in map {
        let name = name.as_str();
        for (wanted, found) in names.iter().zip(&mut found) {
            if found.is_none() && wanted.eq_ignore_ascii_case(name) {
                *found = Some(to_text(value.as_bytes()));
            }
        }
    }
    found
}

pub(crate) fn values(map: &HeaderMap, name: &str) -> Vec<String> {
    map.get_all(name).iter().map(|value| to_text(value.as_bytes())).collect()
}

pub(crate) fn all(map: &HeaderMap) -> Vec<Header> {
    map.iter()
        .map(|(name, value)| Header { name: name.as_str().to_owned(), value: to_text(value.as_bytes()) })
        .collect()
}

pub(crate) fn set(map: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    let (name, value) = parse(name, value)?;
    if map.len() >= MAX_FIELDS && !map.contains_key(&name) {
        return Err(HeaderError::TooLarge);
    }
    map.try_insert(name, value).map(drop).map_err(|_| HeaderError::TooLarge)
}

pub(crate) fn add(map: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    let (name, value) = parse(name, value)?;
    if map.len() >= MAX_FIELDS {
        return Err(HeaderError::TooLarge);
    }
    map.try_append(name, value).map(drop).map_err(|_| HeaderError::TooLarge)
}

pub(crate) fn remove(map: &mut HeaderMap, name: &str) -> Result<(), HeaderError> {
    map.remove(parse_name(name)?);
    Ok(())
}

/// A whole set of fields made by a plugin. Framing and hop-by-hop fields are dropped: they belong
/// to the gateway, and plugins written for other servers set them out of habit.
pub(crate) fn build(fields: Vec<Header>) -> Result<HeaderMap, String> {
    if fields.len() > MAX_FIELDS {
        return Err(format!("{} header fields; at most {MAX_FIELDS} are allowed", fields.len()));
    }
    let mut map = HeaderMap::with_capacity(fields.len() + 2);
    for field in fields {
        match take(&mut map, &field.name, field.value) {
            Ok(()) | Err(HeaderError::Reserved) => {}
            Err(error) => return Err(format!("header `{}`: {}", field.name.escape_debug(), describe(error))),
        }
    }
    Ok(map)
}

/// As [`add`], without a copy of the value.
fn take(map: &mut HeaderMap, name: &str, value: String) -> Result<(), HeaderError> {
    let name = parse_name(name)?;
    if value.len() > MAX_VALUE {
        return Err(HeaderError::TooLarge);
    }
    let value = HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| HeaderError::IllegalValue)?;
    map.try_append(name, value).map(drop).map_err(|_| HeaderError::TooLarge)
}

fn describe(error: HeaderError) -> &'static str {
    match error {
        HeaderError::IllegalName => "illegal name",
        HeaderError::IllegalValue => "illegal value",
        HeaderError::Reserved => "belongs to the gateway",
        HeaderError::TooLarge => "too large",
    }
}

/// Checked as what a plugin may set.
pub(crate) fn parse(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let name = parse_name(name)?;
    if value.len() > MAX_VALUE {
        return Err(HeaderError::TooLarge);
    }
    let value = HeaderValue::from_bytes(value).map_err(|_| HeaderError::IllegalValue)?;
    Ok((name, value))
}

fn parse_name(name: &str) -> Result<HeaderName, HeaderError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::IllegalName)?;
    if is_reserved(&name) { Err(HeaderError::Reserved) } else { Ok(name) }
}

/// Framing, hop-by-hop fields (RFC 9110 section 7.6.1) and `host`, which routing has used already.
fn is_reserved(name: &HeaderName) -> bool {
    [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Valid UTF-8 as it is; what is not becomes U+FFFD, never a missing header: a policy must not
/// mistake a field it cannot read for one that is not there.
pub(crate) fn to_text(value: &[u8]) -> String {
    // Nearly all are valid, which is told sooner than what is not is found.
    utf8(value).map_or_else(|_| String::from_utf8_lossy(value).into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_framing_fields_are_refused() {
        let mut map = HeaderMap::new();
        assert!(matches!(set(&mut map, "x", b"a\r\nb: c"), Err(HeaderError::IllegalValue)));
        assert!(matches!(set(&mut map, "x y", b""), Err(HeaderError::IllegalName)));
        assert!(matches!(set(&mut map, "Content-Length", b"1"), Err(HeaderError::Reserved)));
        assert!(map.is_empty());
    }

    #[test]
    fn one_field_that_breaks_out_of_its_line_spoils_the_whole_set() {
        let field = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let map = build(vec![field("X-a", "1"), field("x-a", "2"), field("host", "h")]).unwrap();
        assert_eq!((values(&map, "x-a"), map.len()), (vec!["1".to_owned(), "2".to_owned()], 2));
        for wrong in [field("x", "a\r\nb: c"), field("x y", ""), field("x", &"v".repeat(MAX_VALUE + 1))] {
            assert!(build(vec![wrong]).is_err());
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_seen_and_kept() {
        let mut map = HeaderMap::new();
        set(&mut map, "x", b"a\xffb").unwrap();
        assert_eq!(get(&map, "X").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(get_bytes(&map, "x").as_deref(), Some(&b"a\xffb"[..]));
    }

    #[test]
    fn few_names_find_the_same_as_many() {
        let mut map = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("accept", "h")] {
            add(&mut map, name, value.as_bytes()).unwrap();
        }
        let few: Vec<String> = ["X-A", "x-c", "ACCEPT", "x-a", "x b", ""].map(str::to_owned).into();
        let found = get_many(&map, &few);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [text("1"), None, text("h"), text("1"), None, None]);
        let many: Vec<String> = few.iter().cycle().take(few.len() * (FEW + 1)).cloned().collect();
        assert!(get_many(&map, &many).chunks(few.len()).all(|part| part == found));
    }

    #[test]
    fn fields_are_limited_in_number() {
        let mut map = HeaderMap::new();
        for n in 0..MAX_FIELDS {
            add(&mut map, &format!("x-{n}"), b"").unwrap();
        }
        assert!(matches!(add(&mut map, "x-0", b""), Err(HeaderError::TooLarge)));
        assert!(matches!(set(&mut map, "y", b""), Err(HeaderError::TooLarge)));
        set(&mut map, "x-0", b"again").unwrap();
    }
}
