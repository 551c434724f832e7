//! Notes on a request, shared along its chain.

use std::sync::{Arc, Mutex, PoisonError};

/// Most attributes on one request.
const MAX_ATTRIBUTES: usize = 64;
/// Most bytes of attribute names and values on one request.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

/// The request's notes. They are its own until a body is filtered as it passes: then hooks may run while
/// another part of the request is elsewhere, and all of them have the same notes.
#[derive(Debug)]
pub struct Attributes(Notes);

#[derive(Debug)]
enum Notes {
    Own(Entries),
    Shared(Arc<Mutex<Entries>>),
}

/// A handful at most, so a list beats a map.
#[derive(Debug, Default)]
struct Entries {
    entries: Vec<(String, String)>,
    bytes: usize,
}

/// The request carries as many notes as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributesFull;

impl Attributes {
    pub fn get(&mut self, name: &str) -> Option<String> {
        self.with(|entries| entries.get(name).map(str::to_owned))
    }

    pub fn set(&mut self, name: String, value: String) -> Result<(), AttributesFull> {
        self.with(|entries| entries.set(name, value))
    }

    /// The same notes, for hooks that run meanwhile.
    #[must_use]
    pub fn share(&mut self) -> Self {
        if let Notes::Own(entries) = &mut self.0 {
            self.0 = Notes::Shared(Arc::new(Mutex::new(std::mem::take(entries))));
        }
        match &self.0 {
            Notes::Shared(shared) => Self(Notes::Shared(Arc::clone(shared))),
            Notes::Own(_) => Self::default(),
        }
    }

    /// The lock is never waited for: a request's hooks run on one thread, and none holds it across one.
    fn with<T>(&mut self, run: impl FnOnce(&mut Entries) -> T) -> T {
        match &mut self.0 {
            Notes::Own(entries) => run(entries),
            Notes::Shared(shared) => run(&mut shared.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self(Notes::Own(Entries::default()))
    }
}

impl Entries {
    fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: String, value: String) -> Result<(), AttributesFull> {
        let position = self.entries.iter().position(|(key, _)| *key == name);
        let freed = position.map_or(0, |at| self.entries[at].1.len() + name.len());
        let bytes = self.bytes - freed + name.len() + value.len();
        if bytes > MAX_ATTRIBUTE_BYTES || (position.is_none() && self.entries.len() == MAX_ATTRIBUTES) {
            return Err(AttributesFull);
        }
        self.bytes = bytes;
        match position {
            Some(at) => self.entries[at].1 = value,
            None => self.entries.push((name, value)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_set_twice_has_its_last_value_and_counts_once() {
        let mut attributes = Entries::default();
        attributes.set("a".into(), "1".into()).unwrap();
        attributes.set("a".into(), "22".into()).unwrap();
        assert_eq!(attributes.get("a"), Some("22"));
        assert_eq!(attributes.bytes, 3);
    }

    #[test]
    fn attributes_are_limited_in_number_and_bytes() {
        let mut attributes = Attributes::default();
        for n in 0..MAX_ATTRIBUTES {
            attributes.set(n.to_string(), String::new()).unwrap();
        }
        assert_eq!(attributes.set("one more".into(), String::new()), Err(AttributesFull));
        assert_eq!(attributes.set("0".into(), "x".repeat(MAX_ATTRIBUTE_BYTES)), Err(AttributesFull));
        assert_eq!(attributes.get("0").as_deref(), Some(""));
    }

    #[test]
    fn shared_notes_are_the_same_on_both_sides() {
        let mut one = Attributes::default();
        one.set("before".into(), "1".into()).unwrap();
        let mut other = one.share();
        other.set("after".into(), "2".into()).unwrap();
        assert_eq!(other.get("before").as_deref(), Some("1"));
        assert_eq!(one.get("after").as_deref(), Some("2"));
        assert_eq!(one.share().get("after").as_deref(), Some("2"));
    }
}
