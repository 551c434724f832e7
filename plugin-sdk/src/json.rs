//! Whether a text is JSON, found out quickly.
//!
//! Most of what a service answers is passed on as it came, and to know that it is JSON was most of what `aggregate`
//! computed. What is said to be JSON here is (RFC 8259). The rest, and what is nested deeply, is for
//! `serde_json` to judge, which also says where the mistake is.
//!
//! A loop in a plugin looks at each round whether its time is up, which costs as much as to look at a byte. So strings
//! and numbers are looked at eight bytes at a time. Sixteen at a time by vector instructions, or tables in place of
//! comparisons, take as long or longer.

/// Levels that one word has a bit for.
const MAX_DEPTH: u32 = 64;

/// Whether the text surely is JSON. `false` is no answer: it may be JSON that is nested more than 64 levels deep. Bytes
/// beyond ASCII are passed over where they are in strings: whether they are UTF-8 is another question.
pub fn is_surely_json(text: &[u8]) -> bool {
    read(text).is_some()
}

/// What may come next, but for white space: any of these. Nothing, once the value is over.
type Next = u8;

const VALUE: Next = 1;
const NAME: Next = 2;
const COMMA: Next = 4;
const END: Next = 8;

/// All in one loop, with what comes most often first: calls and loops cost more here than what they do.
fn read(text: &[u8]) -> Option<()> {
    let mut levels = Levels::default();
    let mut next = VALUE;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte == b'"' {
            at = string(text, at)?;
            next = match next & (NAME | VALUE) {
                VALUE => levels.behind_value(),
                NAME => {
                    at = colon(text, at)?;
                    VALUE
                }
                _ => return None,
            };
            continue;
        }
        next = match byte {
            b',' if next & COMMA != 0 => levels.behind_comma(),
            b'-' | b'0'..=b'9' if next & VALUE != 0 => {
                at = number(text, at, byte)?;
                levels.behind_value()
            }
            b'{' if next & VALUE != 0 => levels.enter(true)?,
            b'[' if next & VALUE != 0 => levels.enter(false)?,
            b'}' if next & END != 0 => levels.leave(true)?,
            b']' if next & END != 0 => levels.leave(false)?,
            b' ' | b'\n' | b'\r' | b'\t' => {
                at = behind(text, at, are_no_spaces);
                next
            }
            b't' | b'f' | b'n' if next & VALUE != 0 => {
                at = literal(text, at - 1)?;
                levels.behind_value()
            }
            _ => return None,
        };
    }
    (next == 0).then_some(())
}

/// What the value is inside of, from the outermost on: a bit for each, 1 for an object.
#[derive(Default)]
struct Levels {
    bits: u64,
    depth: u32,
}

impl Levels {
    fn enter(&mut self, is_object: bool) -> Option<Next> {
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
        let first = if is_object { NAME } else { VALUE };
        (self.depth <= MAX_DEPTH).then_some(first | END)
    }

    fn leave(&mut self, is_object: bool) -> Option<Next> {
        let is_its_end = self.is_in_object() == is_object;
        self.bits >>= 1;
        self.depth -= 1;
        is_its_end.then_some(self.behind_value())
    }

    fn behind_value(&self) -> Next {
        if self.depth > 0 { COMMA | END } else { 0 }
    }

    fn behind_comma(&self) -> Next {
        if self.is_in_object() { NAME } else { VALUE }
    }

    fn is_in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// From behind the quote that begins it.
#[allow(clippy::inline_always, reason = "a call costs half as much as what it does")]
#[inline(always)]
fn string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = behind(text, at, ends_a_run);
        match *text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape(text, at + 1)?,
            _ => return None,
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

/// The colon behind a name.
fn colon(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) == Some(&b':') {
        return Some(at + 1);
    }
    let spaces = text.get(at..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    (text.get(at + spaces) == Some(&b':')).then_some(at + spaces + 1)
}

/// From behind its first byte.
fn number(text: &[u8], mut at: usize, first: u8) -> Option<usize> {
    let mut digit = first;
    if first == b'-' {
        digit = *text.get(at)?;
        at += 1;
    }
    match digit {
        b'0' => {}
        b'1'..=b'9' => at = behind(text, at, are_no_digits),
        _ => return None,
    }
    if matches!(text.get(at), Some(b'.' | b'e' | b'E')) { fraction(text, at) } else { Some(at) }
}

/// What is behind a number's whole digits.
fn fraction(text: &[u8], mut at: usize) -> Option<usize> {
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
    let at = behind(text, from, are_no_digits);
    (at > from).then_some(at)
}

fn literal(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let literals: [&[u8]; 3] = [b"true", b"false", b"null"];
    literals.iter().find(|literal| rest.starts_with(literal)).map(|literal| at + literal.len())
}

/// The high bit of each of eight bytes.
const HIGH: u64 = eight(0x80);

const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Where the first byte stands that `stop` marks with its high bit, from `at` on; the text's end if there is none. Of
/// marks behind the first one nothing is expected.
fn behind(text: &[u8], mut at: usize, stop: impl Fn(u64) -> u64) -> usize {
    while let Some(next) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let marks = stop(u64::from_le_bytes(*next));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| stop(eight(*byte)) == 0) {
        at += 1;
    }
    at
}

