//! Steps through text that is known to be JSON: the members of an object, the items of a list.
//!
//! The text was checked as a whole when it came ([`super::whole`]), so here only quotes and brackets
//! are looked at, which is a fifth of the work of a parser. On text that is no JSON after all, steps end
//! early; they never loop or leave it.

use std::borrow::Cow;

/// A place in a text.
#[derive(Debug, Clone)]
struct Steps<'a> {
    text: &'a str,
    at: usize,
}

/// The members of an object, in order.
#[derive(Debug, Clone)]
pub(super) struct Members<'a>(Steps<'a>);

/// The items of a list, in order.
#[derive(Debug, Clone)]
pub(super) struct Items<'a>(Steps<'a>);

impl<'a> Members<'a> {
    /// None if it is no object.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        Steps::into(json, b'{').map(Self)
    }
}

impl<'a> Items<'a> {
    /// None if it is no list.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        Steps::into(json, b'[').map(Self)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let quoted = self.0.element()?;
        // The colon.
        self.0.space();
        self.0.at += 1;
        let value = self.0.element()?;
        let name = quoted.strip_prefix('"')?.strip_suffix('"')?;
        // What cannot be unescaped (half of a surrogate pair) is a name nobody asks for.
        Some((super::text(quoted).unwrap_or(Cow::Borrowed(name)), value))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.element()
    }
}

impl<'a> Steps<'a> {
    /// Behind the bracket a text begins with.
    fn into(json: &'a str, bracket: u8) -> Option<Self> {
        (json.as_bytes().first() == Some(&bracket)).then_some(Self { text: json, at: 1 })
    }

    fn space(&mut self) {
        self.at = behind_space(self.text.as_bytes(), self.at);
    }

    /// The next value, and past it; none at the end of what it is in.
    fn element(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let mut start = behind_space(bytes, self.at);
        if bytes.get(start) == Some(&b',') {
            start = behind_space(bytes, start + 1);
        }
        self.at = match bytes.get(start)? {
            b'"' => behind_string(bytes, start),
            b'{' | b'[' => behind_nested(bytes, start),
            _ => behind_scalar(bytes, start),
        };
        self.text.get(start..self.at).filter(|value| !value.is_empty())
    }
}

// Of text and place, not of `Steps`: so the place is in a register. These were a fifth of a query's work.

fn behind_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Behind the closing quote of what begins with one here.
fn behind_string(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the bracket that closes the one here.
fn behind_nested(bytes: &[u8], mut at: usize) -> usize {
    let mut open = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match KIND[usize::from(*byte)] {
            Kind::Other => {}
            Kind::Quote => {
                at = behind_string(bytes, at);
                continue;
            }
            Kind::Opens => open += 1,
            Kind::Closes => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return at + 1;
                }
            }
        }
        at += 1;
    }
    bytes.len()
}

/// At what cannot be part of a number or a word.
fn behind_scalar(bytes: &[u8], mut at: usize) -> usize {
    while !matches!(bytes.get(at), None | Some(b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// What a byte is to the end of an object or a list.
#[derive(Clone, Copy)]
enum Kind {
    Other,
    Quote,
    Opens,
    Closes,
}

static KIND: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    kinds[b'"' as usize] = Kind::Quote;
    kinds[b'{' as usize] = Kind::Opens;
    kinds[b'[' as usize] = Kind::Opens;
    kinds[b'}' as usize] = Kind::Closes;
    kinds[b']' as usize] = Kind::Closes;
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn members(json: &str) -> Vec<(String, String)> {
        Members::of(json).unwrap().map(|(name, value)| (name.into_owned(), value.to_owned())).collect()
    }

    #[test]
    fn values_are_found_between_brackets_quotes_and_white_space() {
        let json = " { \"a\" : [1 , {\"}\":\"]\\\"\"}] ,\n\"b\\u0063\":-1.5e3,\"\": null } ".trim();
        let expected = [("a", "[1 , {\"}\":\"]\\\"\"}]"), ("bc", "-1.5e3"), ("", "null")];
        assert_eq!(members(json), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(Items::of("[ 1,\"é,\" , [] ,{}]").unwrap().collect::<Vec<_>>(), ["1", "\"é,\"", "[]", "{}"]);
        assert!(members("{}").is_empty() && members("{ }").is_empty() && Items::of("[ ]").unwrap().next().is_none());
        assert!(Members::of("[]").is_none() && Items::of("{}").is_none() && Items::of("").is_none());
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = format!("[{}{}, 1]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Items::of(&deep).unwrap().map(str::len).collect::<Vec<_>>(), [200_000, 1]);
    }

    /// Any JSON value, a few levels deep.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
            "[\"\\\\{}\\[\\]:, a-cé]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[\"\\\\{}:, a-cé]{0,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn steps_find_what_a_parser_finds(value in values(), pretty: bool) {
            let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            match &value {
                Value::Object(map) => {
                    let found: Vec<_> = Members::of(&json).unwrap().map(|(name, value)| (name.into_owned(), read(value))).collect();
                    prop_assert_eq!(found, map.clone().into_iter().collect::<Vec<_>>());
                }
                Value::Array(items) => {
                    prop_assert_eq!(&Items::of(&json).unwrap().map(read).collect::<Vec<_>>(), items);
                }
                _ => {}
            }
        }

        #[test]
        fn no_text_makes_them_panic_or_go_on_for_ever(text in "[{}\\[\\]\",:\\\\ 0-9aé]{0,40}") {
            for text in [text.clone(), format!("{{{text}"), format!("[{text}")] {
                prop_assert!(Members::of(&text).into_iter().flatten().count() <= text.len());
                prop_assert!(Items::of(&text).into_iter().flatten().count() <= text.len());
            }
        }
    }
}
