//! What an answer is made of beside its URL, for a cache before this plugin to know.

use tollgate_plugin_sdk::Answer;

use crate::part::Part;
use crate::source::Source;

/// Worked out once, when the plugin is configured: of all parts, whether a request makes them called or not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The request's fields that the parts are made of, as `Vary` has them; none if there are none.
    vary: Option<String>,
    /// Whether they are made of what no field of the request tells: of an attribute, or of its body.
    is_private: bool,
}

impl Kept {
    pub(crate) fn of(parts: &[Part]) -> Self {
        let mut fields: Vec<&str> = parts.iter().flat_map(Part::fields_used).collect();
        fields.sort_unstable();
        fields.dedup();
        let hidden = |source: &Source| matches!(source, Source::Attribute(_) | Source::Body(_));
        Self {
            vary: (!fields.is_empty()).then(|| fields.join(", ")),
            is_private: parts.iter().any(|part| part.forwards_the_body() || part.sources().into_iter().any(hidden)),
        }
    }

    /// Says so in an answer. One that is not whole would be kept beyond the failure.
    pub(crate) fn tell(&self, answer: Answer, is_whole: bool) -> Answer {
        let answer = match &self.vary {
            Some(fields) => answer.header("vary", fields.as_str()),
            None => answer,
        };
        match (is_whole, self.is_private) {
            (false, _) => answer.header("cache-control", "no-store"),
            (true, true) => answer.header("cache-control", "private"),
            (true, false) => answer,
        }
    }
}
