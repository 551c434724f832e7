//! Items of one answer, put into the items of another by key.

use tollgate_plugin_sdk::mistakes::At;

use std::collections::HashMap;

use crate::config::JoinConfig;
use crate::json::Json;
use crate::path::Path;

/// A join, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Join {
    to: Path,
    key: Path,
    equals: Path,
    into: Path,
    many: bool,
}

impl Join {
    pub(crate) fn new(config: &JoinConfig, mistakes: &At<'_>) -> Option<Self> {
        let path = |key: &str, text: &str| mistakes.of(key).take(Path::parse(text));
        let (to, key) = (path("to", &config.to), path("key", &config.key));
        let (equals, into) = (path("equals", &config.equals), path("into", &config.into));
        Some(Self { to: to?, key: key?, equals: equals?, into: into?, many: config.many })
    }

    /// The array.
    pub(crate) fn to(&self) -> &Path {
        &self.to
    }

    /// Joins what the part answered into the whole, if that takes no more than `room` bytes, which become fewer; else
    /// nothing is done, and false returned: items that are found often may be more than there is memory for.
    /// Items that find nothing stay as they are, or get an empty array with `many`; where the array is not in the
    /// whole, nothing is done.
    pub(crate) fn apply(&self, whole: &mut Json, mut answer: Json, room: &mut usize) -> bool {
        let Some(targets) = self.to.of_mut(whole).and_then(Json::items_mut) else { return true };
        let by_key = self.by_key(answer.items_mut().map(std::mem::take).unwrap_or_default());
        let found = |target: &Json| self.key.of(target).and_then(|key| key.text()).and_then(|key| by_key.get(&key));
        let found: Vec<Option<&Vec<Json>>> = targets.iter().map(found).collect();
        let length = found.iter().fold(0, |sum: usize, found| sum.saturating_add(self.length(*found)));
        let Some(left) = room.checked_sub(length) else { return false };
        *room = left;
        for (target, found) in targets.iter_mut().zip(found) {
            let value = match (self.many, found) {
                (true, found) => Json::Array(found.cloned().unwrap_or_default()),
                (false, Some(found)) => found.first().cloned().unwrap_or_else(Json::null),
                (false, None) => continue,
            };
            self.into.put(target, value);
        }
        true
    }

    /// The items by their keys: all of them with `many`, else the first of each.
    fn by_key(&self, items: Vec<Json>) -> HashMap<String, Vec<Json>> {
        let mut by_key: HashMap<String, Vec<Json>> = HashMap::new();
        for item in items {
            if let Some(key) = self.equals.of(&item).and_then(|key| key.text()) {
                let found = by_key.entry(key).or_default();
                if self.many || found.is_empty() {
                    found.push(item);
                }
            }
        }
        by_key
    }

    /// Bytes that an item of the array gets.
    fn length(&self, found: Option<&Vec<Json>>) -> usize {
        let items: usize = found.into_iter().flatten().map(|item| item.length() + 1).sum();
        match (self.many, found) {
            (true, _) => self.into.length() + 2 + items,
            (false, Some(_)) => self.into.length() + items,
            (false, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::mistakes::Mistakes;

    use super::*;
    use serde_json::{Value, json};

    fn joined(join: Value, whole: &str, answer: &str) -> Value {
        let join = Join::new(&serde_json::from_value(join).unwrap(), &Mistakes::default().whole()).unwrap();
        let mut whole = Json::parse(whole.into()).unwrap();
        assert!(join.apply(&mut whole, Json::parse(answer.into()).unwrap(), &mut { usize::MAX }));
        let mut out = Vec::new();
        whole.write(&mut out);
        serde_json::from_slice(&out).unwrap()
    }

    fn by_id() -> Value {
        json!({"to": "page.orders", "key": "product.id", "equals": "id", "into": "product.more"})
    }

    #[test]
    fn items_get_what_has_their_key_whether_number_or_text() {
        let whole = r#"{"page":{"orders":[{"product":{"id":1}},{"product":{"id":"2"}},{"product":{"id":9}},{},3]}}"#;
        let answer = r#"[{"id":"1","name":"a"},{"id":2,"name":"b"},{"id":2,"name":"c"},{"name":"d"},null]"#;
        assert_eq!(
            joined(by_id(), whole, answer)["page"]["orders"],
            json!([
                {"product": {"id": 1, "more": {"id": "1", "name": "a"}}},
                {"product": {"id": "2", "more": {"id": 2, "name": "b"}}},
                {"product": {"id": 9}},
                {},
                3,
            ])
        );
    }

    #[test]
    fn with_many_all_that_fit_come_along() {
        let join = json!({"to": "users", "key": "id", "equals": "user", "into": "orders", "many": true});
        assert_eq!(
            joined(join, r#"{"users":[{"id":1},{"id":2}]}"#, r#"[{"user":1,"n":1},{"user":1,"n":2}]"#)["users"],
            json!([{"id": 1, "orders": [{"user": 1, "n": 1}, {"user": 1, "n": 2}]}, {"id": 2, "orders": []}])
        );
    }

    #[test]
    fn a_name_that_is_half_a_character_keeps_no_item_from_being_joined() {
        let whole = r#"{"page":{"orders":[{"\ud800":0,"product":{"id":1,"\udc00":0}}]}}"#;
        let join = Join::new(&serde_json::from_value(by_id()).unwrap(), &Mistakes::default().whole()).unwrap();
        let mut whole = Json::parse(whole.into()).unwrap();
        assert!(join.apply(&mut whole, Json::parse(r#"[{"\ud800":0,"id":1}]"#.into()).unwrap(), &mut { usize::MAX }));
        let more = Path::parse("page.orders.0.product.more.id").unwrap().of(&whole);
        assert_eq!(more.and_then(|id| id.text()).as_deref(), Some("1"));
    }

    #[test]
    fn nothing_is_done_where_there_is_no_array() {
        for (whole, answer) in
            [("{}", "[]"), (r#"{"page":{"orders":{}}}"#, r#"[{"id":1}]"#), (r#"{"page":{"orders":[]}}"#, "{}")]
        {
            assert_eq!(joined(by_id(), whole, answer), serde_json::from_str::<Value>(whole).unwrap());
        }
    }
}
