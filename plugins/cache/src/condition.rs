//! Conditional requests (RFC 9110 section 13) and ranges (section 14), answered from what is stored.

use crate::date;

/// Whether a list of entity tags names this one: by the weak comparison, as `If-None-Match` wants. `*`
/// names whatever there is, with a tag or without.
pub(crate) fn matches_any(list: &str, tag: Option<&str>) -> bool {
    let list = list.trim();
    list == "*" || tag.is_some_and(|tag| split(list).any(|other| opaque(other) == opaque(tag)))
}

/// Whether a 304 with this tag is about the response with that one (RFC 9111 section 4.3.4): by the strong comparison
/// where its tag is strong. Without a tag it is about what was asked for.
pub(crate) fn is_about(tag: Option<&str>, stored: Option<&str>) -> bool {
    match tag {
        None => true,
        Some(tag) if tag.starts_with("W/") => stored.is_some_and(|stored| opaque(stored) == opaque(tag)),
        strong => strong == stored,
    }
}

/// Whether a response of this date was not modified since the one the client names.
pub(crate) fn not_modified_since(named: &str, last_modified: u64) -> bool {
    date::parse(named).is_some_and(|named| last_modified <= named)
}

/// Whether `If-Range` lets a part be sent: by the strong comparison, or with the exact date.
pub(crate) fn is_same(if_range: &str, tag: Option<&str>, last_modified: Option<&str>) -> bool {
    let if_range = if_range.trim();
    if if_range.starts_with('"') {
        return tag == Some(if_range);
    }
    !if_range.starts_with("W/") && last_modified.is_some_and(|date| date.trim() == if_range)
}

/// What a `Range` asks for, of a body of some length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// First and last byte.
    Bytes(u64, u64),
    /// None of the body's bytes.
    Outside,
    /// Not one range of bytes: answered with the whole, as section 14.2 allows.
    Whole,
}

pub(crate) fn part(range: &str, length: u64) -> Part {
    let Some((unit, ranges)) = range.trim().split_once('=') else { return Part::Whole };
    if !unit.eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = ranges.trim().split_once('-') else { return Part::Whole };
    match (end(first), end(last)) {
        (End::At(first), End::At(_) | End::Open) if first >= length => Part::Outside,
        (End::At(first), End::Open) => Part::Bytes(first, length - 1),
        (End::At(first), End::At(last)) if first <= last => Part::Bytes(first, last.min(length - 1)),
        (End::Open, End::At(0)) => Part::Outside,
        (End::Open, End::At(_)) if length == 0 => Part::Outside,
        (End::Open, End::At(suffix)) => Part::Bytes(length.saturating_sub(suffix), length - 1),
        _ => Part::Whole,
    }
}

/// One end of a range as it is written.
enum End {
    At(u64),
    Open,
    Wrong,
}

fn end(text: &str) -> End {
    match text {
        "" => End::Open,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => End::At(digits.parse().unwrap_or(u64::MAX)),
        _ => End::Wrong,
    }
}

/// Tags between commas that are not in quotes.
fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(str::trim).filter(|tag| !tag.is_empty())
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_compared_without_regard_to_weakness() {
        assert!(matches_any(r#""1", W/"a,b" , "c""#, Some(r#""a,b""#)));
        assert!(matches_any("*", Some(r#""a""#)) && matches_any("*", None));
        assert!(matches_any("abc", Some("abc")));
        assert!(!matches_any(r#""a""#, Some(r#""b""#)) && !matches_any(r#""a""#, None));
        assert!(!matches_any(r#""a,b""#, Some(r#""a""#)));
    }

    #[test]
    fn a_304_is_about_what_has_its_tag() {
        let (strong, weak, other) = (Some("\"1\""), Some("W/\"1\""), Some("\"2\""));
        assert!(is_about(None, strong) && is_about(None, None) && is_about(strong, strong));
        assert!(is_about(weak, weak) && is_about(weak, strong));
        assert!(!is_about(other, strong) && !is_about(strong, weak) && !is_about(strong, None));
    }

    #[test]
    fn if_range_wants_the_very_same() {
        assert!(is_same(r#""a""#, Some(r#""a""#), None));
        assert!(!is_same(r#"W/"a""#, Some(r#"W/"a""#), None));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert!(is_same(date, None, Some(date)) && !is_same(date, Some(r#""a""#), None));
    }

    #[test]
    fn a_range_is_within_the_body_or_nothing() {
        assert_eq!(part("bytes=0-1", 11), Part::Bytes(0, 1));
        assert_eq!(part("bytes=1-", 11), Part::Bytes(1, 10));
        assert_eq!(part("bytes=-1", 11), Part::Bytes(10, 10));
        assert_eq!(part("bytes=-100", 11), Part::Bytes(0, 10));
        assert_eq!(part("bytes=5-100", 11), Part::Bytes(5, 10));
        assert_eq!(part("bytes=11-", 11), Part::Outside);
        assert_eq!(part("bytes=-0", 11), Part::Outside);
        for range in ["bytes=0-1,3-4", "bytes=2-1", "lines=0-1", "bytes=-", "bytes=a-b", "bytes 0-1"] {
            assert_eq!(part(range, 11), Part::Whole, "{range}");
        }
    }

    proptest! {
        #[test]
        fn no_range_leads_out_of_the_body(range in "(bytes=)?[0-9]{0,22}-?[0-9]{0,22}", length in 0_u64..40) {
            if let Part::Bytes(first, last) = part(&range, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
