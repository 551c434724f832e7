//! The claims of a token (RFC 7519 section 4): each one's JSON text, found by name.
//!
//! Nothing is decoded before a rule asks for it. A claim that stands twice makes the token
//! invalid: the upstream might read the other one.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// A JSON object as its members' texts, in order.
#[derive(Debug)]
pub(crate) struct Claims<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Claims<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(json)
            .map_err(|_| Refusal::malformed("the token's claims are not a JSON object, or a claim stands twice"))
    }

    /// The JSON text of a claim; `None` if it is not there or null. The name is looked for as it is
    /// first, because names like `https://example.com/role` have dots; then each dot may lead into
    /// an object: `realm_access.roles`.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let json = self.member(name).or_else(|| {
            name.match_indices('.').find_map(|(dot, _)| {
                let object = self.member(name.get(..dot)?)?;
                let inside: Claims<'a> = serde_json::from_str(object).ok()?;
                inside.get(name.get(dot + 1..)?)
            })
        })?;
        (json != "null").then_some(json)
    }

    /// A claim as the text others get: strings as they are, anything else as JSON on one line.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let json = self.get(name)?;
        Some(string(json).unwrap_or_else(|| Cow::Owned(compact(json))))
    }

    fn member(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }
}

/// The string a JSON text is, if it is one.
pub(crate) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0)
}

/// The strings of a JSON text that is an array of strings.
pub(crate) fn strings(json: &str) -> Option<Vec<Cow<'_, str>>> {
    let list: Vec<Text<'_>> = serde_json::from_str(json).ok()?;
    Some(list.into_iter().map(|text| text.0).collect())
}

/// Borrowed where the string has no escapes; serde borrows a `Cow` only as a field.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Valid JSON without the white space between its tokens. Numbers keep the digits they arrived
/// with, which a parsed tree would not.
fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|&c| {
            let inside = in_string;
            match c {
                '"' if !escaped => in_string = !in_string,
                '\\' if !escaped => {
                    escaped = in_string;
                    return true;
                }
                _ => {}
            }
            escaped = false;
            inside || !c.is_ascii_whitespace()
        })
        .collect()
}

impl<'de: 'a, 'a> Deserialize<'de> for Claims<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members).map(Claims)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::with_capacity(8);
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            if members.len() == MAX_CLAIMS {
                return Err(A::Error::custom("too many claims"));
            }
            // Quadratic, which for `MAX_CLAIMS` is less than hashing costs for the usual ten.
            if members.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom("duplicate claim"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

/// The most members of one object.
const MAX_CLAIMS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(json: &str, name: &str) -> Option<String> {
        Claims::parse(json.as_bytes()).unwrap().text(name).map(Cow::into_owned)
    }

    #[test]
    fn strings_are_themselves_and_everything_else_is_json() {
        let json = "{\"a\": \"x\\\"y\", \"b\": 12345678901234567890123, \"c\": [ 1,\n \"p \\\" q\\\\\" ], \"d\": true, \"e\": {}, \"f\": \"\"}";
        assert_eq!(text(json, "a").as_deref(), Some("x\"y"));
        assert_eq!(text(json, "b").as_deref(), Some("12345678901234567890123"));
        assert_eq!(text(json, "c").as_deref(), Some(r#"[1,"p \" q\\"]"#));
        assert_eq!(text(json, "d").as_deref(), Some("true"));
        assert_eq!(text(json, "e").as_deref(), Some("{}"));
        assert_eq!(text(json, "f").as_deref(), Some(""));
    }

    #[test]
    fn dots_lead_into_objects() {
        let json = r#"{"realm_access": {"roles": ["a"], "deep": {"er": 1}}, "sub": "x"}"#;
        assert_eq!(text(json, "realm_access.roles").as_deref(), Some(r#"["a"]"#));
        assert_eq!(text(json, "realm_access.deep.er").as_deref(), Some("1"));
        for absent in ["realm_access.role", "realm_access.roles.a", "sub.x", ".", "..", "", "realm_access."] {
            assert_eq!(text(json, absent), None, "{absent}");
        }
    }

    #[test]
    fn a_name_with_dots_of_its_own_is_found_as_it_is() {
        let json = r#"{"https://example.com/role": "admin", "https://example.com/app": {"tier": "gold"}}"#;
        assert_eq!(text(json, "https://example.com/role").as_deref(), Some("admin"));
        assert_eq!(text(json, "https://example.com/app.tier").as_deref(), Some("gold"));
    }

    #[test]
    fn a_null_claim_is_not_there() {
        assert_eq!(text(r#"{"sub": null, "a": {"b": null}}"#, "sub"), None);
        assert_eq!(text(r#"{"sub": null, "a": {"b": null}}"#, "a.b"), None);
    }

    #[test]
    fn a_name_may_be_written_with_escapes() {
        assert_eq!(text(r#"{"s\u0075b": "x"}"#, "sub").as_deref(), Some("x"));
    }

    #[test]
    fn claims_that_stand_twice_are_refused_however_they_are_written() {
        assert!(Claims::parse(br#"{"sub": "a", "sub": "b"}"#).is_err());
        assert!(Claims::parse(br#"{"sub": "a", "s\u0075b": "b"}"#).is_err());
    }

    #[test]
    fn claims_are_one_object_of_utf_8() {
        for wrong in [&b""[..], b"[]", b"null", b"\"x\"", b"{} {}", b"{\"a\":1,}", b"{\"a\":\"\xff\"}", b"{\"a\":01}"] {
            assert!(Claims::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Claims::parse(b" {} ").is_ok());
    }

    #[test]
    fn more_than_256_claims_are_refused() {
        let object = |count: usize| {
            let members: Vec<String> = (0..count).map(|i| format!("\"c{i}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(Claims::parse(object(256).as_bytes()).is_ok());
        assert!(Claims::parse(object(257).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_name_make_claims_panic(json in any::<Vec<u8>>(), name in ".*") {
            if let Ok(claims) = Claims::parse(&json) {
                let _ = claims.text(&name);
            }
        }

        #[test]
        fn compact_json_means_the_same(text in ".*", number in any::<f64>()) {
            let value = serde_json::json!({"a": [text, {"b": number}]});
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
