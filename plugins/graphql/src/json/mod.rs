//! JSON as text: looked through where it stands, copied as it is.
//!
//! No tree of values is made of what a service answers. An object is split into its members when a
//! field of it is wanted, and only then. Absent on purpose: numbers as numbers, so that `1.10` and
//! 20 digits stay what they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A path into an object: `contact.email`. Empty for the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(|name| name.is_empty() || name.contains(['{', '}', '$', '[', ']'])) {
            return Err(format!("`{text}` is no path; write names with dots between: `data.items`"));
        }
        Ok(Self(names))
    }

    pub(crate) fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// What the path leads to from here; none if a member on it is missing or is no object.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Option<&'a str> {
        self.0.iter().try_fold(json, |json, name| Members::of(json)?.get(name))
    }

    /// As [`Path::find`], from an object that is split already.
    pub(crate) fn find_in<'a>(&self, members: &Members<'a>) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(members.get(first)?, |json, name| Members::of(json)?.get(name))
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

/// The members of an object, in order.
#[derive(Debug)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// None if it is no object.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        if json.as_bytes().first() == Some(&b'{') { serde_json::from_str(json).ok() } else { None }
    }

    /// Of two members of one name the last, as JavaScript has it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, json)| *json)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), json)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key, json.get()));
        }
        Ok(Members(members))
    }
}

/// A name that is borrowed unless it has an escape.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The whole text if it is JSON, without the white space around it.
pub(crate) fn whole(body: &[u8]) -> Result<&str, serde_json::Error> {
    serde_json::from_slice::<&RawValue>(body).map(RawValue::get)
}

/// The items of a list; none if it is no list.
pub(crate) fn items(json: &str) -> Option<Vec<&str>> {
    if json.as_bytes().first() != Some(&b'[') {
        return None;
    }
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// A string's text; none if it is no string.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    if json.as_bytes().first() != Some(&b'"') {
        return None;
    }
    serde_json::from_str::<Key<'_>>(json).ok().map(|key| key.0)
}

/// Text as a JSON string, added to what is there.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    // Writing to memory does not fail, and a string has nothing JSON cannot express.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"\"\"");
    }
}

/// Text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_leads_into_objects_and_nowhere_else() {
        let json = r#"{"a": {"b\u0063": [1.10]}, "d": 1, "d": 2}"#;
        assert_eq!(Path::parse("a.bc").unwrap().find(json), Some("[1.10]"));
        assert_eq!(Path::parse("d").unwrap().find(json), Some("2"));
        assert_eq!(Path::parse("d.e").unwrap().find(json), None);
        assert_eq!(Path::parse("").unwrap().find(json), Some(json));
        assert!(Path::parse("a..b").is_err());
        assert!(Path::parse("$.a").is_err());
    }

    proptest! {
        #[test]
        fn a_string_comes_back_from_json(text in ".*") {
            let json = quoted(&text);
            prop_assert_eq!(super::text(&json).unwrap(), text);
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(json) = whole(&body) {
                let _ = (items(json), Members::of(json), super::text(json));
            }
        }
    }
}
