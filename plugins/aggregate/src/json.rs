//! JSON that is taken apart no further than it is looked into.
//!
//! Most of what the parts answer goes to the client as it came. So a value is text that is known to
//! be JSON, until something is picked, dropped or moved in it; then one level of it becomes a list.
//! Numbers keep their digits that way, members their order, and nesting costs no stack.

use serde::de::IgnoredAny;
use tollgate_plugin_sdk::json;

use crate::level::{self, Level};

/// White space of JSON.
const SPACE: [char; 4] = [' ', '\n', '\r', '\t'];

/// A JSON value.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    /// As it came, without white space around it.
    Raw(Box<str>),
    /// Its members, in order.
    Object(Vec<(String, Json)>),
    /// Its items, in order.
    Array(Vec<Json>),
}

impl Json {
    /// Takes a text over, without a copy. The error has line and column, and nothing of the text.
    pub(crate) fn parse(text: Vec<u8>) -> Result<Self, String> {
        let text =
            String::from_utf8(text).map_err(|error| format!("the answer is not JSON: {}", seems(error.as_bytes())))?;
        let trimmed = text.trim_matches(SPACE);
        if !json::is_surely_json(trimmed.as_bytes()) {
            let judged = serde_json::from_str::<IgnoredAny>(&text);
            judged.map_err(|error| format!("the answer is not JSON: {error}"))?;
        }
        let is_whole = trimmed.len() == text.len();
        Ok(Self::Raw(if is_whole { text.into() } else { trimmed.into() }))
    }

    /// A JSON string.
    pub(crate) fn string(text: &str) -> Self {
        // Text is always JSON once it is quoted; `null` stands for what cannot happen.
        serde_json::to_string(text).map_or_else(|_| Self::null(), |text| Self::Raw(text.into()))
    }

    pub(crate) fn null() -> Self {
        Self::Raw("null".into())
    }

    /// Takes one level apart, if it has one.
    pub(crate) fn expand(&mut self) {
        let Self::Raw(text) = &*self else { return };
        let raw = |raw: &str| Self::Raw(raw.into());
        let expanded = match level::of(text) {
            Level::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, raw(value))).collect())
            }
            Level::Array(items) => Self::Array(items.into_iter().map(raw).collect()),
            Level::Scalar => return,
        };
        *self = expanded;
    }

    /// The members, if it is an object.
    pub(crate) fn members_mut(&mut self) -> Option<&mut Vec<(String, Self)>> {
        self.expand();
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The items, if it is an array.
    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        self.expand();
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The member of an object, or the item of an array by its number.
    pub(crate) fn child_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.expand();
        match self {
            Self::Object(members) => members.iter_mut().find(|(member, _)| member == name).map(|(_, value)| value),
            Self::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            Self::Raw(_) => None,
        }
    }

    /// As [`Json::child_mut`], of a value that is only looked at.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        match self {
            Self::Raw(text) => match level::of(text) {
                Level::Object(members) => named(members, name).map(|value| Self::Raw(value.into())),
                Level::Array(items) => items.get(name.parse::<usize>().ok()?).map(|item| Self::Raw((*item).into())),
                Level::Scalar => None,
            },
            Self::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, value)| value.clone()),
            Self::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)).cloned(),
        }
    }

    /// What a string says, or how a number or a boolean is written; `None` for the rest.
    pub(crate) fn text(&self) -> Option<String> {
        let Self::Raw(raw) = self else { return None };
        match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw).ok(),
            Some(b'{' | b'[' | b'n') | None => None,
            Some(_) => Some(raw.to_string()),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Raw(raw) if &**raw == "null")
    }

    /// Whether it is neither null nor empty.
    pub(crate) fn is_something(&self) -> bool {
        match self {
            Self::Raw(raw) => match raw.as_bytes().first() {
                Some(b'{' | b'[') => raw.get(1..raw.len() - 1).is_some_and(|inner| !inner.trim().is_empty()),
                Some(b'"') => raw.len() > 2,
                _ => &**raw != "null",
            },
            Self::Object(members) => !members.is_empty(),
            Self::Array(items) => !items.is_empty(),
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_)) || matches!(self, Self::Raw(raw) if raw.starts_with('{'))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_)) || matches!(self, Self::Raw(raw) if raw.starts_with('['))
    }

    /// Bytes it takes when it is written. Taking it apart makes it no longer.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Object(members) => {
                let inner = members.iter().map(|(name, value)| quoted_length(name) + 2 + value.length()).sum::<usize>();
                1 + inner.max(1)
            }
            Self::Array(items) => 1 + items.iter().map(|item| 1 + item.length()).sum::<usize>().max(1),
        }
    }

    /// Its text, behind what is there.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
            Self::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push(if index == 0 { b'{' } else { b',' });
                    write_string(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
            }
            Self::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push(if index == 0 { b'[' } else { b',' });
                    item.write(out);
                }
                out.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
            }
        }
    }
}

