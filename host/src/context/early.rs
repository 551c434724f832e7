//! Fields of the response that plugins know on the way in already.
//!
//! They wait here until the response passes the plugin that named them, and are added as its `on-response` would add
//! them: a plugin that would do nothing else there needs no such hook.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::plugin::bindings::tollgate::plugin::types::HeaderError;
use crate::plugin::host_api::MAX_FIELDS;

/// By the positions of their plugins in the chain, which only go up.
#[derive(Debug, Default)]
pub struct Early(Vec<(usize, HeaderName, HeaderValue)>);

impl Early {
    /// # Errors
    ///
    /// More than a head may have.
    pub fn add(&mut self, position: usize, name: HeaderName, value: HeaderValue) -> Result<(), HeaderError> {
        if self.0.len() >= MAX_FIELDS {
            return Err(HeaderError::TooLarge);
        }
        self.0.push((position, name, value));
        Ok(())
    }

    /// The way in goes on from this position, perhaps for the second time.
    pub fn begin(&mut self, position: usize) {
        self.0.truncate(self.start_of(position));
    }

    /// The response passes the plugin at this position. What plugins behind it have left here is of no use any more.
    pub fn add_to(&mut self, headers: &mut HeaderMap, position: usize) {
        let start = self.start_of(position);
        for (at, name, value) in self.0.drain(start..) {
            // A head that is full stays as it is.
            if at == position && headers.len() < MAX_FIELDS {
                let _ = headers.try_append(name, value);
            }
        }
    }

    fn start_of(&self, position: usize) -> usize {
        self.0.partition_point(|(at, ..)| *at < position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early(fields: &[(usize, &'static str)]) -> Early {
        let mut early = Early::default();
        for (position, value) in fields {
            early.add(*position, HeaderName::from_static("a"), HeaderValue::from_static(value)).unwrap();
        }
        early
    }

    fn passed(early: &mut Early, position: usize) -> Vec<String> {
        let mut headers = HeaderMap::new();
        early.add_to(&mut headers, position);
        headers.get_all("a").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_waits_for_its_plugin_and_those_of_one_keep_their_order() {
        let mut early = early(&[(0, "x"), (2, "y"), (2, "z"), (3, "of who failed")]);
        assert_eq!(passed(&mut early, 2), ["y", "z"]);
        assert_eq!(passed(&mut early, 1), [""; 0]);
        assert_eq!(passed(&mut early, 0), ["x"]);
        assert_eq!(passed(&mut early, 0), [""; 0], "once");
    }

    #[test]
    fn a_hook_that_runs_again_begins_anew() {
        let mut early = early(&[(0, "x"), (1, "y"), (2, "z")]);
        early.begin(1);
        assert_eq!((passed(&mut early, 1), passed(&mut early, 0)), (vec![], vec!["x".to_owned()]));
    }

    #[test]
    fn there_are_no_more_than_a_head_may_have() {
        let mut full = early(&vec![(0, "x"); MAX_FIELDS]);
        let (name, value) = (HeaderName::from_static("a"), HeaderValue::from_static("y"));
        assert!(matches!(full.add(0, name, value), Err(HeaderError::TooLarge)));
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static("b"), HeaderValue::from_static("1"))]);
        full.add_to(&mut headers, 0);
        assert_eq!(headers.len(), MAX_FIELDS);
    }
}
