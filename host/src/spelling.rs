//! One spelling for each path.
//!
//! `/admin/x`, `//admin/x`, `/public/../admin/x` and `/%61dmin/x` are one resource for many services. Were they
//! four for the gateway, a policy on `/admin/{*rest}` would guard one of them. So a path is respelled before a
//! route is looked for (RFC 3986 section 6.2.2), and the upstream gets what was matched. What some services read
//! as a slash and others do not has no such spelling, and is refused.

use std::borrow::Cow;

/// What is wrong with a path, for whoever sent it.
pub(crate) type Problem = &'static str;

const BACKSLASH: Problem = "The path has a backslash.";
const BROKEN_ESCAPE: Problem = "The path has a % without two hexadecimal digits.";
const NUL: Problem = "The path has a null byte.";
const ABOVE_ROOT: Problem = "The path leads above its root.";
const DOTS_WITH_PARAMETER: Problem = "The path has dots with a parameter.";

/// The one spelling of a path that begins with `/`: without `.` and `..`, without a percent-encoding where none
/// is needed, in capitals elsewhere, and, if they are merged, with one slash where there were several.
///
/// # Errors
///
/// A sentence for the client, where it has none.
pub(crate) fn plain(path: &str, merge_slashes: bool) -> Result<Cow<'_, str>, Problem> {
    if is_plain(path.as_bytes(), merge_slashes) {
        return Ok(path.into());
    }
    let unescaped = unescape(path)?;
    without_dots(&unescaped, merge_slashes).map(Cow::Owned)
}

/// Whether a path has a slash or backslash that is percent-encoded: a part of a name for some services, for
/// others a slash.
pub(crate) fn has_encoded_slash(path: &str) -> bool {
    let is_slash = |escape: &str| escape.get(..2).is_some_and(|hex| ["2f", "5c"].contains(&&*hex.to_ascii_lowercase()));
    path.contains('%') && path.split('%').skip(1).any(is_slash)
}

/// Whether there is nothing to do, as for nearly all paths.
fn is_plain(path: &[u8], merge_slashes: bool) -> bool {
    let is_suspect = |pair: &[u8]| match pair {
        [b'/', b'.'] => true,
        [b'/', b'/'] => merge_slashes,
        [_, byte] => matches!(byte, b'%' | b'\\'),
        _ => false,
    };
    !path.windows(2).any(is_suspect)
}

/// Decodes what need not be encoded (RFC 3986 section 6.2.2.2).
fn unescape(path: &str) -> Result<String, Problem> {
    if path.contains('\\') {
        return Err(BACKSLASH);
    }
    let mut parts = path.split('%');
    let mut unescaped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part.get(..2).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let (Some(hex), Some(rest)) = (escape, part.get(2..)) else { return Err(BROKEN_ESCAPE) };
        match u8::from_str_radix(hex, 16) {
            Ok(0) => return Err(NUL),
            Ok(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => unescaped.push(char::from(byte)),
            _ => unescaped.extend(['%'].into_iter().chain(hex.chars().map(|digit| digit.to_ascii_uppercase()))),
        }
        unescaped.push_str(rest);
    }
    Ok(unescaped)
}

/// Takes out `.` and `..` (RFC 3986 section 5.2.4), and slashes that are one too many.
fn without_dots(path: &str, merge_slashes: bool) -> Result<String, Problem> {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let (name, has_parameter) = segment.split_once(';').map_or((segment, false), |(name, _)| (name, true));
        match name {
            // Some services take the parameter off first.
            "." | ".." if has_parameter => return Err(DOTS_WITH_PARAMETER),
            ".." if kept.pop().is_none() => return Err(ABOVE_ROOT),
            "." | ".." if is_last => kept.push(""),
            "." | ".." => {}
            _ if segment.is_empty() && merge_slashes && !is_last => {}
            _ => kept.push(segment),
        }
    }
    Ok(format!("/{}", kept.join("/")))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_that_is_plain_is_left_alone() {
        for path in ["/", "/a/b", "/a/", "/a.b/..c/d..", "/a;b", "*", "/\u{e9}"] {
            assert!(
                matches!(plain(path, true), Ok(Cow::Borrowed(same)) if same == path) || path.contains("/.."),
                "{path}"
            );
            assert_eq!(plain(path, true).as_deref(), Ok(path));
        }
        assert_eq!(plain("//a//", false).as_deref(), Ok("//a//"));
    }

    #[test]
    fn others_get_their_one_spelling() {
        for (path, spelled) in [
            ("//a///b//", "/a/b/"),
            ("//", "/"),
            ("/a/../b/./c", "/b/c"),
            ("/a/b/..", "/a/"),
            ("/.", "/"),
            ("/%61%2D%2e%5F%7e", "/a-._~"),
            ("/%c3%a9%2f", "/%C3%A9%2F"),
            ("/x/%2e%2E/y", "/y"),
            ("/%252e%252e/", "/%252e%252e/"),
        ] {
            assert_eq!(plain(path, true).as_deref(), Ok(spelled), "{path}");
        }
        assert_eq!(plain("/a//../b", false).as_deref(), Ok("/a/b"));
    }

    #[test]
    fn what_has_no_plain_spelling_is_refused() {
        for path in ["/..", "/a/../..", "/..;a/b", "/a/.;", "/a\\b", "/%", "/%4", "/%zz", "/%+1", "/a%00", "/%é"] {
            assert!(plain(path, true).is_err(), "{path}");
        }
    }

    #[test]
    fn an_encoded_slash_is_seen() {
        for (path, has) in [("/a%2fb", true), ("/%5C", true), ("/a/b", false), ("/%252f", false), ("/%", false)] {
            assert_eq!(has_encoded_slash(path), has, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_path_stays_so_and_has_no_dots(path in "/([./;a%25eE2\\\\]|%2e|%2F|\\PC){0,20}", merge: bool) {
            if let Ok(spelled) = plain(&path, merge) {
                prop_assert_eq!(plain(&spelled, merge), Ok(Cow::Borrowed(&*spelled)));
                let segments = spelled.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy());
                prop_assert!(segments.into_iter().all(|segment| segment != "." && segment != ".."), "{}", spelled);
                prop_assert!(!merge || !spelled.contains("//"), "{}", spelled);
            }
        }
    }
}