/// What bytes are that are no text: services compress for clients that did not ask for it.
fn seems(bytes: &[u8]) -> &'static str {
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    if is_gzip {
        "it is compressed with gzip, though it was asked for without"
    } else {
        "it is not UTF-8; is it compressed?"
    }
}

/// Bytes a name takes in quotes, with its escapes.
pub(crate) fn quoted_length(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn named<T>(members: Vec<(String, T)>, name: &str) -> Option<T> {
    members.into_iter().find(|(member, _)| member == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> Json {
        Json::parse(text.into()).unwrap()
    }

    fn written(json: &Json) -> String {
        let mut out = Vec::new();
        json.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_taken_apart_is_written_as_it_was_but_for_white_space() {
        let mut value = json(r#" {"b" : 1.10, "a":[ 1, 12345678901234567890123 ], "\u00e9\"":{}} "#);
        value.expand();
        value.child_mut("a").unwrap().expand();
        assert_eq!(written(&value), r#"{"b":1.10,"a":[1,12345678901234567890123],"é\"":{}}"#);
    }

    #[test]
    fn a_child_is_found_by_name_or_number_in_whatever_form() {
        let mut value = json(r#"{"a":[{"x":1},{"x":2}],"a":[{"x":3}]}"#);
        assert_eq!(
            value.child("a").and_then(|a| a.child("0")).and_then(|item| item.child("x")).unwrap().text().unwrap(),
            "3"
        );
        assert_eq!(
            value.child_mut("a").and_then(|a| a.child_mut("0")).unwrap().child("x").unwrap().text().unwrap(),
            "3"
        );
        assert!(value.child("b").is_none() && json("1").child("0").is_none() && json("[1]").child("x").is_none());
    }

    #[test]
    fn strings_numbers_and_booleans_are_texts_and_nothing_else_is() {
        let texts = [
            (r#""a\n\u00e9""#, Some("a\né")),
            ("1.10", Some("1.10")),
            ("true", Some("true")),
            ("null", None),
            ("{}", None),
            ("[]", None),
        ];
        for (text, expected) in texts {
            assert_eq!(json(text).text().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let value = json(&deep);
        assert_eq!(written(&value).len(), 200_000);
        assert!(value.child("0").is_some());
    }

    #[test]
    fn a_name_that_is_half_a_character_hides_none_of_the_others() {
        let mut value = json(r#"{"\ud800":1,"a":2,"\udc00b":{"c":3}}"#);
        assert_eq!(value.child("a").unwrap().text().unwrap(), "2");
        assert_eq!(value.child_mut("a").unwrap().text().unwrap(), "2");
        assert_eq!(written(&value), "{\"\u{fffd}\":1,\"a\":2,\"\u{fffd}b\":{\"c\":3}}");
    }

    #[test]
    fn of_members_with_one_name_the_last_counts_and_stands_where_the_first_did() {
        let mut value = json(r#"{"a":1,"b":2,"\u0061":{"c":3},"b":4,"d":5}"#);
        value.expand();
        assert_eq!(written(&value), r#"{"a":{"c":3},"b":4,"d":5}"#);
    }

    proptest! {
        #[test]
        fn the_length_is_what_is_written(names in proptest::collection::vec("[\\x00-\\x20\"\\\\é€a]{0,4}", 0..4)) {
            let members = |inner: &Json| names.iter().map(|name| (name.clone(), inner.clone())).collect();
            let whole = Json::Object(members(&Json::Array(vec![Json::null(), Json::Object(members(&json("1.50")))])));
            prop_assert_eq!(whole.length(), written(&whole).len());
        }

        #[test]
        fn nothing_is_longer_for_being_taken_apart(name in "(\\\\u[0-9a-fA-F]{4}|[a-zé ])*") {
            let raw = json(&format!("{{\"{name}\":1}}"));
            let mut apart = raw.clone();
            apart.expand();
            prop_assert!(apart.length() <= raw.length(), "{}", written(&apart));
        }

        #[test]
        fn any_text_is_json_or_an_error(text in proptest::collection::vec(any::<u8>(), 0..40), near in "[\\[\\]{}\",:0-9a ]{0,20}") {
            for text in [text, near.into_bytes()] {
                if let Ok(mut value) = Json::parse(text) {
                    value.expand();
                    prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&written(&value)).is_ok());
                }
            }
        }
    }
}
