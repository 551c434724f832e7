//! One level of a text that is JSON: its members, or its items.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The values one level down.
pub(crate) enum Level<'a> {
    /// Each name once: of several members with one name it is the last, as readers of JSON have it, and it
    /// stands where the first did.
    Object(Vec<(String, &'a str)>),
    Array(Vec<&'a str>),
    /// There is no level down.
    Scalar,
}

/// Nothing is skipped silently: the text was checked to be JSON when it came. Were something unreadable all the
/// same, there would be nothing in it, rather than all of what is to be left out.
pub(crate) fn of(text: &str) -> Level<'_> {
    match text.as_bytes().first() {
        Some(b'{') => {
            let members = serde_json::Deserializer::from_str(text).deserialize_map(Members);
            Level::Object(last_of_each(members.unwrap_or_default()))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            Level::Array(items.into_iter().map(RawValue::get).collect())
        }
        _ => Level::Scalar,
    }
}

fn last_of_each(members: Vec<(String, &str)>) -> Vec<(String, &str)> {
    if !has_twins(&members) {
        return members;
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(members.len());
    let mut once: Vec<(String, &str)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        if let Some((_, earlier)) = places.get(&name).and_then(|place| once.get_mut(*place)) {
            *earlier = value;
        } else {
            places.insert(name.clone(), once.len());
            once.push((name, value));
        }
    }
    once
}

fn has_twins(members: &[(String, &str)]) -> bool {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

/// Members in the order of the text: a map would sort them.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry::<_, &RawValue>()? {
            members.push((name, value.get()));
        }
        Ok(members)
    }
}

/// A member's name. JSON may escape half a character, `"\ud800"`, which no text can hold: it becomes U+FFFD.
/// Read as text it would make the whole object unreadable.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(NameBytes)
    }
}

struct NameBytes;

impl Visitor<'_> for NameBytes {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name, E> {
        let name = String::from_utf8(bytes.to_vec());
        Ok(Name(name.unwrap_or_else(|error| without_halves(error.into_bytes()))))
    }
}

/// Half a character stands there in three bytes, as many as U+FFFD has.
fn without_halves(mut bytes: Vec<u8>) -> String {
    let halves = bytes.windows(3).enumerate().filter(|(_, three)| matches!(three, [0xed, 0xa0..=0xbf, _]));
    let halves: Vec<usize> = halves.map(|(place, _)| place).collect();
    for place in halves {
        if let Some(half) = bytes.get_mut(place..place + 3) {
            half.copy_from_slice("\u{fffd}".as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
