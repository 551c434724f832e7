//! What a route asks for besides host and path. Most routes ask for nothing, and have none.

use http::{HeaderName, Method, request};

use super::Allowed;
use crate::config::model::Match;

#[derive(Debug, Clone)]
pub(super) struct Conditions {
    methods: Vec<Method>,
    headers: Vec<(HeaderName, Option<String>)>,
    query: Vec<(String, Option<String>)>,
}

impl Conditions {
    /// None, where nothing is asked for.
    pub(super) fn of(matches: &Match) -> Option<Self> {
        let all =
            Self { methods: matches.methods.clone(), headers: matches.headers.clone(), query: matches.query.clone() };
        (all.weight() > 0).then_some(all)
    }

    /// More conditions are tried first.
    pub(super) fn weight(&self) -> usize {
        self.headers.len() + self.query.len() + usize::from(!self.methods.is_empty())
    }

    /// Whether the request fits. Where only the method does not, says which would.
    pub(super) fn hold(&self, head: &request::Parts, allowed: &mut Allowed) -> bool {
        if !self.headers.iter().all(|condition| header_holds(condition, head)) || !self.query_holds(head) {
            return false;
        }
        let fits = self.methods.is_empty() || self.methods.contains(&head.method);
        if !fits {
            allowed.add(&self.methods);
        }
        fits
    }

    fn query_holds(&self, head: &request::Parts) -> bool {
        if self.query.is_empty() {
            return true;
        }
        let query = head.uri.query().unwrap_or_default();
        self.query.iter().all(|(name, wanted)| {
            form_urlencoded::parse(query.as_bytes()).any(|(key, value)| {
                key == name.as_str() && wanted.as_ref().is_none_or(|wanted| value == wanted.as_str())
            })
        })
    }
}

fn header_holds((name, wanted): &(HeaderName, Option<String>), head: &request::Parts) -> bool {
    let mut values = head.headers.get_all(name).iter();
    match wanted {
        Some(wanted) => values.any(|value| value.as_bytes() == wanted.as_bytes()),
        None => values.next().is_some(),
    }
}
