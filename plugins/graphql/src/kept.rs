//! What an answer is made of beside its URL, for a cache before this plugin to know.

use tollgate_plugin_sdk::Answer;

use crate::schema::{Place, Rest};

/// Of one operation, whatever becomes of its calls; or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The request's fields that calls are made of, in order, each once.
    fields: Vec<String>,
    /// Whether no field of the request tells what it is made of: an attribute, or a guard that lets its client on.
    pub(crate) is_private: bool,
}

impl Kept {
    pub(crate) fn add_call(&mut self, rest: &Rest) {
        for field in rest.forwarded() {
            self.add_field(field);
        }
        for place in rest.places() {
            match place {
                Place::Header(name) => self.add_field(&name.to_ascii_lowercase()),
                Place::Attribute(_) => self.is_private = true,
                Place::Args(_) | Place::Parent(_) | Place::Param(_) | Place::Keys => {}
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        other.fields.iter().for_each(|field| self.add_field(field));
        self.is_private |= other.is_private;
    }

    fn add_field(&mut self, field: &str) {
        if let Err(place) = self.fields.binary_search_by(|known| known.as_str().cmp(field)) {
            self.fields.insert(place, field.to_owned());
        }
    }

    /// Says so in an answer, which says already that `accept` makes a difference.
    pub(crate) fn tell(&self, answer: Answer) -> Answer {
        let answer = if self.fields.is_empty() { answer } else { answer.header("vary", self.fields.join(", ")) };
        if self.is_private { answer.header("cache-control", "private") } else { answer }
    }
}