/// Marks the first byte that does not stand for itself in a string: a quote, a backslash, a control character.
fn ends_a_run(bytes: u64) -> u64 {
    // A byte below `least` borrows from its high bit. So may the one above it, but that is behind the first.
    let below = |bytes: u64, least: u8| bytes.wrapping_sub(eight(least)) & !bytes;
    let quote = below(bytes ^ eight(b'"'), 1);
    let backslash = below(bytes ^ eight(b'\\'), 1);
    (quote | backslash | below(bytes, 0x20)) & HIGH
}

/// Marks each byte that is no space.
fn are_no_spaces(bytes: u64) -> u64 {
    let others = bytes ^ eight(b' ');
    (((others & !HIGH) + !HIGH) | others) & HIGH
}

/// Marks each byte that is no digit.
fn are_no_digits(bytes: u64) -> u64 {
    // The digits are 0 to 9 now; 10 and more reach the high bit, and none of them the next byte.
    let values = bytes ^ eight(b'0');
    (((values & !HIGH) + eight(0x80 - 10)) | values) & HIGH
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

    /// With texts that end anywhere in eight bytes.
    fn long_values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            "[a-zé\"\\\\\n/]{0,90}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-z\"\\\\\u{1}]{0,20}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn long_texts_are_judged_alike_whole_and_with_a_byte_changed(value in long_values(), pretty: bool, at: prop::sample::Index, by in "[\\[\\]{}\",:0-9eu\\\\.\\-\\x00-\\x20a]|") {
            let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert!(is_surely_json(json.as_bytes()), "{json:?}");
            let mut places = json.char_indices().map(|(at, _)| at).chain([json.len()]);
            let at = places.nth(at.index(json.chars().count() + 1)).unwrap();
            let (before, rest) = json.split_at(at);
            let changed = format!("{before}{by}{}", rest.get(1..).unwrap_or_default());
            let changed = changed.trim_matches([' ', '\n', '\r', '\t']);
            prop_assert_eq!(is_surely_json(changed.as_bytes()), is_json(changed), "{:?}", changed);
        }

        #[test]
        fn eight_bytes_are_seen_as_one_after_the_other(text in proptest::collection::vec(any::<u8>(), 0..24), at in 0_usize..30) {
            let first = |is: fn(u8) -> bool| (at..text.len()).find(|at| is(text[*at])).unwrap_or(text.len().max(at));
            let ends = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
            prop_assert_eq!(behind(&text, at, ends_a_run), first(ends));
            prop_assert_eq!(behind(&text, at, are_no_digits), first(|byte: u8| !byte.is_ascii_digit()));
            prop_assert_eq!(behind(&text, at, are_no_spaces), first(|byte| byte != b' '));
        }

        #[test]
        fn long_strings_and_numbers_are_read_to_their_ends(text in "\\[(\"[ -~é]{0,20}\"|\"[a-z]{0,12}[\\n\\t\\x1f\"\\\\][a-z]{0,9}\"|-?[0-9]{0,20}(\\.[0-9]{0,12})?x?)(, ?\"[a-zé]{0,20}\")?\\]") {
            prop_assert_eq!(is_surely_json(text.as_bytes()), is_json(&text), "{:?}", text);
        }

        #[test]
        fn serde_json_thinks_the_same(text in "[\\[\\]{}\",:0-9aeu\\\\.+ tnl-]{0,16}|(\\[|\\{\"a\":)?(-?[0-9.eE+]{1,6}|\"[^\"]{0,4}\"|true|null|\\{ *\\}|\\[ *\\])( ?, ?(\"a\" ?: ?)?[0-9]{1,2})?(\\]|\\})?") {
            let trimmed = text.trim_matches([' ', '\n', '\r', '\t']);
            prop_assert_eq!(is_surely_json(trimmed.as_bytes()), is_json(trimmed), "{:?}", trimmed);
        }
    }
}
