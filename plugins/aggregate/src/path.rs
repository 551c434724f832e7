//! Places in JSON: `user.address.city`, `items.0.id`.

use std::fmt;

use crate::json::{Json, quoted_length};

/// Names of members, or numbers of items, from the outside in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// Dots part the names. A member whose own name has a dot cannot be named.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(format!("`{text}` is no path; write names of members with dots between: `user.address.city`"));
        }
        Ok(Self(steps))
    }

    /// The value itself.
    pub(crate) fn whole() -> Self {
        Self(Vec::new())
    }

    /// A member of the value itself, whatever its name.
    pub(crate) fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The last name, and the way to what it is a member of.
    pub(crate) fn split_last(&self) -> Option<(&[String], &str)> {
        self.0.split_last().map(|(last, way)| (way, last.as_str()))
    }

    /// The outermost name; none of the value itself.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Whether it leads to what is at the other one, or to something inside that.
    pub(crate) fn is_at_or_in(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Bytes that a value there adds to the object it is put into, beside its own: names, colons, commas, and the
    /// braces of what is made on the way.
    pub(crate) fn length(&self) -> usize {
        let inner = self.0.len().saturating_sub(1);
        self.0.iter().map(|name| quoted_length(name) + 2).sum::<usize>() + inner
    }

    /// What is there, if anything is.
    pub(crate) fn of(&self, json: &Json) -> Option<Json> {
        let Some((first, rest)) = self.0.split_first() else { return Some(json.clone()) };
        rest.iter().try_fold(json.child(first)?, |value, step| value.child(step))
    }

    /// As [`Path::of`], to be changed in place.
    pub(crate) fn of_mut<'a>(&self, json: &'a mut Json) -> Option<&'a mut Json> {
        walk(json, &self.0)
    }

    /// Takes a member out.
    pub(crate) fn take(&self, json: &mut Json) -> Option<Json> {
        let (way, last) = self.split_last()?;
        let members = walk(json, way)?.members_mut()?;
        let place = members.iter().rposition(|(name, _)| name == last)?;
        Some(members.remove(place).1)
    }

    /// Makes it a member, and what is missing on the way; what is there gives way. False where
    /// something on the way is no object.
    pub(crate) fn put(&self, json: &mut Json, value: Json) -> bool {
        let Some(place) = self.make(json) else { return false };
        *place = value;
        true
    }

    /// The member, made with what is missing on the way to it; `None` where something on the way is
    /// no object.
    pub(crate) fn make<'a>(&self, json: &'a mut Json) -> Option<&'a mut Json> {
        self.0.iter().try_fold(json, |value, step| {
            if value.is_null() {
                *value = Json::Object(Vec::new());
            }
            let members = value.members_mut()?;
            let place = members.iter().rposition(|(name, _)| name == step).unwrap_or_else(|| {
                members.push((step.clone(), Json::null()));
                members.len() - 1
            });
            members.get_mut(place).map(|(_, value)| value)
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("value") } else { f.write_str(&self.0.join(".")) }
    }
}

fn walk<'a>(json: &'a mut Json, way: &[String]) -> Option<&'a mut Json> {
    way.iter().try_fold(json, |value, step| value.child_mut(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.into()).unwrap()
    }

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    fn written(json: &Json) -> String {
        let mut out = Vec::new();
        json.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_path_leads_through_members_and_items() {
        let value = json(r#"{"a":{"b":[1,{"c":2}]}}"#);
        assert_eq!(path("a.b.1.c").of(&value).unwrap().text().unwrap(), "2");
        assert!(path("a.b.2").of(&value).is_none() && path("a.x.c").of(&value).is_none());
        assert_eq!(written(&Path::whole().of(&value).unwrap()), r#"{"a":{"b":[1,{"c":2}]}}"#);
    }

    #[test]
    fn what_is_put_makes_its_way() {
        let mut value = json(r#"{"a":1}"#);
        assert!(path("b.c").put(&mut value, json("2")));
        assert!(path("a").put(&mut value, json("3")));
        assert!(!path("a.b").put(&mut value, json("4")));
        assert_eq!(written(&value), r#"{"a":3,"b":{"c":2}}"#);
    }

    #[test]
    fn what_is_taken_is_gone() {
        let mut value = json(r#"{"a":{"b":1,"c":2}}"#);
        assert_eq!(written(&path("a.b").take(&mut value).unwrap()), "1");
        assert!(path("a.b").take(&mut value).is_none());
        assert_eq!(written(&value), r#"{"a":{"c":2}}"#);
    }

    #[test]
    fn an_empty_name_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b"] {
            assert!(Path::parse(text).unwrap_err().contains("is no path"), "{text}");
        }
    }
}
