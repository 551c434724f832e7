//! HTTP dates (RFC 9110 section 5.6.7), as seconds since 1970.

use std::time::UNIX_EPOCH;

/// One of the three formats, in any case, and nothing else: not another time zone, not a year of two
/// digits where there are four. Before 1970 is 0.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(&usual_case(text.trim())).ok()?;
    Some(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// `SUN, 06 nov 1994 08:49:37 gmt` as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn usual_case(text: &str) -> String {
    let mut begins = true;
    let cased = text.chars().map(|c| {
        let cased = if begins { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        begins = !c.is_ascii_alphabetic();
        cased
    });
    let text: String = cased.collect();
    match text.strip_suffix("Gmt") {
        Some(rest) => format!("{rest}GMT"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_are_read_in_any_case() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "sUN, 06 nOV 1994 08:49:37 gMt",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994  08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
