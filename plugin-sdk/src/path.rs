//! Paths that are made of what somebody else says.

/// How many dots a segment of a path is, in whatever way they are written (`..`, `%2e.`); `None` if it
/// is something else. A server resolves `.` and `..` away (RFC 3986 section 5.2.4), so a value that is one
/// of them changes which path is meant; a segment of no dots is empty.
pub fn dots(segment: &str) -> Option<usize> {
    let mut rest = segment.as_bytes();
    let mut dots = 0;
    loop {
        rest = match rest {
            [] => return Some(dots),
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return None,
        };
        dots += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_count_however_they_are_written() {
        for (segment, count) in [("", 0), (".", 1), ("%2e", 1), ("..", 2), (".%2E", 2), ("%2e%2e", 2), ("...", 3)] {
            assert_eq!(dots(segment), Some(count), "{segment}");
        }
        for other in ["a", ".a", "%2f", "%2", "a.."] {
            assert_eq!(dots(other), None, "{other}");
        }
    }
}
