//! Whether a text is JSON, found out quickly.
//!
//! Most of what the parts answer is only put into the whole, and to know that it is JSON was a third of what the
//! plugin computed. What is said to be JSON here is (RFC 8259). The rest, and what is nested deeply, is for
//! `serde_json` to judge, which also says where the mistake is.

/// Levels that one word has a bit for.
const MAX_DEPTH: u32 = 64;

/// Whether it surely is, without white space around it.
pub(crate) fn is_surely_json(text: &[u8]) -> bool {
    value(text) == Some(text.len())
}

/// Where the value ends that begins the text.
fn value(text: &[u8]) -> Option<usize> {
    let mut levels = Levels::default();
    let mut at = 0;
    loop {
        at = match *text.get(at)? {
            b'"' => string(text, at + 1)?,
            b'-' | b'0'..=b'9' => number(text, at)?,
            first @ (b'{' | b'[') => {
                let is_object = first == b'{';
                let inside = space(text, at + 1);
                let end = if is_object { b'}' } else { b']' };
                if *text.get(inside)? == end {
                    inside + 1
                } else {
                    levels.enter(is_object)?;
                    at = if is_object { name(text, inside)? } else { inside };
                    continue;
                }
            }
            b't' => literal(text, at, b"true")?,
            b'f' => literal(text, at, b"false")?,
            b'n' => literal(text, at, b"null")?,
            _ => return None,
        };
        // Behind a value: the ends of all that ends there, and then the next one, if there is any.
        loop {
            let Some(is_object) = levels.last() else { return Some(at) };
            at = space(text, at);
            match (*text.get(at)?, is_object) {
                (b',', true) => break at = name(text, space(text, at + 1))?,
                (b',', false) => break at = space(text, at + 1),
                (b'}', true) | (b']', false) => levels.leave(),
                _ => return None,
            }
            at += 1;
        }
    }
}

/// What the value is inside of, from the outermost on: a bit for each, 1 for an object.
#[derive(Default)]
struct Levels {
    bits: u64,
    depth: u32,
}

impl Levels {
    fn enter(&mut self, is_object: bool) -> Option<()> {
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn leave(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
    }

    fn last(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}

fn space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// A name, its colon, and the space around that.
fn name(text: &[u8], at: usize) -> Option<usize> {
    let behind = space(text, string(text, literal(text, at, b"\"")?)?);
    Some(space(text, literal(text, behind, b":")?))
}

/// From behind the quote that begins it.
fn string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'"' => return Some(at),
            b'\\' => at = escape(text, at)?,
            0..0x20 => return None,
            _ => {}
        }
    }
}

fn escape(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => text.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
        _ => None,
    }
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(text.get(at) == Some(&b'-'));
    at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(text, at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at = digits(text, at + usize::from(matches!(text.get(at), Some(b'+' | b'-'))))?;
    }
    Some(at)
}

/// At least one.
fn digits(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > from).then_some(at)
}

fn literal(text: &[u8], at: usize, expected: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(expected).then_some(at + expected.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn what_services_answer_is_seen_to_be_json() {
        for text in [
            r#"{"id":1,"a":[],"b":{},"c":[1, -2.50e+3 , 0],"d":{"e":[true,false,null,"\u00e9\n\"é"]}}"#,
            "[ ]",
            "\"\"",
            "-0.0E-1",
            "null",
        ] {
            assert!(is_json(text) && is_surely_json(text.as_bytes()), "{text}");
        }
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_surely_json(nested(64).as_bytes()) && !is_surely_json(nested(65).as_bytes()));
    }

    #[test]
    fn what_is_not_json_is_never_said_to_be() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[1",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "[}",
            "{]",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "+1",
            "tru",
            "nullx",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\t\"",
            "1 2",
            "[1 2]",
            "{\"a\" 1}",
        ] {
            assert!(!is_json(text) && !is_surely_json(text.as_bytes()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn serde_json_thinks_the_same(text in "[\\[\\]{}\",:0-9aeu\\\\.+ tnl-]{0,16}|(\\[|\\{\"a\":)?(-?[0-9.eE+]{1,6}|\"[^\"]{0,4}\"|true|null|\\{ *\\}|\\[ *\\])( ?, ?(\"a\" ?: ?)?[0-9]{1,2})?(\\]|\\})?") {
            let trimmed = text.trim_matches([' ', '\n', '\r', '\t']);
            prop_assert_eq!(is_surely_json(trimmed.as_bytes()), is_json(trimmed), "{:?}", trimmed);
        }
    }
}
