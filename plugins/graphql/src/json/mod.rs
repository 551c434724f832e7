//! JSON as text: looked through where it stands, copied as it is.
//!
//! No tree of values is made of what a service answers. An object is split into its members when a
//! field of it is wanted, and only then. Absent on purpose: numbers as numbers, so that `1.10` and
//! 20 digits stay what they are.

mod steps;

use std::borrow::Cow;

use serde_json::value::RawValue;
use tollgate_plugin_sdk::json::is_surely_json;

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
        self.0.iter().try_fold(json, |json, name| member(json, name))
    }

    /// As [`Path::find`], from an object that is split already.
    pub(crate) fn find_in<'a>(&self, members: &Members<'a>) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(members.get(first)?, |json, name| member(json, name))
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

/// Members of an object there is room for at once.
const USUAL: usize = 8;

/// The members of an object, in order.
#[derive(Debug)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// None if it is no object.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        let mut members = Vec::with_capacity(USUAL);
        members.extend(steps::Members::of(json)?);
        Some(Self(members))
    }

    /// Of two members of one name the last, as JavaScript has it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, json)| *json)
    }
}

/// One member of an object, without a list of all.
fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    steps::Members::of(json)?.filter(|(key, _)| key == name).last().map(|(_, value)| value)
}

/// The whole text if it is JSON, without the white space around it.
pub(crate) fn whole(body: &[u8]) -> Result<&str, serde_json::Error> {
    let text = std::str::from_utf8(body).map(|text| text.trim_matches([' ', '\n', '\r', '\t']));
    match text {
        Ok(text) if is_surely_json(text.as_bytes()) => Ok(text),
        _ => serde_json::from_slice::<&RawValue>(body).map(RawValue::get),
    }
}

/// The items of a list; none if it is no list.
pub(crate) fn items(json: &str) -> Option<Vec<&str>> {
    steps::Items::of(json).map(Iterator::collect)
}

/// About how many values are in it, those within values among them: never less than there are.
pub(crate) fn count(json: &str) -> usize {
    let mut is_text = false;
    let mut bytes = json.bytes();
    let mut count = 1;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => drop(bytes.next()),
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

/// A string's text; none if it is no string.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    let bare = json.strip_prefix('"')?.strip_suffix('"')?;
    if bare.contains('\\') {
        serde_json::from_str::<String>(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(bare))
    }
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

    #[test]
    fn values_are_counted_and_what_is_in_texts_is_not() {
        for (json, count) in
            [("1", 1), ("[]", 2), ("[1,2]", 3), (r#"{"a,[":{"b":"\\","c":"\"{"}}"#, 4), (r#"[[1],"\"",2]"#, 5)]
        {
            assert_eq!(super::count(json), count, "{json}");
        }
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
