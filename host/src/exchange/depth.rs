//! How many plugins' calls a request is inside of.
//!
//! A plugin may call a route whose plugin calls a route, or a service that calls the gateway. What goes
//! out says how deep it is, in the field that was made for that (CDN-Loop, RFC 8586), and what comes in
//! may be so deep at the most. Absent on purpose: a mark on requests that are only passed on.

use std::borrow::Cow;

use http::HeaderMap;

use crate::respond::Failure;

/// The field.
pub(crate) const CDN_LOOP: &str = "cdn-loop";
/// All gateways of this kind count together.
const MARK: &str = "tollgate;depth=";
const FIRST: &str = "tollgate;depth=1";

/// How deep a request is that came in, if that is not too deep. A client that lies about it only makes
/// its own calls fail.
pub(super) fn of(headers: &HeaderMap, max: u32) -> Result<u32, Failure> {
    if !headers.contains_key(CDN_LOOP) {
        return Ok(0);
    }
    let values = headers.get_all(CDN_LOOP).iter().filter_map(|value| value.to_str().ok());
    let marks = values.flat_map(|value| value.split(',')).filter_map(|entry| entry.trim().strip_prefix(MARK));
    // What is no number was not written by a gateway.
    let depth = marks.filter_map(|depth| depth.parse::<u32>().ok()).max().unwrap_or(0);
    if depth > max { Err(Failure::Loop) } else { Ok(depth) }
}

/// What the field says on a call that goes out so deep.
pub(crate) fn mark(depth: u32) -> Cow<'static, str> {
    // Nearly every call is the first.
    if depth == 1 { FIRST.into() } else { format!("{MARK}{depth}").into() }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn append(headers: &mut HeaderMap, value: &str) {
        headers.append(CDN_LOOP, HeaderValue::from_str(value).unwrap());
    }

    #[test]
    fn a_mark_is_read_again_among_those_of_others() {
        let mut headers = HeaderMap::new();
        assert!(matches!(of(&headers, 0), Ok(0)));
        append(&mut headers, "other.example; x=1, third");
        assert!(matches!(of(&headers, 4), Ok(0)));
        append(&mut headers, &mark(3));
        assert!(matches!(of(&headers, 4), Ok(3)));
        assert!(matches!(of(&headers, 2), Err(Failure::Loop)));
        let mut first = HeaderMap::new();
        append(&mut first, &mark(1));
        assert!(matches!((of(&first, 1), of(&first, 0)), (Ok(1), Err(Failure::Loop))));
    }

    #[test]
    fn what_no_gateway_wrote_is_not_counted() {
        for value in
            ["tollgate", "tollgate;depth=", "tollgate;depth=-1", "tollgate;depth=99999999999", "xtollgate;depth=9"]
        {
            let mut headers = HeaderMap::new();
            append(&mut headers, value);
            assert!(matches!(of(&headers, 4), Ok(0)), "{value}");
        }
    }
}
